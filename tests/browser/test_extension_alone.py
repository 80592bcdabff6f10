"""The extension in a real Chromium where no server answers: what is recorded, and what a person is told."""

import asyncio
import base64
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.async_api import Page, async_playwright, expect

from deploy.embedded.ports import HOST, free_ports
from tests.browser.recorders import ACCEPTING, PATIENCE_MS, REFUSING, Recorder

SHOWN_HERTZ, VOICE_HERTZ = 700, 1900
KEY = "tmk_" + "0" * 30
_MIXED = """async ([shown, voice]) => {
  const { capture, record } = await import("./capture.js");
  const context = new AudioContext();
  await context.resume();
  const sounding = (frequency) => {
    const [tone, out] = [new OscillatorNode(context, { frequency }), context.createMediaStreamDestination()];
    tone.connect(out);
    tone.start();
    return out.stream.getAudioTracks();
  };
  const canvas = document.createElement("canvas");
  const paint = canvas.getContext("2d");
  setInterval(() => paint.fillText(Date.now(), 10, 10), 50);
  const picture = canvas.captureStream(15).getTracks();
  navigator.mediaDevices.getDisplayMedia = async () => new MediaStream([...picture, ...sounding(shown)]);
  navigator.mediaDevices.getUserMedia = async () => new MediaStream(sounding(voice));
  const taken = await capture({ surface: "tab", sound: true, microphone: true, quality: "low", fps: 15 });
  const bytes = [];
  await new Promise((ended) => {
    const recorder = record(taken, (data) => (data ? bytes.push(data) < 3 || recorder.stop() : ended()));
  });
  taken.release();
  const all = new Uint8Array(await new Blob(bytes).arrayBuffer());
  return btoa(Array.from(all, (byte) => String.fromCharCode(byte)).join(""));
}"""

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(120)]


@asynccontextmanager
async def recorder_of(folder: Path, flags: tuple[str, ...]) -> AsyncIterator[Recorder]:
    """A browser whose extension has a key for a server that is not there."""
    server = f"http://{HOST}:{free_ports(1)[0]}"
    async with async_playwright() as playwright:
        recorder = Recorder(playwright, folder, server, flags)
        await recorder.start()
        try:
            options = await recorder.page("options.html")
            await options.get_by_label("Address").fill(server)
            await options.get_by_role("button", name="Use this server").click()
            await options.get_by_label("API key").fill(KEY)
            await options.get_by_role("button", name="Use this key").click()
            await expect(options.get_by_text("An API key is used at")).to_be_visible(timeout=PATIENCE_MS)
            await options.close()
            yield recorder
        finally:
            await recorder.close()


def loudness_of(data: bytes, hertz: float) -> float:
    """How much louder that tone is than what lies around it in the recording's sound."""
    with av.open(io.BytesIO(data)) as container:
        assert [stream.type for stream in container.streams].count("audio") == 1
        rate = container.streams.audio[0].rate
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    at = np.fft.rfftfreq(len(sound), 1 / rate)
    near, around = np.abs(at - hertz) < 10, (np.abs(at - hertz) > 100) & (np.abs(at - hertz) < 300)
    return float(power[near].max() / np.median(power[around]))


async def clock_of(popup: Page) -> int:
    minutes, seconds = (await popup.get_by_role("timer").inner_text()).split(":")
    return int(minutes) * 60 + int(seconds)


async def until_clock(popup: Page, seconds: int) -> None:
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while await clock_of(popup) < seconds:  # noqa: ASYNC110 - the page is asked, it tells nobody
            await asyncio.sleep(0.1)


async def test_a_pause_is_no_time_and_what_waits_is_saved_as_a_file(tmp_path: Path) -> None:
    async with recorder_of(tmp_path, ACCEPTING) as recorder:
        popup = await recorder.page("popup.html")
        await popup.get_by_label("Title").fill("Tides: one / two")
        await popup.get_by_text("Screen", exact=True).click()
        await popup.get_by_role("button", name="Begin to record").click()
        await until_clock(popup, 3)
        await popup.get_by_role("button", name="Pause").click()
        await expect(popup.get_by_text("Paused")).to_be_visible()
        paused_at = await clock_of(popup)
        await popup.evaluate("() => new Promise((wake) => setTimeout(wake, 2500))")
        assert await clock_of(popup) == paused_at
        await popup.get_by_role("button", name="Go on").click()
        await until_clock(popup, paused_at + 2)
        await popup.get_by_role("button", name="Stop and keep").click()
        async with popup.expect_download() as saving:
            await popup.get_by_role("button", name="Save a copy").click()
        saved = await saving.value
        data = (await saved.path()).read_bytes()
        assert saved.suggested_filename == "Tides- one - two.webm"
        assert data == b"".join(chunk for _, chunk in await recorder.chunks())
        with av.open(io.BytesIO(data)) as container:
            last = max(frame.time for frame in container.decode(video=0))
        assert last < paused_at + 4, "the pause is in the recording"


async def test_what_is_shown_and_the_microphone_are_heard_in_one_track(tmp_path: Path) -> None:
    async with recorder_of(tmp_path, ACCEPTING) as recorder:
        page = await recorder.page("options.html")
        data = base64.b64decode(await page.evaluate(_MIXED, [SHOWN_HERTZ, VOICE_HERTZ]))
    assert loudness_of(data, SHOWN_HERTZ) > 50
    assert loudness_of(data, VOICE_HERTZ) > 50


async def test_whoever_is_refused_is_told_what_to_do(tmp_path: Path) -> None:
    async with recorder_of(tmp_path, REFUSING) as recorder:
        popup = await recorder.page("popup.html")
        await popup.get_by_role("button", name="Begin to record").click()
        await expect(popup.get_by_role("alert")).to_contain_text("Allow the microphone in the options first")
        await popup.get_by_label("Microphone").uncheck()
        await popup.get_by_role("button", name="Begin to record").click()
        await expect(popup.get_by_role("alert")).to_contain_text("choose a tab, window or screen", timeout=PATIENCE_MS)
        await expect(popup.get_by_role("button", name="Begin to record")).to_be_visible()
        assert await recorder.chunks() == []
