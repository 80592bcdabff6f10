"""A ground to live on, with a clock that is put forward."""

import pytest

from tests.unit.faults.ground import Clock, Ground


@pytest.fixture
def ground_of(monkeypatch):
    """Makes a ground; every call another one."""
    clock = Clock()
    monkeypatch.setattr("schemas.time.datetime", clock)
    return lambda: Ground(clock)
