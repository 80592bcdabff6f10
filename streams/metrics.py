"""Every metric of the workers, by name and meaning. Labels are bounded: stages and outcomes only."""

from prometheus_client import Counter, Gauge, Histogram

STEPS = Counter(
    "tidemark_steps_total",
    "Attempts at steps by how they ended: completed, failed, queued (to be done again), cancelled, lost (to another).",
    ("stage", "outcome"),
)
STEP_SECONDS = Histogram(
    "tidemark_step_seconds",
    "From the claim of a step to the end of that attempt.",
    ("stage",),
    buckets=(0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000),
)
WAKES = Counter("tidemark_wakes_total", "Steps that the sweeper woke again.", ("stage",))
LOOKS = Counter("tidemark_sweeps_total", "Jobs that the sweeper looked after.")
STAGE_STOPPED = Gauge(
    "tidemark_stage_stopped",
    "1 while this process takes up no steps of the stage, since too many of its attempts failed; else 0.",
    ("stage",),
)
SEEN = Gauge("tidemark_worker_seen_seconds", "When the event loop of this worker last beat, in seconds since 1970.")
FINDINGS = Counter(
    "tidemark_findings_total",
    "What the reconciler found, by kind, and what came of it (stores/reconciler/findings says what each means).",
    ("kind", "outcome"),
)
RECONCILED = Gauge("tidemark_reconciled_seconds", "When this process last reconciled the stores; seconds since 1970.")
EXPIRED_BYTES = Counter("tidemark_expired_bytes_total", "What has gone by rules of retention, as documents said.")
