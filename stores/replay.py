"""Replaying a dead letter: the failed job goes on, or the message goes to its topic again.

What a letter is about decides. A repeat is harmless: a job that runs or has completed is refused, and a message that
comes twice wakes nobody the second time.
"""

import structlog

from schemas.failures import Retryable
from schemas.jobs import Job
from schemas.letters import Letter, Replayed
from schemas.problems import Problem
from schemas.time import now
from schemas.topics import Topic
from stores import lifecycle
from stores.dead_letters import DeadLetters, original_bytes
from stores.errors import LeaseLost, promptly
from stores.jobs import Jobs
from stores.outbox import Outbox
from stores.publisher import Publisher

log = structlog.get_logger(__name__)


class Replay:
    """Replays letters by number. Methods raise StoreUnavailable, and Problem where a letter cannot be replayed."""

    def __init__(self, letters: DeadLetters, jobs: Jobs, outbox: Outbox, publisher: Publisher) -> None:
        self._letters = letters
        self._jobs = jobs
        self._outbox = outbox
        self._publisher = publisher

    async def replay(self, number: int) -> Replayed:
        """Replays the letter of that number. Raises Problem: not_found, original_cut, not_replayable."""
        letter = await self._letters.get(number)
        if letter is None:
            raise Problem("not_found", f"There is no dead letter {number}, or no longer.")
        if letter.job_id is not None:
            return await self._set_going(letter, letter.job_id)
        return await self._publish_again(letter)

    async def _set_going(self, letter: Letter, job_id: str) -> Replayed:
        try:
            job, _ = await self._jobs.change(job_id, lambda job: lifecycle.retry(job, now()))
        except LeaseLost as error:
            raise Problem("not_replayable", "Its job is gone: the recording was deleted.") from error
        except lifecycle.Refused as error:
            raise Problem("not_replayable", f"Its job did not fail, or goes on already: {error}.") from error
        await self._settle(job)
        return Replayed(number=letter.number, job_id=job_id)

    async def _settle(self, job: Job) -> None:
        """The job is durable as it is: what it owes is paid at once if that can be had, else by a sweeper."""
        try:
            async with promptly():
                await self._outbox.settle(job)
        except Retryable as error:
            log.warning("left to the sweeper", job_id=job.id, reason=str(error))

    async def _publish_again(self, letter: Letter) -> Replayed:
        topic = _target(letter)
        if letter.cut:
            raise Problem(
                "original_cut", "The letter keeps only the beginning of the message: it cannot be sent again."
            )
        async with promptly():
            await self._publisher.publish_raw(topic, letter.original_key, original_bytes(letter))
        return Replayed(number=letter.number, topic=topic)


def _target(letter: Letter) -> Topic:
    """The topic that the message was on. Nothing else is ever written to."""
    try:
        topic = Topic(letter.original_topic or "")
    except ValueError as error:
        raise Problem("not_replayable", "The letter does not say on which topic of ours its message was.") from error
    if topic is Topic.DEAD_LETTERS:
        raise Problem("not_replayable", "It is about a message among the dead letters: nobody reads those for work.")
    return topic
