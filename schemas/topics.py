"""Every topic: one table. The key is always the recording's id, so all facts about one recording stay in order;
`progress` is keyed by job. Topics are created from here before anybody reads them; nothing creates one on the fly.
"""

from enum import StrEnum

from schemas.model import Frozen

_DAY_MS = 24 * 3600 * 1000


class Topic(StrEnum):
    """The topics, by what they carry."""

    UPLOADS = "tidemark.uploads"
    JOBS = "tidemark.jobs"
    AUDIO = "tidemark.audio"
    RENDITIONS = "tidemark.renditions"
    TRANSCRIPTS = "tidemark.transcripts"
    ANALYSES = "tidemark.analyses"
    EXPORTS = "tidemark.exports"
    DELETIONS = "tidemark.deletions"
    PROGRESS = "tidemark.progress"
    DEAD_LETTERS = "tidemark.dead-letters"


class TopicSpec(Frozen):
    """How a topic is made. `public`: part of the contract with downstream teams."""

    topic: Topic
    key: str
    partitions: int
    retention_ms: int
    compacted: bool = False
    public: bool = True

    @property
    def config(self) -> dict[str, str]:
        """The topic's configuration, in Kafka's names."""
        policy = "compact,delete" if self.compacted else "delete"
        return {"cleanup.policy": policy, "retention.ms": str(self.retention_ms)}


TOPICS: tuple[TopicSpec, ...] = (
    TopicSpec(topic=Topic.UPLOADS, key="recording_id", partitions=8, retention_ms=30 * _DAY_MS),
    TopicSpec(topic=Topic.JOBS, key="recording_id", partitions=8, retention_ms=30 * _DAY_MS),
    TopicSpec(topic=Topic.AUDIO, key="recording_id", partitions=8, retention_ms=30 * _DAY_MS),
    TopicSpec(topic=Topic.RENDITIONS, key="recording_id", partitions=8, retention_ms=30 * _DAY_MS),
    TopicSpec(topic=Topic.TRANSCRIPTS, key="recording_id", partitions=8, retention_ms=30 * _DAY_MS),
    TopicSpec(topic=Topic.ANALYSES, key="recording_id", partitions=8, retention_ms=30 * _DAY_MS),
    TopicSpec(topic=Topic.EXPORTS, key="recording_id", partitions=8, retention_ms=30 * _DAY_MS),
    TopicSpec(topic=Topic.DELETIONS, key="recording_id", partitions=8, retention_ms=90 * _DAY_MS),
    TopicSpec(topic=Topic.PROGRESS, key="job_id", partitions=4, retention_ms=_DAY_MS // 24, public=False),
    TopicSpec(topic=Topic.DEAD_LETTERS, key="recording_id", partitions=1, retention_ms=90 * _DAY_MS, public=False),
)
