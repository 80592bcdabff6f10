"""A short run of the proof by chaos: the same code as `make chaos`, with fewer recordings."""

from pathlib import Path

import pytest

from bench.chaos.run import Options, chaos


@pytest.mark.timeout(600)
async def test_nothing_is_lost_stuck_or_done_twice(tmp_path: Path) -> None:
    report = await chaos(Options(seed=1859, jobs=14, seconds=40, data=tmp_path), print)
    assert report.clean, "\n".join((*report.lines(), *report.faults()))
    assert sum(report.hits.values()) >= 5, "nothing was proven"
    assert len(report.sent) == 14
