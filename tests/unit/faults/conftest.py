"""A ground to live on, with a clock that is put forward."""

import pytest
from structlog.testing import capture_logs

from tests.unit.faults.ground import Clock, Ground


@pytest.fixture
def ground_of(monkeypatch):
    """Makes a ground; every call another one. What hundreds of processes log is not shown: it would take most time."""
    clock = Clock()
    monkeypatch.setattr("schemas.time.datetime", clock)
    with capture_logs():
        yield lambda: Ground(clock)
