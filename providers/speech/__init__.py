"""Speech to text: the face, Deepgram behind it when a key is set, and Moonshine on this machine otherwise."""

from providers.speech.face import Heard, SpeechToText

__all__ = ["Heard", "SpeechToText"]
