"""Which provider is chosen, and what choosing costs."""

import importlib.util
import subprocess
import sys

import pytest

from providers import choose
from providers.child import Children
from providers.speech.relay import Relay
from schemas.settings import Settings, SettingsError


def settings(**keys: str) -> Settings:
    return Settings.model_validate({"deepgram_api_key": "", "gemini_api_key": ""} | keys)


def test_without_keys_everything_stays_on_this_machine() -> None:
    assert choose.speech_to_text(settings(), Children()).name == "moonshine"
    assert choose.live_speech(settings(), Children()).name == "moonshine"
    assert choose.analyst(settings()).name == "offline"


def test_each_key_brings_its_provider() -> None:
    assert choose.speech_to_text(settings(deepgram_api_key="k"), Children()).name == "deepgram"
    assert choose.live_speech(settings(deepgram_api_key="k"), Children()).name == "deepgram"
    assert choose.analyst(settings(gemini_api_key="k")).name == "gemini"


def test_neither_key_nor_engine_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        choose, "find_spec", lambda name: None if name == "moonshine_voice" else importlib.util.find_spec(name)
    )
    with pytest.raises(SettingsError, match="DEEPGRAM_API_KEY"):
        choose.speech_to_text(settings(), Children())
    assert choose.speech_to_text(settings(deepgram_api_key="k"), Children()).name == "deepgram"


def test_a_fallback_is_there_only_where_it_is_named_and_something_else_comes_first() -> None:
    named = {"speech_fallback": "moonshine", "analysis_fallback": "extractive"}
    keys = {"deepgram_api_key": "k", "gemini_api_key": "k"}
    for given, there in ((keys | named, True), (keys, False), (named, False)):
        fallbacks = (
            choose.speech_fallback(settings(**given), Children()),
            choose.analyst_fallback(settings(**given)),
        )
        names = [fallback.name for fallback in fallbacks if fallback is not None]
        assert names == (["moonshine", "offline"] if there else [])
        assert isinstance(choose.live_speech(settings(**given), Children()), Relay) == there


def test_a_fallback_that_is_not_installed_is_said_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match="SPEECH_FALLBACK"):
        choose.speech_to_text(settings(deepgram_api_key="k", speech_fallback="moonshine"), Children())


def test_choosing_imports_no_sdk_and_no_model() -> None:
    heavy = "{'deepgram', 'google.genai', 'httpx', 'moonshine_voice', 'vaderSentiment', 'stopwordsiso'}"
    code = f"import sys, providers.choose; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
