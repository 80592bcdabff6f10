"""Writes docs/codes.md out of the table of codes: `python -m deploy.codes`."""

from collections.abc import Iterable
from pathlib import Path

from schemas.problems import CODES, TYPE_PREFIX, Code
from schemas.remedies import REMEDIES

PAGE = Path(__file__).parents[1] / "docs" / "codes.md"
_HEAD = f"""# Codes

Every failure has a code, and a code never changes its meaning. This page is made from `schemas/problems.py` and
`schemas/remedies.py` by `make codes`.

## Problems of a request

The answer is `application/problem+json` (RFC 9457) with `type` («{TYPE_PREFIX}» and the code), `title`, `status`,
`code`, `detail` (a sentence for a person), `instance` (the request's id, as in `X-Request-ID` and the log) and, where
fields are wrong, `errors` with the `field` and a `message` for each. `/openapi.json` has the codes of each operation.

| Status | Code | What it means | What to do |
|---|---|---|---|
"""
_STEPS = """
## Failures of a step

They show as `error` of a step, a job and a recording, and in dead letters; no request is answered with one.

| Code | What it means | What to do |
|---|---|---|
"""


def page() -> str:
    """The page as Markdown."""
    requests = sorted((code for code in CODES.values() if code.status), key=lambda code: (code.status, code.code))
    steps = sorted((code for code in CODES.values() if not code.status), key=lambda code: code.code)
    return _HEAD + _rows(requests) + _STEPS + _rows(steps)


def _rows(codes: Iterable[Code]) -> str:
    return "".join(f"| {' | '.join(_cells(code))} |\n" for code in codes)


def _cells(code: Code) -> list[str]:
    status = [str(code.status)] if code.status else []
    return [*status, f"`{code.code}`", code.title, REMEDIES.get(code.code, "")]


if __name__ == "__main__":
    PAGE.write_text(page())
