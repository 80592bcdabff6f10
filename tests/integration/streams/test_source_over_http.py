"""Media that are read straight from the object store's addresses: by ranges, and never from anywhere else.

Whatever the store does, a recording is never refused or cut short for it: it is read, or it may be read later.
"""

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.failures import Permanent, Retryable
from streams.media import reading
from streams.media.audio import extract_audio
from streams.media.messages import AudioDone
from streams.media.probe import probe
from streams.media.reading import Remote, Unreadable
from tests.media.make import SCREEN_H264, Shot, Tone, flash_and_beep, recording

SCREEN = SCREEN_H264.read_bytes()


class Store:
    """An object store with one object, that serves ranges until something is wrong with it."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.etag = '"one"'
        self.asked: list[str] = []
        self.sent: list[int] = []
        self.bytes_until_it_dies: int | None = None
        self.answers: list[bytes] = []
        self.whole_always = False
        self._listen()

    def _listen(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/object?signature=a%2Fb"

    def die(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def revive(self) -> None:
        self.bytes_until_it_dies = None
        self._listen(self.port)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as requests:
            while (line := requests.readline()) and self._answer(connection, line, self._range(requests)):
                pass

    @staticmethod
    def _range(requests) -> tuple[int, int] | None:
        found = None
        while (header := requests.readline()) not in (b"\r\n", b""):
            if wanted := re.match(rb"Range: bytes=(\d+)-(\d+)", header):
                found = int(wanted[1]), int(wanted[2])
        return found

    def _answer(self, connection: socket.socket, line: bytes, wanted: tuple[int, int] | None) -> bool:
        self.asked.append(line.decode().split()[1])
        if self.answers:
            connection.sendall(self.answers.pop(0))
            return False
        start, end = wanted if wanted and not self.whole_always else (0, len(self.body))
        body, total = self.body[start : end + 1], len(self.body)
        status = "200 OK" if self.whole_always else "206 Partial Content"
        if start >= total:
            status, body = "416 Range Not Satisfiable", b""
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nETag: {self.etag}\r\n"
        if status.startswith("206"):
            head += f"Content-Range: bytes {start}-{start + len(body) - 1}/{total}\r\n"
        self.sent.append(len(body))
        connection.sendall(head.encode() + b"\r\n" + self._alive(body))
        return self.bytes_until_it_dies is None or self.bytes_until_it_dies > 0

    def _alive(self, body: bytes) -> bytes:
        if self.bytes_until_it_dies is None:
            return body
        body = body[: self.bytes_until_it_dies]
        self.bytes_until_it_dies -= len(body)
        if not self.bytes_until_it_dies:
            self.die()
        return body


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store(SCREEN)
    yield store
    store._listener.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "READ_TIMEOUT", 0.3)
    monkeypatch.setattr(reading, "_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(reading, "_ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(reading, "_BLOCK_BYTES", 4096)


def status(line: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {line}", *headers, "Content-Length: 0", "", ""]).encode()


def films(folder: Path) -> Iterator[Path]:
    pictures, sounds = [Shot(n / 10, 40 + n % 100) for n in range(100)], [Tone(0, 10)]
    for name, video, audio in (
        ("a.webm", "libvpx", "libopus"),
        ("late-index.mp4", "libx264", "aac"),
        ("a.avi", "mpeg4", "libmp3lame"),
        ("a.ts", "libx264", "aac"),
    ):
        yield recording(folder / name, pictures, sounds, video=video, audio=audio)
    yield recording(folder / "a.wav", [], sounds, audio="pcm_s16le")


async def test_a_file_with_its_index_at_the_end_is_read_by_ranges(store: Store, tmp_path: Path) -> None:
    store.body = flash_and_beep(tmp_path / "late-moov.mp4", 1.0, video="libx264", audio="aac").read_bytes()
    found = probe(store.url)
    assert (found.has_video, found.has_audio) == (True, True)
    assert found.duration_seconds == pytest.approx(4, abs=0.1)
    assert set(store.asked) == {"/object?signature=a%2Fb"}


def test_every_byte_comes_once_and_in_place(store: Store, impatient: None) -> None:
    remote = Remote(store.url)
    pieces = []
    while piece := remote.read(1000):
        pieces.append(piece)
    assert b"".join(pieces) == SCREEN
    assert sum(store.sent) == len(SCREEN)
    assert max(store.sent) == 8 * 4096
    assert len(store.asked) < len(SCREEN) / 4096 / 6, "it reads ahead"
    assert remote.seek(-10, 2) == len(SCREEN) - 10
    assert remote.read(100) == SCREEN[-10:]
    assert remote.seek(5000) == 5000
    assert remote.seek(10, 1) == 5010
    assert remote.read(3) == SCREEN[5010:5013]
    assert remote.seek(10**9) == 10**9
    assert remote.read(1) == b""
    remote.close()


def test_nothing_is_read_twice_where_sound_and_picture_lie_apart(store: Store) -> None:
    remote = Remote(store.url)
    for place in range(20):
        for start in (0, len(SCREEN) // 2):
            remote.seek(start + place * 1000)
            assert remote.read(1000) == SCREEN[start + place * 1000 :][:1000]
    assert len(store.asked) <= 2
    remote.close()


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9])
def test_a_store_that_goes_away_is_never_taken_for_a_broken_file(
    store: Store, tmp_path: Path, impatient: None, share: float
) -> None:
    for film in films(tmp_path):
        store.body = film.read_bytes()
        store.bytes_until_it_dies = int(len(store.body) * share)
        with pytest.raises(Retryable) as caught:
            list(extract_audio(store.url, tmp_path))
        assert (caught.value.code, film.name) == ("source_unreadable", film.name)
        store.revive()


def test_a_store_that_comes_back_goes_unnoticed(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_BLOCK_BYTES", 4096)
    store.bytes_until_it_dies = len(SCREEN) // 3
    back = threading.Timer(0.6, store.revive)
    back.start()
    *_, done = extract_audio(store.url, tmp_path)
    back.join()
    assert isinstance(done, AudioDone)
    assert done.duration_seconds == pytest.approx(20, abs=0.2)
    assert done.audio_seconds == pytest.approx(20, abs=0.2)


def test_an_answer_that_breaks_off_or_refuses_for_now_is_asked_for_again(store: Store, impatient: None) -> None:
    store.answers = [status("503 Slow Down"), status("429 Too Many Requests"), b"HTTP/1.1 20", b"", b"rubbish\r\n\r\n"]
    assert probe(store.url).video_codec == "h264"


@pytest.mark.parametrize(
    "answer",
    [
        status("302 Found", "Location: http://127.0.0.1:1/inside"),
        status("403 Forbidden"),
        status("404 Not Found"),
        status("204 No Content"),
    ],
)
def test_a_redirect_is_not_followed_and_a_refusal_not_repeated(store: Store, answer: bytes) -> None:
    store.answers = [answer]
    with pytest.raises(Retryable) as refused:
        probe(store.url)
    assert refused.value.code == "source_unreadable"
    assert len(store.asked) == 1


def test_a_store_that_sends_everything_is_not_read_into_memory(store: Store) -> None:
    store.whole_always = True
    with pytest.raises(Unreadable):
        Remote(store.url).read(1)


def test_an_object_that_changes_under_the_reader_is_not_pieced_together(store: Store, impatient: None) -> None:
    remote = Remote(store.url)
    assert remote.read(4096) == SCREEN[:4096]
    store.etag = '"two"'
    with pytest.raises(Unreadable, match="changed"):
        remote.read(4096)
    assert remote.failure is not None
    remote.close()


@pytest.mark.parametrize("size", [0, 100, 300, 2000])
def test_a_file_that_is_cut_off_in_its_head_is_no_media_here_either(store: Store, tmp_path: Path, size: int) -> None:
    store.body = recording(tmp_path / "a.webm", [Shot(n / 10) for n in range(10)]).read_bytes()[: min(size, 400)]
    if size == 2000:
        store.body = flash_and_beep(tmp_path / "a.mp4", 1.0, video="libx264", audio="aac").read_bytes()[:size]
    with pytest.raises(Permanent, match="not_media"):
        probe(store.url)
