"""Uploads in parts that a client sends straight to the object store: what it asks, and what it is told."""

from typing import Annotated

from pydantic import Field

from schemas.model import Frozen
from schemas.requests import Request, UploadRequest

MB = 1024 * 1024
SMALLEST_PART = 5 * MB
"""Every part but the last is at least so large: S3 says so."""
LARGEST_PART = 5 * 1024 * MB
MOST_PARTS = 10_000
DEFAULT_PART = 16 * MB
MOST_ADDRESSES = 200
"""How many addresses one answer has, at most."""
FIRST_ADDRESSES = 50

PartNumber = Annotated[int, Field(ge=1, le=MOST_PARTS)]


class MultipartRequest(UploadRequest):
    """What a client is about to upload in parts. Without `part_size` the service chooses one."""

    part_size: int | None = Field(
        default=None, ge=SMALLEST_PART, le=LARGEST_PART, description="In bytes, of every part but the last."
    )


class PartsWanted(Request):
    """The parts that addresses are wanted for, once or again."""

    numbers: tuple[PartNumber, ...] = Field(min_length=1, max_length=MOST_ADDRESSES, examples=[[1, 2, 3]])


class PartSent(Request):
    """A part that was sent, with the ETag that the object store answered."""

    number: PartNumber
    etag: str = Field(min_length=1, max_length=128)


class MultipartComplete(Request):
    """All parts are there. Left out, the parts are those that the object store has."""

    parts: tuple[PartSent, ...] | None = Field(default=None, min_length=1, max_length=MOST_PARTS)


class PartAddress(Frozen):
    """Where to PUT one part, of exactly that many bytes."""

    number: int
    size_bytes: int
    url: str


class PartAddresses(Frozen):
    """Addresses of parts, each valid for `expires_in` seconds."""

    id: str
    expires_in: int
    urls: tuple[PartAddress, ...]


class MultipartAddress(PartAddresses):
    """An upload in `parts` parts has begun; `urls` are the addresses of the first ones."""

    s3_key: str
    job_id: str
    part_size: int
    parts: int


class PartView(Frozen):
    """A part that the object store has."""

    number: int
    size_bytes: int
    etag: str


class PartList(Frozen):
    """The parts that the object store has, by their numbers. One that was sent with other bytes may be there twice."""

    id: str
    part_size: int
    parts: int
    items: tuple[PartView, ...]
