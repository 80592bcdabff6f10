"""Where each object lies in the bucket. Made from ids alone: a client's file name never becomes part of a key.

recordings/{recording}/original                 what the client sent
recordings/{recording}/speech/{part}.pcm        16 kHz mono s16le, in the order of the parts
recordings/{recording}/renditions/{name}        video.mp4, audio.m4a, speech.wav, poster.jpg
recordings/{recording}/thumbnails/{number}.jpg
"""


def recording_prefix(recording_id: str) -> str:
    """Everything of one recording lies under this."""
    return f"recordings/{recording_id}/"


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
