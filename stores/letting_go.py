"""How lectures are let go of: link by link, and with the last one all of it.

What breaks off can be repeated: a lecture that its last reader has let go of is marked as deleted, and found by that.
"""

from dataclasses import dataclass

from schemas.holds import Hold
from schemas.jobs import Job
from schemas.recordings import Recording
from stores.deletion import Deletion
from stores.errors import LeaseLost
from stores.lectures import Lectures

_AT_ONCE = 20


@dataclass(frozen=True)
class LettingGo:
    """Ends links to lectures, and lectures. Raises StoreUnavailable, and OnHold for what nobody may delete."""

    lectures: Lectures
    deletion: Deletion

    async def let_go(self, recording: Recording, user_id: str) -> None:
        """Takes the account's link away, and with the last one the lecture. Harmless when repeated.

        Work that was the account's goes over to one of the others: before, since nobody comes back for a link that is
        gone, and again, since the others may have changed meanwhile.
        """
        if recording.deleted_at is None:
            await self._hand_over(recording, user_id)
            left = await self.lectures.unlink(recording.id, user_id, await self._course_hold(recording, user_id))
            if left is not None and left.deleted_at is None:
                await self._hand_over(left, user_id)
                return
        there = await self.lectures.stored(recording.id)
        if there is not None and there.deleted_at is not None:
            await self.destroy(there)

    async def destroy(self, recording: Recording) -> None:
        """Takes the lecture away, whoever is linked to it. Harmless when repeated."""
        await self.deletion.destroy(recording)
        if recording.lecture is not None:
            await self.lectures.unpoint(recording.lecture.key, recording.id)

    async def forget(self, user_id: str) -> int:
        """Takes every link of the account away; how many there were."""
        gone = 0
        while page := await self.lectures.of_account(user_id, limit=_AT_ONCE):
            for recording in page:
                await self.let_go(recording, user_id)
            gone += len(page)
        return gone

    async def _course_hold(self, recording: Recording, user_id: str) -> Hold | None:
        """The hold of the course that the lecture is in, whether it is the account's or nobody's."""
        owners = (user_id, recording.owner_id)
        return await self.deletion.folders.held(owners, recording.project_id) if recording.project_id else None

    async def _hand_over(self, recording: Recording, user_id: str) -> None:
        heir = next((link.user_id for link in recording.links if link.user_id != user_id), None)
        if heir is None:
            return

        def change(job: Job) -> None:
            if job.owner_id == user_id:
                job.owner_id = heir

        for job in await self.deletion.jobs.get_many(recording.every_job_id):
            if job.owner_id == user_id:
                try:
                    await self.deletion.jobs.change(job.id, change, known=job)
                except LeaseLost:  # the lecture was deleted meanwhile
                    return
