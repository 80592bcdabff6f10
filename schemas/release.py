"""Which version of the program this is."""

from importlib.metadata import PackageNotFoundError, version


def release() -> str:
    """The installed version; "0" when run from a folder that was never installed."""
    try:
        return version("tidemark")
    except PackageNotFoundError:
        return "0"
