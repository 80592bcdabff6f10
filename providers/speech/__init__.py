"""Speech to text: the face, Deepgram behind it when a key is set, and Moonshine on this machine otherwise."""

from providers.speech.face import Heard, SpeechToText
from providers.speech.live import Draft, Final, Listener, LiveSpeech, Relieved

__all__ = ["Draft", "Final", "Heard", "Listener", "LiveSpeech", "Relieved", "SpeechToText"]
