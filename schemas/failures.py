"""Failures as verbs. What a stage or provider raises tells the runner what to do next.

StepFailure
├── Retryable   try again after a backoff (or after `retry_after` seconds, when the other side named it)
├── Permanent   the same input will fail again: fail the step and say why
└── Busy        nothing is wrong: give the step back, it is due later; does not count as an attempt
"""


class StepFailure(Exception):
    """A step could not end. `code` is stable (see schemas/problems), `detail` is a sentence for a person."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"

    @property
    def by_provider(self) -> bool:
        """Whether it is an outside provider's doing, and not that of the file, a store or a child."""
        return self.code.startswith("provider_")


class Retryable(StepFailure):
    """Worth another attempt. `retry_after` is in seconds, None where the other side did not say."""

    def __init__(self, code: str, detail: str, retry_after: float | None = None) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[type["Retryable"], tuple[str, str, float | None]]:
        return type(self), (self.code, self.detail, self.retry_after)


class Permanent(StepFailure):
    """Will fail in the same way every time."""


class Busy(StepFailure):
    """Not now. The step is given back and is due again after `retry_after` seconds."""

    def __init__(self, code: str, detail: str, retry_after: float = 1.0) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[type["Busy"], tuple[str, str, float]]:
        return type(self), (self.code, self.detail, self.retry_after)
