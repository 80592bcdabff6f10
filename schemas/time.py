"""Time as documents and events carry it: aware, UTC, whole milliseconds (what MongoDB keeps)."""

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """The present, truncated to milliseconds so that a value equals itself after a trip through the store."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def after(seconds: float) -> datetime:
    """The moment that many seconds from now."""
    return now() + timedelta(seconds=seconds)
