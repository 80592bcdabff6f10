"""What a client says of an upload that can be resumed: the pairs of its metadata header."""

from pydantic import Field

from schemas.requests import PROJECT_ID, Filename, Plain, Request, Title


class UploadMetadata(Request):
    """The pairs that mean something. All are texts, so a number is one that is written out."""

    filename: Filename = "recording"
    title: Title | None = None
    project_id: str | None = Field(default=None, pattern=PROJECT_ID)
    quality: Plain | None = Field(default=None, max_length=32)
    fps: float | None = Field(default=None, gt=0, le=1000, allow_inf_nan=False)
    has_system_audio: bool = False
    has_microphone: bool = False
