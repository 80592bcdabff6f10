"""A Faust app for a stage, and one for activity: each its own app id, so its own consumer group.

The settings that matter and why: topics are made beforehand (`topic_disable_leader`, no declaration), nothing is kept
in tables, values stay raw so that a broken one reaches us, the poll interval lies above the longest pause, and the
partitions of a worker that died are handed on soon after its leases (a minute would be the default).
"""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import faust

from schemas.activity import TOPICS as ACTIVITY_TOPICS
from schemas.settings import Settings
from schemas.topics import Topic
from streams.activity import ActivityLog
from streams.runner import Runner
from streams.stage import Stage

_MAX_POLL_SECONDS = 3600.0
_SESSION_SECONDS = 6.0
_HEARTBEAT_SECONDS = 1.0
"""A member learns at its next heartbeat that another has joined; until all know, the new one gets nothing to do."""
_METADATA_MS = 5000
"""A worker that joins while Kafka hangs may be given no partitions, of topics that are not known to it yet: it finds
them at the next look, which by default is five minutes later."""


class _App(faust.App):
    def _create_directories(self) -> None:
        """Nothing is kept in tables, so there is nothing to make folders for in the working directory."""


def make_app(stage: Stage, settings: Settings, runner: Runner) -> faust.App:
    """The app of a stage, finalized; `await app.start()` makes it a member of its group."""
    app = _app(stage.name, settings)

    async def joined(*_: Any, **__: Any) -> None:
        await runner.joined()

    app.on_partitions_assigned.connect(joined)
    return _consuming(app, {stage.consumes, Topic.JOBS}, runner.consume)


def make_activity_app(settings: Settings, activity: ActivityLog) -> faust.App:
    """The app that counts what happens, finalized as a stage's."""
    return _consuming(_app("activity", settings), set(ACTIVITY_TOPICS), activity.consume)


def _app(name: str, settings: Settings) -> faust.App:
    return _App(
        f"tidemark-{name}",
        broker=[f"kafka://{address.strip()}" for address in settings.kafka_bootstrap_servers.split(",")],
        autodiscover=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        store="memory://",
        key_serializer="raw",
        value_serializer="raw",
        consumer_auto_offset_reset="earliest",
        consumer_metadata_max_age_ms=_METADATA_MS,
        broker_max_poll_interval=_MAX_POLL_SECONDS,
        broker_session_timeout=_SESSION_SECONDS,
        broker_heartbeat_interval=_HEARTBEAT_SECONDS,
        broker_commit_interval=1.0,
        stream_wait_empty=False,
    )


def _consuming(app: faust.App, topics: set[Topic], taking: Callable[..., Awaitable[None]]) -> faust.App:
    """The app with one agent, which acknowledges by itself."""
    topic = app.topic(*(topic.value for topic in topics), value_type=bytes, key_type=bytes)

    async def consume(stream: faust.StreamT[bytes]) -> None:
        manual = cast("faust.Stream[bytes]", stream).noack()
        await taking(aiter(manual.events()), manual.ack)

    app.agent(topic, name=app.conf.id)(consume)
    app.finalize()
    return app
