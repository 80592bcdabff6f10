"""When a provider fails for good: the work goes over to the fallback, in the same attempt.

For good is a refusal (of the key, for want of credit, of the recording), and any failure of the provider once the step
was tried as often as it has attempts, waits for the provider included: who has a fallback need not wait for long. What
is not the provider's fault (the file, a store, a child) never leads there.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from schemas.failures import Permanent, StepFailure
from streams.context import Context

T = TypeVar("T")
P = TypeVar("P", bound="_Named")


class _Named(Protocol):
    @property
    def name(self) -> str: ...


async def with_fallback(ctx: Context, first: P, fallback: P | None, work: Callable[[P, str | None], Awaitable[T]]) -> T:
    """What `work` returns with the first provider, or with the fallback, where there is one and the first failed.

    `work` starts from the beginning each time; it is given the code of the failure that the fallback stands in for. The
    job's log says that it was so and why.
    """
    try:
        return await work(first, None)
    except StepFailure as failure:
        if fallback is None or not _for_good(failure, ctx):
            raise
        ctx.log.warning("falling back", to=fallback.name, error=str(failure))
        await ctx.note(f"{failure.code}: {failure.detail} Going on with {fallback.name} instead.")
        return await work(fallback, failure.code)


def _for_good(failure: StepFailure, ctx: Context) -> bool:
    return failure.by_provider and (ctx.last_try or isinstance(failure, Permanent))
