"""Lectures in MongoDB: recordings that belong to whoever is linked to them, and how one is found again.

A lecture is a recording of the pseudo owner OWNER. Its links are part of its document (collection `recordings`), so
that every change of them is one compare-and-set together with the mark of its deletion: a link is either made before
the last unlink, which then is not the last, or refused after it.

Collection `lectures`: `_id`, a lecture's key, and `recording_id`. The key is made of the course, the session and the
media's address without the signatures in its query, which differ between people: so nobody is handed somebody else's
download by naming a course and a session alone. A pointer may outlive its recording; then it leads nowhere, and is
turned to the next one. Indexes: key and recording (what a change asks for), the linked accounts (lists).
"""

from typing import Any
from urllib.parse import unquote_plus, urlsplit

from schemas.holds import Hold
from schemas.ids import derived_id, new_id
from schemas.recordings import Recording, RecordingStatus
from schemas.time import now
from stores.documents import Database, from_document
from stores.errors import Duplicate, OnHold, answering, in_time
from stores.recordings import Recordings

OWNER = "lectures"
"""Owns every lecture. Ids of accounts are UUIDs, so it is nobody's."""

_SIGNATURES = frozenset(
    (
        *("token", "access_token", "accesstoken", "authtoken", "auth", "jwt", "sig", "signature", "expires", "exp"),
        *("policy", "key-pair-id", "awsaccesskeyid", "googleaccessid", "hdnea", "hdnts", "hdntl", "__gda__"),
        *("se", "sp", "sv", "sr", "st", "spr", "sip", "skoid", "sktid", "skt", "ske", "sks", "skv"),
    )
)
"""Parameters by which CloudFront, S3, Google, Azure, Akamai and plain tokens sign an address; others may name media."""
_SIGNED = ("x-amz-", "x-goog-")

Fields = dict[str, Any]


def key_of(course_id: str, session_id: str, url: str) -> str:
    """What a lecture is found by. `url` is the media's address; signatures in its query and its fragment do not count.

    What is not known as a signature counts: a wrong guess there costs a second download, not somebody's secret.
    """
    address = urlsplit(url)
    place = "?".join(filter(None, (address.path, "&".join(_naming(address.query)))))
    return derived_id("lecture", course_id, session_id, address.scheme, address.netloc.lower(), place)


def _naming(query: str) -> list[str]:
    """The parameters that may say which media it is, as they are written, in the order of their names."""

    def name(parameter: str) -> str:
        return unquote_plus(parameter.partition("=")[0]).lower()

    kept = (one for one in query.split("&") if one and name(one) not in _SIGNATURES)
    return sorted((one for one in kept if not name(one).startswith(_SIGNED)), key=name)


class Lectures(Recordings):
    """The repository of recordings, with what only lectures have. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._pointers = database["lectures"]

    async def prepare(self) -> None:
        """Creates the indexes. Harmless when repeated."""
        async with in_time():
            await self._pointers.create_index([("_id", 1), ("recording_id", 1)], unique=True)
            await self._recordings.create_index([("links.user_id", 1), ("_id", -1)])

    async def known(self, key: str) -> str | None:
        """The id of the recording that the lecture was last taken in as, whether that is still there or not."""
        async with answering():
            found = await self._pointers.find_one({"_id": key})
        return str(found["recording_id"]) if found else None

    async def point(self, key: str, recording_id: str, instead_of: str | None) -> bool:
        """Turns the lecture to another recording if it still is at the one named, None: at none. Whether it was."""
        if instead_of is None:
            return await self._point_first(key, recording_id)
        was = {"_id": key, "recording_id": instead_of}
        async with answering():
            result = await self._pointers.update_one(was, {"$set": {"recording_id": recording_id}})
        return bool(result.matched_count)

    async def _point_first(self, key: str, recording_id: str) -> bool:
        try:
            async with answering():
                await self._pointers.insert_one({"_id": key, "recording_id": recording_id})
        except Duplicate:
            return False
        return True

    async def unpoint(self, key: str, recording_id: str) -> None:
        """Forgets where the lecture was, if it still is there. Harmless when repeated."""
        async with answering():
            await self._pointers.delete_many({"_id": key, "recording_id": recording_id})

    async def link(self, recording_id: str, user_id: str) -> Recording | None:
        """Lets the account read the lecture. A repeat changes nothing. None where it is gone, or is being deleted."""
        recording = await self.get(recording_id)
        if recording is not None and recording.linked(user_id):
            return recording

        def change(found: Fields) -> Fields | None:
            links = found.get("links", [])
            linked = any(link["user_id"] == user_id for link in links)
            more = [] if linked else [{"user_id": user_id, "at": now()}]
            return {"links": [*links, *more]} if found.get("lecture") is not None else None

        return _recording(await self._collection.change(recording_id, change, touch=False))

    async def unlink(self, recording_id: str, user_id: str, course_hold: Hold | None = None) -> Recording | None:
        """Takes the account's link away; that of the last one stays in a lecture that is deleted by it.

        None where there is no such link, or the lecture is being deleted already. Raises OnHold for the last link to
        one that is on hold, or whose course is.
        """

        def change(found: Fields) -> Fields | None:
            links = found.get("links", [])
            kept = [link for link in links if link["user_id"] != user_id]
            if len(kept) == len(links):
                return None
            if kept:
                return {"links": kept}
            own = Hold.model_validate(found["hold"]) if found.get("hold") else None
            if hold := own or course_hold:
                raise OnHold(f"It is on hold: {hold.reason}")
            return {"deleted_at": now()}

        return _recording(await self._collection.change(recording_id, change, touch=False))

    async def renew(self, recording: Recording, url: str) -> Recording | None:
        """Has the lecture downloaded from that address the next time, under a job of its own where it was before.

        Changes nothing, and gives None, if somebody has written since it was read.
        """

        def change(found: Fields) -> Fields | None:
            renewed: Fields = {"lecture": {**found["lecture"], "url": url}}
            if not recording.to_be_downloaded:
                waiting = RecordingStatus.AWAITING_UPLOAD.value
                renewed |= {"etag": None, "content_type": None, "size_bytes": 0, "error": None, "status": waiting}
                renewed["original_expired_at"] = None
                renewed |= {"job_ids": [*found.get("job_ids", ()), found["job_id"]], "job_id": new_id()}
            return renewed if found["updated_at"] == recording.updated_at else None

        return _recording(await self._collection.change(recording.id, change))

    async def list_linked(
        self, user_id: str, *, limit: int, before: str | None = None, course_id: str | None = None
    ) -> list[Recording]:
        """The account's lectures, newest first, at most `limit`, those older than the id `before`."""
        wanted: Fields = {"links.user_id": user_id, "deleted_at": None}
        wanted |= {"_id": {"$lt": before}} if before else {}
        wanted |= {"project_id": course_id} if course_id else {}
        return await self.lists.matching(wanted, limit)

    async def of_account(self, user_id: str, *, limit: int) -> list[Recording]:
        """Lectures that the account is linked to, also those whose deletion has not come to its end."""
        return await self.lists.matching({"links.user_id": user_id}, limit)

    async def held_with(self, user_id: str) -> str | None:
        """The id of a lecture on hold that nobody but the account is linked to; None where there is none."""
        wanted: Fields = {"links.user_id": user_id, "deleted_at": None}
        async with answering():
            found = self._recordings.find(wanted, {"_id": 1, "links": 1, "hold": 1})
            async for fields in found:
                if fields.get("hold") and len(fields["links"]) == 1:
                    return str(fields["_id"])
        return None


def _recording(fields: Fields | None) -> Recording | None:
    return from_document(Recording, fields) if fields else None
