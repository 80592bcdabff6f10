import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from schemas.failures import Permanent, Retryable
from streams.media.audio import extract_audio
from streams.media.messages import AudioDone, RenderDone
from streams.media.probe import probe
from streams.media.render import render
from tests.media.make import SCREEN_H264, SCREEN_VP8, Tone, recording, shots

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"1 0 obj << /Type /Catalog >> endobj\n" * 400


def failure(source: Path, workdir: Path) -> str:
    codes = set()
    for run in (lambda: probe(source), lambda: [*extract_audio(source, workdir)], lambda: [*render(source, workdir)]):
        with pytest.raises(Permanent) as caught:
            run()
        codes.add(caught.value.code)
    assert len(codes) == 1
    return codes.pop()


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("data", [b"", b"just words\n" * 1000, PDF, b"\x1aE\xdf\xa3", bytes(100_000)])
def test_what_is_not_media_is_refused(tmp_path: Path, data: bytes) -> None:
    assert failure(written(tmp_path / "a.webm", data), tmp_path) == "not_media"


@pytest.mark.parametrize(("codec", "name"), [("png", "a.png"), ("mjpeg", "a.jpg")])
def test_an_image_is_not_media(tmp_path: Path, codec: str, name: str) -> None:
    encoder = av.CodecContext.create(codec, "w")
    encoder.width = encoder.height = 64
    encoder.pix_fmt, encoder.time_base = ("rgb24" if codec == "png" else "yuvj420p"), Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24").reformat(format=encoder.pix_fmt)
    data = b"".join(bytes(p) for p in encoder.encode(frame))
    assert failure(written(tmp_path / name, data), tmp_path) == "not_media"
    assert failure(written(tmp_path / "a.webm", data), tmp_path) == "not_media"


@pytest.mark.parametrize("kind", ["m3u8", "ffconcat", "sdp", "srt", "mpd"])
def test_a_list_of_files_in_the_clothes_of_a_recording_opens_none_of_them(tmp_path: Path, kind: str) -> None:
    secret = recording(tmp_path / "secret.ts", shots(1), video="libx264")
    lists = {
        "m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n",
        "ffconcat": f"ffconcat version 1.0\nfile {secret}\n",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        "srt": "1\n00:00:00,000 --> 00:00:09,000\nhello\n",
        "mpd": f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{secret}</BaseURL></MPD>',
    }
    assert probe(secret).has_video
    assert failure(written(tmp_path / "a.webm", lists[kind].encode()), tmp_path) == "not_media"


def test_a_name_is_a_path_and_never_a_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording(tmp_path / "a.webm", shots(1))
    monkeypatch.chdir(tmp_path)
    assert probe("a.webm").has_video
    for name in ("concat:a.webm|a.webm", "data:text/plain,hello", "cache:a.webm"):
        with pytest.raises(Retryable):
            probe(name)


def test_a_missing_file_may_come_back(tmp_path: Path) -> None:
    with pytest.raises(Retryable, match="source_unreadable"):
        probe(tmp_path / "gone.webm")


def test_a_picture_of_16k_is_refused(tmp_path: Path) -> None:
    honest = tmp_path / "honest.webm"
    with av.open(honest, "w") as output:
        stream = output.add_mux_stream("vp8", width=16384, height=16384, time_base=Fraction(1, 1000))
        with av.open(recording(tmp_path / "small.webm", shots(1))) as small:
            for packet in small.demux(video=0):
                if packet.size:
                    packet.stream = stream
                    output.mux(packet)
    honest.write_bytes(_with_16k_frames(honest.read_bytes()))
    assert failure(honest, tmp_path) == "picture_too_large"


def test_a_picture_that_turns_out_to_be_16k_is_never_allocated(tmp_path: Path) -> None:
    data = recording(tmp_path / "small.webm", shots(1)).read_bytes()
    lying = written(tmp_path / "lying.webm", _with_16k_frames(data))
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew: proc_pid_clear_refs(5)
    before = _peak_mb()
    with pytest.raises(Permanent, match="undecodable"):
        list(render(lying, tmp_path))
    assert _peak_mb() - before < 300  # one such picture alone takes 403


def _peak_mb() -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


@pytest.mark.parametrize("size", [50_000, 333_333, 1_000_001])
def test_a_file_cut_off_gives_what_it_has(tmp_path: Path, size: int) -> None:
    cut = written(tmp_path / "cut.webm", SCREEN_H264.read_bytes()[:size])
    *_, heard = extract_audio(cut, tmp_path)
    *_, seen = render(cut, tmp_path)
    assert isinstance(heard, AudioDone)
    assert isinstance(seen, RenderDone)
    assert 0 < heard.duration_seconds <= 20.1
    assert heard.has_audio
    assert seen.frames > 5


@pytest.mark.parametrize("seed", range(4))
def test_garbage_in_the_middle_is_passed_over(tmp_path: Path, seed: int) -> None:
    data = bytearray(SCREEN_VP8.read_bytes()[:600_000])
    dice = np.random.default_rng(seed)
    for at in dice.integers(1000, len(data) - 5000, 6):
        data[at : at + 400] = dice.bytes(400)
    broken = written(tmp_path / "broken.webm", bytes(data))
    *_, seen = render(broken, tmp_path)
    assert isinstance(seen, RenderDone)
    assert seen.frames > 10
    assert seen.duration_seconds < 60


@pytest.mark.parametrize("size", [20, 60, 100, 200, 400])
def test_a_file_cut_off_in_its_head_is_no_media(tmp_path: Path, size: int) -> None:
    whole = recording(tmp_path / "a.webm", shots(1)).read_bytes()
    assert failure(written(tmp_path / "cut.webm", whole[:size]), tmp_path) == "not_media"


def test_a_header_without_anything_after_it(tmp_path: Path) -> None:
    cut = written(tmp_path / "head.webm", SCREEN_VP8.read_bytes()[:300])
    with pytest.raises(Permanent, match="undecodable"):
        list(extract_audio(cut, tmp_path))


def test_sound_that_cannot_be_decoded_is_said(tmp_path: Path) -> None:
    source = recording(tmp_path / "a.wav", [], [Tone(0, 1)], audio="pcm_s16le")
    head = written(tmp_path / "head.wav", source.read_bytes()[:80])
    with pytest.raises(Permanent):
        list(extract_audio(head, tmp_path))


def _with_16k_frames(data: bytes) -> bytes:
    """The same with 16,383 by 16,383 written into the head of every VP8 key frame."""
    return re.sub(rb"(?s)(\x9d\x01\x2a)....", b"\\g<1>\xff\x3f\xff\x3f", data)
