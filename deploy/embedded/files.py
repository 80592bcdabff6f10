"""Small files that are whole or not there: written aside, then renamed. Readable by their owner alone."""

import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Writes `text` to `path` with mode 0600; a process that is killed meanwhile leaves the old file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(aside).replace(path)
