"""Every metric of the workers, by name and meaning. Labels are bounded: stages and outcomes only."""

from prometheus_client import Counter, Histogram

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
EXPIRED = Counter("tidemark_sweeps_total", "Jobs that the sweeper looked after.")
