"""Uploads that can be resumed: left alone while they may go on, put together when they are whole, never left behind."""

from dataclasses import replace
from datetime import timedelta

import pytest

from schemas.ids import new_id
from schemas.recordings import RecordingStatus, Source
from schemas.time import after, now
from stores import keys
from stores.resumable import Arrival, Part, Piece
from tests.unit.stores.reconciler.house import OLD, WEBM, House


@pytest.fixture
def house() -> House:
    return House()


async def coming(house: House, body: bytes = WEBM, length: int | None = None, **fields):
    """An upload of which so much has come, long ago."""
    recording = await house.awaiting(
        source=Source.TUS, size_bytes=len(WEBM), id=(made := new_id()), object_key=keys.original(made)
    )
    pieces = tuple(Piece(f"{at:015d}-x", len(body[at : at + 40])) for at in range(0, len(body), 40))
    for number, piece in enumerate(pieces):
        house.bucket.store(keys.piece(recording.id, piece.name), body[number * 40 :][: piece.size])
    made = now() - timedelta(minutes=OLD)
    upload = Arrival(recording.id, recording.owner_id, length or len(WEBM), "", after(60), made, tail=pieces)
    await house.arrivals.create(replace(upload, **fields))
    return recording


async def test_one_that_may_go_on_is_left_alone(house):
    await coming(house, WEBM[:50])
    assert await house.found() == []


async def test_one_that_has_expired_goes_with_all_that_came(house):
    recording = await coming(house, WEBM[:50], expires_at=now() - timedelta(minutes=5))
    assert await house.reconciled() == [("upload_abandoned", "repaired")]
    assert house.keys_of(recording) == []
    assert await house.arrivals.get(recording.id) is None
    assert await house.recordings.stored(recording.id) is None


async def test_one_that_is_being_sent_never_expires(house):
    await coming(house, WEBM[:50], expires_at=now() - timedelta(minutes=5), holder="x", held_until=after(5))
    assert await house.found() == []


async def test_one_that_is_whole_is_put_together_and_taken_in(house):
    recording = await coming(house)
    assert await house.reconciled() == [("upload_stored", "repaired")]
    assert house.keys_of(recording) == [recording.object_key]
    assert house.bucket.objects[recording.object_key][0] == WEBM
    assert (await house.recordings.get(recording.id)).status is RecordingStatus.PROCESSING
    assert await house.arrivals.get(recording.id) is None
    assert await house.found() == []


async def test_one_that_is_whole_and_no_media_goes(house):
    recording = await coming(house, b"%PDF-" + WEBM[5:])
    assert await house.reconciled() == [("upload_stored", "repaired")]
    assert house.keys_of(recording) == []
    assert await house.recordings.stored(recording.id) is None


async def test_one_that_is_whole_and_whose_parts_are_gone_goes(house):
    parts = (Part(1, len(WEBM) - 10, "x"),)
    for tail in ((), (Piece("x", 10),)):
        size = len(WEBM) - (0 if tail else 10)
        recording = await coming(house, b"", size, upload_id="gone", numbers=1, parts=parts, tail=tail)
        for piece in tail:
            house.bucket.store(keys.piece(recording.id, piece.name), bytes(piece.size))
        assert await house.reconciled() == [("upload_stored", "repaired")]
        assert house.keys_of(recording) == []
        assert await house.arrivals.get(recording.id) is None
        assert await house.recordings.stored(recording.id) is None


async def test_one_whose_pieces_are_gone_goes_once_it_has_expired(house):
    recording = await coming(house)
    for key in house.keys_of(recording):
        await house.bucket.delete(key)
    assert await house.reconciled() == [("upload_stored", "settled")]
    await house.arrivals.change(recording.id, lambda upload: replace(upload, expires_at=now()))
    assert await house.reconciled() == [("upload_stored", "repaired")]
    assert await house.recordings.stored(recording.id) is None


async def test_what_is_left_of_one_that_was_taken_in_goes(house):
    recording = await house.completed(source=Source.TUS)
    house.bucket.store(keys.piece(recording.id, "x"))
    made = Arrival(recording.id, recording.owner_id, 5, "", after(60), now())
    await house.arrivals.create(made)
    before = set(house.keys_of(recording))
    assert await house.reconciled() == [("upload_remains", "repaired")]
    assert before - set(house.keys_of(recording)) == {keys.piece(recording.id, "x")}
    assert await house.arrivals.get(recording.id) is None


async def test_a_state_of_no_recording_goes(house):
    await house.arrivals.create(Arrival("gone", "ada", 5, "", after(60), now()))
    assert await house.reconciled() == [("upload_remains", "repaired")]
    assert await house.arrivals.get("gone") is None
