"""A worker that joins its groups while Kafka knows, or tells, of no topics: it finds its partitions by itself."""

import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(90)

FORGETFUL_SECONDS = 6
FORGETFUL = f"""
import time
from aiokafka.cluster import ClusterMetadata
known, began = ClusterMetadata.partitions_for_topic, time.monotonic()
ClusterMetadata.partitions_for_topic = lambda self, topic: (
    None if time.monotonic() - began < {FORGETFUL_SECONDS} else known(self, topic)
)
"""


async def test_a_worker_that_joined_without_its_topics_finds_them(fleet, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(FORGETFUL)
    fleet.go()
    await fleet.start(PYTHONPATH=f"{tmp_path}:{':'.join(sys.path)}")
    await fleet.completed((await fleet.job()).id)
