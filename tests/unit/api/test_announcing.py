"""A new recording's document: its own ids, called like its file unless its client said otherwise."""

from api.announcing import announced, described
from schemas.multipart import MultipartRequest
from schemas.recordings import RecordingStatus, Source
from schemas.uploads import UploadMetadata
from stores import keys


def test_a_new_recording_awaits_its_bytes_under_its_own_key() -> None:
    one, other = (announced("ada", Source.MULTIPART, "standup.webm") for _ in range(2))
    assert one.status is RecordingStatus.AWAITING_UPLOAD
    assert (one.owner_id, one.source, one.title, one.size_bytes) == ("ada", Source.MULTIPART, "standup", 0)
    assert one.object_key == keys.original(one.id)
    assert len({one.id, one.job_id, other.id, other.job_id}) == 4


def test_a_long_file_name_makes_a_title_that_can_be_kept() -> None:
    assert announced("ada", Source.TUS, "x" * 240 + ".webm").title == "x" * 200


def test_what_the_client_said_is_kept() -> None:
    told = MultipartRequest(filename="a.mp4", file_size=7, title="Monday", project_id="web", fps=25, part_size=5 << 20)
    kept = described("ada", Source.PRESIGNED, told, told.file_size)
    assert (kept.title, kept.project_id, kept.fps, kept.size_bytes, kept.parts) == ("Monday", "web", 25, 7, None)


def test_a_size_that_is_told_later_is_none_for_now() -> None:
    kept = described("ada", Source.TUS, UploadMetadata(has_microphone=True), None)
    assert (kept.title, kept.size_bytes, kept.has_microphone, kept.quality) == ("recording", 0, True, None)
