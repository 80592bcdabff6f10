"""What refusals mean."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from providers import answers
from schemas.failures import Permanent, Retryable


@pytest.mark.parametrize(("status", "kind"), [(400, Permanent), (401, Permanent), (402, Permanent), (404, Permanent)])
@pytest.mark.parametrize("message", ["", "No.\n Really."])
def test_what_would_be_refused_again_is_permanent(status: int, kind: type, message: str) -> None:
    assert isinstance(answers.refusal("X", status, message), kind)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 499, 500, 502, 503, 504, 529])
def test_what_may_go_better_is_retryable_after_the_wait_it_names(status: int) -> None:
    failure = answers.refusal("X", status, "", 3.0)
    assert isinstance(failure, Retryable)
    assert failure.retry_after == 3.0


def test_a_long_message_is_cut() -> None:
    assert len(answers.refusal("X", 500, "long " * 1000).detail) < 400


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("17", 17),
        ("1.5", 1.5),
        ("999999999", 86_400),
        ("9" * 400, 86_400),
        ("", None),
        ("soon", None),
        ("-3", None),
    ],
)
def test_retry_after_in_seconds(value: str, seconds: float | None) -> None:
    assert answers.retry_after({"Retry-After": value}) == seconds


def test_retry_after_as_a_date_whatever_the_case_of_the_header() -> None:
    date = datetime.now(UTC) + timedelta(seconds=60)
    assert answers.retry_after({"retry-after": format_datetime(date, usegmt=True)}) == pytest.approx(60, abs=2)
    assert answers.retry_after({"RETRY-AFTER": "Thu, 01 Jan 1998 00:00:00 GMT"}) == 0
    assert answers.retry_after(None) is None
