"""What the demo writes, to a pipe."""

import io

import pytest
from rich.console import Console

from deploy.demo.screen import Screen, clock, seconds


@pytest.fixture
def written(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr("deploy.demo.screen.Console", lambda **_: Console(file=out, width=300))
    return out


def job(status: str, **segments: str):
    step = {"name": "transcribe", "status": status, "progress": 50, "started_at": None, "finished_at": None}
    shown = [{"id": int(name[1:]), "start": 65.0, "text": text} for name, text in segments.items()]
    return {"steps": [step], "results": {"transcript": {"segments": shown}}}


def test_each_segment_and_each_change_of_status_is_told_once(written):
    screen = Screen()
    with screen:
        screen.show(job("running", s0="one"))
        screen.show(job("running", s0="one", s1="two [sic]"))
        screen.show(job("completed", s1="two [sic]"))
    lines = [line.strip() for line in written.getvalue().splitlines() if line.strip()]
    assert lines == ["1:05  one", "transcribe: running", "1:05  two [sic]", "transcribe: completed"]


@pytest.mark.parametrize(("position", "shown"), [(0, "0:00"), (59.99, "0:59"), (61, "1:01"), (3661, "1:01:01")])
def test_positions(position, shown):
    assert clock(position) == shown


def test_the_time_of_a_step_that_never_ran_is_nothing():
    assert seconds(None, "2026-01-01T00:00:01Z") == 0
    assert seconds("2026-01-01T00:00:00Z", "2026-01-01T00:00:01.500Z") == 1.5
