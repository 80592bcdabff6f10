"""The topics: a reader with nothing of ours but the contract follows a recording; nothing else is ever on a topic."""

import asyncio
import re
import sys
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.events import read_event
from schemas.topics import TOPICS
from tests.e2e.watching import SCREEN_H264, processed

README = Path(__file__).parents[2] / "README.md"


async def test_the_readme_s_reader_follows_a_recording(platform, client, tmp_path):
    recording, _ = await processed(client, SCREEN_H264)
    source = re.search(r"<!-- follow -->\n```python\n(.*?)```", README.read_text(), re.DOTALL)[1]
    script = tmp_path / "follow.py"
    script.write_text(source)
    (tmp_path / "schemas").symlink_to(README.parent / "schemas")
    reader = await asyncio.create_subprocess_exec(
        *(sys.executable, str(script), platform.services.kafka_bootstrap_servers, recording["id"]),
        stdout=asyncio.subprocess.PIPE,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
    )
    seen: set[str] = set()
    expected = {
        "recording.uploaded",
        "audio.available",
        "audio.extracted",
        "media.rendered",
        "recording.transcribed",
        "recording.analysed",
    }
    try:
        async with asyncio.timeout(30):
            while not expected <= seen:
                seen.add((await reader.stdout.readline()).decode().split()[2])
    finally:
        reader.kill()
        await reader.wait()
    assert seen == expected


async def test_every_message_on_every_topic_is_an_event_of_the_contract(platform, client):
    await processed(client, SCREEN_H264)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=platform.services.kafka_bootstrap_servers, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(spec.topic.value, part) for spec in TOPICS for part in range(spec.partitions)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        read = 0
        for partition in partitions:
            read += await _read_back(consumer, partition, ends[partition])
    finally:
        await consumer.stop()
    assert read > 20


async def _read_back(consumer: AIOKafkaConsumer, partition: TopicPartition, end: int) -> int:
    count = 0
    while await consumer.position(partition) < end:
        for message in (await consumer.getmany(partition, timeout_ms=1000)).get(partition, ()):
            event = read_event(message.value)
            headers = dict(message.headers)
            assert event.topic.value == partition.topic
            assert event.schema_version == 1
            assert message.key == event.key.encode()
            assert headers["ce_id"] == event.id.encode()
            assert headers["ce_type"] == f"tidemark.{event.type}".encode()
            count += 1
    return count
