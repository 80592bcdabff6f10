"""Lectures as HLS: what is put together of the pieces is one file that can be decoded from end to end."""

import io

import av
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from schemas.failures import Permanent, Retryable
from stores.signatures import recognise
from tests.integration.providers.serving import Server, read
from tests.media.make import hls

KEY = bytes(range(16))


@pytest.fixture
async def server():
    async with Server() as server:
        yield server


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The files of a playlist of four seconds, by kind."""

    def files(name, **kind):
        folder = tmp_path_factory.mktemp(name)
        hls(folder, **kind)
        return {f"/{name}/{file.name}": file.read_bytes() for file in folder.iterdir()}

    return {"ts": files("ts"), "mp4": files("mp4", fragmented=True), "sound": files("sound", picture=False)}


def decoded(body: bytes) -> tuple[float, float]:
    """The seconds of picture and sound in it."""
    with av.open(io.BytesIO(body)) as container:
        frames = list(container.decode())
    pictures = sum(isinstance(frame, av.VideoFrame) for frame in frames) / 10
    sound = sum(frame.samples / frame.sample_rate for frame in frames if isinstance(frame, av.AudioFrame))
    return pictures, round(sound, 1)


@pytest.mark.parametrize(("kind", "content"), [("ts", "video/mp2t"), ("mp4", "video/mp4")])
async def test_pieces_become_one_file(server, made, kind, content):
    server.files |= made[kind]
    body = await read(server.downloads(), f"{server.url}/{kind}/media.m3u8")
    assert recognise(body[:4096]).content_type == content
    pictures, sound = decoded(body)
    assert pictures == 4
    assert sound == pytest.approx(4, abs=0.2)


async def test_the_fraction_goes_by_the_pieces(server, made):
    server.files |= made["ts"]
    async with server.downloads().open(f"{server.url}/ts/media.m3u8") as stream:
        fractions = [stream.fraction async for _ in stream.chunks()]
    assert fractions == sorted(fractions)
    assert fractions[0] < 0.5 < fractions[-1]


async def test_a_piece_that_breaks_off_is_resumed(server, made):
    server.files |= made["ts"]
    plain = await read(server.downloads(), f"{server.url}/ts/media.m3u8")
    server.breaks = [10_000, 10_000, 0, 5000, 0, 0, 9000]
    assert await read(server.downloads(), f"{server.url}/ts/media.m3u8") == plain


async def test_the_best_of_a_master_playlist_is_taken(server, made):
    server.files |= made["ts"] | made["sound"]
    lines = ("#EXT-X-STREAM-INF:BANDWIDTH=64000", "sound/media.m3u8", "#EXT-X-STREAM-INF:BANDWIDTH=800000")
    server.files["/master.m3u8"] = "\n".join(("#EXTM3U", *lines, "ts/media.m3u8")).encode()
    assert decoded(await read(server.downloads(), f"{server.url}/master.m3u8"))[0] == 4


async def test_sound_that_is_apart_is_taken_alone(server, made):
    server.files |= made["ts"] | made["sound"]
    media = '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="en",DEFAULT=YES,URI="sound/media.m3u8"'
    film = ('#EXT-X-STREAM-INF:BANDWIDTH=800000,AUDIO="a"', "ts/media.m3u8")
    server.files["/master.m3u8"] = "\n".join(("#EXTM3U", media, *film)).encode()
    async with server.downloads().open(f"{server.url}/master.m3u8") as stream:
        assert stream.sound_alone
        body = b"".join([chunk async for chunk in stream.chunks()])
    assert decoded(body) == (0, pytest.approx(4, abs=0.2))


def encrypted(body: bytes, iv: int) -> bytes:
    padding = PKCS7(128).padder()
    cipher = Cipher(algorithms.AES(KEY), modes.CBC(iv.to_bytes(16, "big"))).encryptor()
    return cipher.update(padding.update(body) + padding.finalize()) + cipher.finalize()


async def test_encrypted_pieces_are_decrypted(server, made):
    plain = b"".join(made["ts"][f"/ts/piece{n}.ts"] for n in range(4))
    for number in range(4):
        server.files[f"/aes/piece{number}.ts"] = encrypted(made["ts"][f"/ts/piece{number}.ts"], number)
    text = made["ts"]["/ts/media.m3u8"].replace(b"#EXTINF", b'#EXT-X-KEY:METHOD=AES-128,URI="key"\n#EXTINF', 1)
    server.files |= {"/aes/media.m3u8": text, "/aes/key": KEY}
    assert await read(server.downloads(), f"{server.url}/aes/media.m3u8") == plain
    assert [path for path, _ in server.asked].count("/aes/key") == 1
    server.files["/aes/key"] = bytes(16)
    with pytest.raises(Permanent, match="playlist_broken"):
        await read(server.downloads(), f"{server.url}/aes/media.m3u8")


@pytest.mark.parametrize("plain_header", [True, False])
async def test_a_header_is_taken_encrypted_or_not(server, made, plain_header):
    files = made["mp4"]
    body = {name: encrypted(content, 9) for name, content in files.items()}
    if plain_header:
        body["/mp4/init.mp4"] = files["/mp4/init.mp4"]
    key = b'#EXT-X-KEY:METHOD=AES-128,URI="/key",IV=0x09\n#EXT-X-MAP'
    body["/mp4/media.m3u8"] = files["/mp4/media.m3u8"].replace(b"#EXT-X-MAP", key)
    server.files = body | {"/key": KEY}
    assert decoded(await read(server.downloads(), f"{server.url}/mp4/media.m3u8"))[0] == 4


async def test_ranges_of_one_file_are_put_together(server, made):
    pieces = [made["ts"][f"/ts/piece{n}.ts"] for n in range(4)]
    server.files["/all.ts"] = b"".join(pieces)
    ranges = "\n".join(
        f"#EXTINF:1,\n#EXT-X-BYTERANGE:{len(piece)}{'' if n else '@0'}\nall.ts" for n, piece in enumerate(pieces)
    )
    server.files["/media.m3u8"] = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n{ranges}\n#EXT-X-ENDLIST".encode()
    assert await read(server.downloads(), f"{server.url}/media.m3u8") == b"".join(pieces)
    server.ranges = False
    assert await read(server.downloads(), f"{server.url}/media.m3u8") == b"".join(pieces)


async def test_tags_between_pieces_of_bare_sound_are_left_out(server):
    tag, frames = b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10), [b"\xff\xf1first", b"\xff\xf1second"]
    server.files = {"/1.aac": tag + frames[0], "/2.aac": tag + frames[1]}
    server.files["/media.m3u8"] = b"#EXTM3U\n#EXTINF:1,\n1.aac\n#EXTINF:1,\n2.aac\n#EXT-X-ENDLIST"
    assert await read(server.downloads(), f"{server.url}/media.m3u8") == b"".join(frames)


@pytest.mark.parametrize(
    "line",
    [
        "#EXTINF:1,\nhttp://127.0.0.1:1/1.ts",
        "#EXTINF:1,\nfile:///etc/passwd",
        '#EXT-X-KEY:METHOD=AES-128,URI="http://169.254.169.254/key"\n#EXTINF:1,\npiece0.ts',
        '#EXT-X-MAP:URI="http://[::ffff:127.0.0.1]/init.mp4"\n#EXTINF:1,\npiece0.ts',
    ],
)
async def test_an_entry_that_leads_inside_is_refused(server, made, line):
    server.files = {"/piece0.ts": made["ts"]["/ts/piece0.ts"]}
    server.files["/media.m3u8"] = f"#EXTM3U\n{line}\n#EXT-X-ENDLIST".encode()
    with pytest.raises(Permanent, match="download_refused"):
        await read(server.downloads(), f"{server.url}/media.m3u8")


async def test_all_pieces_together_have_one_limit(server):
    server.files = {"/piece.ts": bytes(700_000)}
    server.files["/media.m3u8"] = b"#EXTM3U\n" + b"#EXTINF:1,\npiece.ts\n" * 3 + b"#EXT-X-ENDLIST"
    with pytest.raises(Permanent, match="download_too_large"):
        await read(server.downloads(max_upload_size_mb=1), f"{server.url}/media.m3u8")


async def test_a_piece_that_is_missing_is_a_failure(server):
    server.files["/media.m3u8"] = b"#EXTM3U\n#EXTINF:1,\npiece.ts\n#EXT-X-ENDLIST"
    with pytest.raises((Permanent, Retryable), match="download_failed"):
        await read(server.downloads(), f"{server.url}/media.m3u8")


async def test_playlists_that_lead_on_and_on_are_refused(server):
    for number in range(3):
        server.files[f"/{number}.m3u8"] = f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{number + 1}.m3u8".encode()
    with pytest.raises(Permanent, match="playlist_broken"):
        await read(server.downloads(), f"{server.url}/0.m3u8")
