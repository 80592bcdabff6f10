"""Whether this process is close to the memory that it may have: what FFmpeg does not say when an allocation fails.

Encoders and decoders answer a refused allocation with errors of all kinds, or lose a picture. So when something goes
wrong, and most of the memory is used up, it is taken for the reason.
"""

import sys
from pathlib import Path

_NEARLY_ALL = 0.75
"""A picture may need a quarter of what a child has: it is refused long before everything is used up."""


def short_of_memory() -> bool:
    """Whether most of the data segment's limit is used up; False where there is no limit, or none can be read."""
    if not sys.platform.startswith("linux"):
        return False
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    return limit != resource.RLIM_INFINITY and _data_bytes() > limit * _NEARLY_ALL


def _data_bytes() -> int:
    """The size of the data segment, as the system counts it against the limit."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:")), 0)
