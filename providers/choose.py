"""Which provider a process uses: the outside one whose key is set, otherwise the offline one.

Nothing heavy is imported here: an SDK or model comes in with the first piece of work, in a thread or a child.
"""

from importlib.util import find_spec

from providers.child import Children
from providers.language.extractive import Extractive
from providers.language.face import Analyst
from providers.language.gemini import Gemini
from providers.speech.deepgram import Deepgram
from providers.speech.deepgram_live import DeepgramLive
from providers.speech.face import SpeechToText
from providers.speech.live import LiveSpeech
from providers.speech.moonshine import Moonshine
from providers.speech.moonshine_live import MoonshineLive
from providers.speech.relay import Relay
from schemas.settings import Settings, SettingsError


def speech_to_text(settings: Settings, children: Children) -> SpeechToText:
    """Deepgram with DEEPGRAM_API_KEY, else Moonshine.

    Raises SettingsError when neither can be had, or what SPEECH_FALLBACK names cannot.
    """
    return Deepgram(settings) if _heard_outside(settings) else Moonshine(children)


def live_speech(settings: Settings, children: Children) -> LiveSpeech:
    """What listens while a recording is being made: the same provider as speech_to_text. Raises SettingsError alike.

    Where Deepgram fails, what SPEECH_FALLBACK names goes on.
    """
    if not _heard_outside(settings):
        return MoonshineLive(children)
    outside = DeepgramLive(settings)
    return Relay(outside, MoonshineLive(children)) if _falls_back(settings) else outside


def speech_fallback(settings: Settings, children: Children) -> SpeechToText | None:
    """What SPEECH_FALLBACK names; None where it names nothing, or what is used anyway."""
    return Moonshine(children) if _falls_back(settings) else None


def analyst(settings: Settings) -> Analyst:
    """Gemini with GEMINI_API_KEY, else the extractive analyst, which is always there."""
    return Gemini(settings) if settings.gemini_api_key.get_secret_value() else Extractive()


def analyst_fallback(settings: Settings) -> Analyst | None:
    """What ANALYSIS_FALLBACK names; None where it names nothing, or what is used anyway."""
    wanted = settings.analysis_fallback and settings.gemini_api_key.get_secret_value()
    return Extractive() if wanted else None


def speech_preload(settings: Settings) -> tuple[str, ...]:
    """What an idle child of the transcribing stage loads ahead of its work: see providers/child."""
    return () if settings.deepgram_api_key.get_secret_value() else ("providers.speech.moonshine:engine",)


def _heard_outside(settings: Settings) -> bool:
    if settings.speech_fallback and not _engine_is_here():
        raise SettingsError(
            "SPEECH_FALLBACK: install the offline speech engine (the `embedded` extra), or name none; it is not there"
        )
    if settings.deepgram_api_key.get_secret_value():
        return True
    if not _engine_is_here():
        raise SettingsError(
            "DEEPGRAM_API_KEY: set it, or install the offline speech engine (the `embedded` extra); neither is there"
        )
    return False


def _falls_back(settings: Settings) -> bool:
    return bool(settings.speech_fallback and settings.deepgram_api_key.get_secret_value())


def _engine_is_here() -> bool:
    return find_spec("moonshine_voice") is not None
