"""What can go wrong while servers of this machine are started. Each message is a sentence for a person.

EmbeddedError
├── InUse            another process owns the folder or the port
├── ProcessFailed    a program ended, or was not ready in time; names its log and shows the last lines
└── DownloadFailed   a jar could not be had, or was not what its hash says
"""


class EmbeddedError(RuntimeError):
    """The embedded stack cannot go on. The message says why and what to do."""


class InUse(EmbeddedError):
    """Somebody else has what was asked for."""


class ProcessFailed(EmbeddedError):
    """A program that was started is not doing its work."""


class DownloadFailed(EmbeddedError):
    """Something that must come from the outside did not."""
