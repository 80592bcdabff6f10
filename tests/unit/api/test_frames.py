"""Frames: what an event holds is what its job's watchers are shown, byte for byte."""

import pytest
from websockets.frames import Frame as Sent
from websockets.frames import Opcode

from api.frames import frame_in, frame_of, text_frame
from schemas.jobs import Status
from stores.outbox import progressed
from tests.unit.stores.jobs import a_job


@pytest.mark.parametrize("status", Status)
def test_an_event_holds_the_frame_of_its_job(status: Status) -> None:
    odd = {"title": ',"job":{"version":9,"status":"failed"}', "job": {"version": 9}}
    job = a_job().model_copy(update={"status": status, "version": 7, "payload": odd, "results": {"job": odd}})
    frame = frame_in(progressed(job).model_dump_json().encode())
    assert frame == frame_of(job)
    assert (frame.version, frame.ended) == (7, status.ended)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{}",
        b',"job":',
        b'[1,"job":{}}',
        b'{"job_id":"a","job":{}}',
        b'{"job_id":"a","version":"x","status":"queued","job":{}}',
        b'{"job_id":"a","version":1,"status":"unheard of","job":{}}',
        b'{"job_id":"a","version":null,"status":[],"job":{}}',
    ],
)
def test_anything_else_is_a_value_error(value: bytes) -> None:
    with pytest.raises(ValueError, match="no state of a job"):
        frame_in(value)


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65535, 65536])
def test_a_text_frame_is_that_of_the_standard(length: int) -> None:
    text = b"x" * length
    assert text_frame(text) == Sent(Opcode.TEXT, text).serialize(mask=False)
