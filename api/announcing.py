"""The document of a new recording, as every door writes it down before any of its bytes have come."""

from pathlib import PurePosixPath
from typing import Any

from schemas.ids import new_id
from schemas.recordings import Recording, Source
from schemas.requests import UploadRequest
from schemas.time import now
from schemas.uploads import UploadMetadata
from stores import keys

_LONGEST_TITLE = 200


def announced(owner_id: str, source: Source, filename: str, **known: Any) -> Recording:
    """A recording that awaits its bytes, with ids of its own; `known` are its other fields, as far as they are.

    It is called like its file where no title is known. Nothing is stored yet.
    """
    recording_id, created = new_id(), now()
    fields = {
        "title": PurePosixPath(filename).stem[:_LONGEST_TITLE],
        "size_bytes": 0,
        **{name: value for name, value in known.items() if value is not None},
    }
    return Recording(
        id=recording_id,
        owner_id=owner_id,
        job_id=new_id(),
        filename=filename,
        source=source,
        object_key=keys.original(recording_id),
        created_at=created,
        updated_at=created,
        **fields,
    )


def described(owner_id: str, source: Source, told: UploadRequest | UploadMetadata, size: int | None) -> Recording:
    """The recording of an upload that its client has described; a size that is not known yet is None."""
    return announced(owner_id, source, size_bytes=size, **told.model_dump(exclude={"file_size", "part_size"}))
