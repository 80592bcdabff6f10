"""What an outside provider's answer means to the runner: every refusal, silence and mess as a StepFailure.

Codes: provider_rate_limited, provider_unavailable, provider_timeout, provider_broken_answer (all worth another try);
provider_refused_key, provider_no_credit, provider_refused (the same request would be refused again). None is Busy: how
long a provider that is away, or asks to wait, is waited for is the runner's to say (streams/waiting).
"""

import email.utils
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from schemas.failures import Permanent, Retryable, StepFailure

_LONGEST_DETAIL = 300
_LONGEST_WAIT_SECONDS = 24 * 3600.0
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


def refusal(provider: str, status: int, message: str, retry_after: float | None = None) -> StepFailure:
    """The failure that an HTTP status above 399 stands for. `message` is the provider's own; a long one is cut."""
    said = f"{provider} answered {status}: {' '.join(message.split())[:_LONGEST_DETAIL] or 'without a reason'}"
    match status:
        case 401 | 403:
            return Permanent("provider_refused_key", f"{said}. Check the API key and what it may do.")
        case 402:
            return Permanent("provider_no_credit", said)
        case 429:
            return Retryable("provider_rate_limited", said, retry_after)
        case 408 | 409 | 425 | 499:
            return Retryable("provider_unavailable", said, retry_after)
        case _ if status >= 500:
            return Retryable("provider_unavailable", said, retry_after)
    return Permanent("provider_refused", said)


def unreachable(provider: str, error: Exception) -> Retryable:
    """The connection was not had, or was cut."""
    return Retryable("provider_unavailable", f"{provider} could not be reached: {error or type(error).__name__}")


def timed_out(provider: str) -> Retryable:
    """No answer in time."""
    return Retryable("provider_timeout", f"{provider} did not answer in time.")


def broken(provider: str, why: str) -> Retryable:
    """An answer that is not what the provider documents: cut off, not JSON, or of another shape."""
    return Retryable(
        "provider_broken_answer", f"{provider} sent an answer that cannot be read: {why[:_LONGEST_DETAIL]}"
    )


def retry_after(headers: Mapping[str, str] | None) -> float | None:
    """The seconds that a Retry-After header asks for, whether it counts or names a date; None where it says nothing."""
    value = next((text for name, text in (headers or {}).items() if name.lower() == "retry-after"), "").strip()
    seconds = float(value) if _NUMBER.fullmatch(value) else _until(value)
    return None if seconds is None else bounded(seconds)


def bounded(seconds: float) -> float:
    """A wait that was asked for, made no longer than a day."""
    return min(max(seconds, 0.0), _LONGEST_WAIT_SECONDS)


def _until(date: str) -> float | None:
    try:
        moment = email.utils.parsedate_to_datetime(date)
    except ValueError:
        return None
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
