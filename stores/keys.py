"""Where each object lies in the bucket. Made from ids alone: a client's file name never becomes part of a key.

recordings/{recording}/original                 what the client sent
recordings/{recording}/tail/{offset}-{token}    what has come of a resumable upload and is not yet in a part
recordings/{recording}/tail/part-{number}       of a live one the bytes of that part, which can be read
recordings/{recording}/speech/{part}.pcm        16 kHz mono s16le, in the order of the parts
recordings/{recording}/renditions/{name}        video.mp4, audio.m4a, speech.wav, poster.jpg, package.zip
recordings/{recording}/thumbnails/{number}.jpg
recordings/{recording}/pages/{number}.jpg       of a document
"""

RECORDINGS = "recordings/"
"""Everything of every recording lies under this; nobody else may keep anything there."""


def recording_prefix(recording_id: str) -> str:
    """Everything of one recording lies under this."""
    return f"{RECORDINGS}{recording_id}/"


def recording_of(key: str) -> str:
    """The id of the recording that an object under RECORDINGS belongs to, whether there is one or not."""
    return key.removeprefix(RECORDINGS).partition("/")[0]


def derived(recording_id: str) -> tuple[str, ...]:
    """All media that is made of a recording's original lies under these."""
    return tuple(f"{recording_prefix(recording_id)}{name}/" for name in ("renditions", "speech", "thumbnails"))


def original(recording_id: str) -> str:
    """What the client sent."""
    return f"{recording_prefix(recording_id)}original"


def speech_prefix(recording_id: str) -> str:
    """The parts of the audio for speech lie under this."""
    return f"{recording_prefix(recording_id)}speech/"


def speech_part(recording_id: str, number: int) -> str:
    """One part of the audio for speech, counted from 0."""
    return f"{speech_prefix(recording_id)}{number:06d}.pcm"


def rendition(recording_id: str, name: str) -> str:
    """A rendition, by its file name."""
    return f"{recording_prefix(recording_id)}renditions/{name}"


def thumbnail(recording_id: str, number: int) -> str:
    """A thumbnail, counted from 0."""
    return f"{recording_prefix(recording_id)}thumbnails/{number:04d}.jpg"


def page(recording_id: str, number: int) -> str:
    """The picture of a document's page, counted from 1."""
    return f"{recording_prefix(recording_id)}pages/{number:05d}.jpg"


def tail_prefix(recording_id: str) -> str:
    """The pieces of a resumable upload lie under this."""
    return f"{recording_prefix(recording_id)}tail/"


def kept_part(recording_id: str, number: int) -> str:
    """The bytes of a part of a live upload: the part itself cannot be read before the upload is complete."""
    return f"{tail_prefix(recording_id)}part-{number:05d}"


def piece(recording_id: str, name: str) -> str:
    """A piece of a resumable upload, by its name."""
    return f"{tail_prefix(recording_id)}{name}"
