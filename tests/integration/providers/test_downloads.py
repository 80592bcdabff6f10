"""Downloads from a server that behaves as servers do: what comes is whole and of one file, or there is a reason."""

import random

import pytest

from providers.sources.body import Allowance, Body
from providers.sources.guard import Guard
from schemas.failures import Permanent, Retryable
from tests.integration.providers.serving import Server, endless, read, silent, status

FILM = random.Random(1).randbytes(1_500_000)


@pytest.fixture
async def server():
    async with Server() as server:
        server.files["/film.mp4"] = FILM
        yield server


async def failure(server: Server, path: str, **changed) -> Permanent | Retryable:
    with pytest.raises((Permanent, Retryable)) as refusal:
        await read(server.downloads(**changed), f"{server.url}{path}")
    return refusal.value


async def test_a_file_comes_whole_with_its_fraction(server):
    async with server.downloads().open(f"{server.url}/film.mp4?signature=secret") as stream:
        fractions = [stream.fraction]
        found = b""
        async for chunk in stream.chunks():
            found += chunk
            fractions.append(stream.fraction)
    assert found == FILM
    assert fractions == sorted(fractions)
    assert 0 < fractions[0] < fractions[-1] == 1


async def test_what_breaks_off_is_resumed_where_it_was(server):
    server.breaks = [500_000, 300_000, 0, 1]
    assert await read(server.downloads(), f"{server.url}/film.mp4") == FILM
    assert server.asked[0] == ("/film.mp4", None)
    assert all(wanted for _, wanted in server.asked[1:])
    assert len(server.asked) == 5


@pytest.mark.parametrize("etag", ['"one"', 'W/"weak"', None])
async def test_a_server_without_ranges_is_read_through_again(server, etag):
    server.breaks, server.ranges, server.etag = [500_000, 900_000], False, etag
    assert await read(server.downloads(), f"{server.url}/film.mp4") == FILM


@pytest.mark.parametrize("etag", ['W/"weak"', None])
async def test_without_a_mark_of_the_file_all_of_it_is_compared(server, etag):
    server.breaks, server.etag = [500_000], etag
    assert await read(server.downloads(), f"{server.url}/film.mp4") == FILM
    assert [wanted for _, wanted in server.asked] == [None, None]


@pytest.mark.parametrize(
    ("ranges", "before", "after"),
    [
        *((True, '"one"', '"two"'), (False, '"one"', '"two"')),
        *((True, None, None), (False, None, None), (True, 'W/"weak"', 'W/"weak"')),
        (False, '"one"', '"one"'),
    ],
)
async def test_two_halves_of_different_files_are_never_put_together(server, ranges, before, after):
    server.breaks, server.ranges, server.etag = [500_000], ranges, before
    found = bytearray()

    async def changing():
        async with server.downloads().open(f"{server.url}/film.mp4") as stream:
            async for chunk in stream.chunks():
                found.extend(chunk)
                server.etag, server.files["/film.mp4"] = after, b"other" + FILM[5:]

    with pytest.raises(Retryable, match="download_unavailable"):
        await changing()
    assert found == FILM[: len(found)]


async def test_what_breaks_off_again_and_again_is_to_be_tried_later(server):
    server.breaks = [10] + [0] * 20
    found = await failure(server, "/film.mp4")
    assert (type(found), found.code) == (Retryable, "download_unavailable")
    assert len(server.asked) < 10


async def test_a_redirect_is_followed(server):
    server.answers["/away"] = status(302, Location="/film.mp4")
    assert await read(server.downloads(), f"{server.url}/away") == FILM


@pytest.mark.parametrize(
    "target",
    [
        *("http://127.0.0.1:1/film.mp4", "http://localhost/film.mp4", "http://169.254.169.254/", "file:///etc/passwd"),
        *("http://[::1]/", "http://10.0.0.1/", "//127.0.0.1:2/", "http://user:name@127.0.0.1/", "http://[/"),
    ],
)
async def test_a_redirect_to_a_forbidden_place_is_refused(server, target):
    server.answers["/away"] = status(302, Location=target)
    found = await failure(server, "/away")
    assert (type(found), found.code) == (Permanent, "download_refused")


async def test_redirects_without_an_end_are_given_up(server):
    server.answers["/away"] = status(307, Location="/away")
    assert (await failure(server, "/away")).code == "download_failed"
    assert len(server.asked) == 6


@pytest.mark.parametrize(
    ("code", "kind", "meaning"),
    [
        (401, Permanent, "download_denied"),
        (403, Permanent, "download_denied"),
        (404, Permanent, "download_failed"),
        (204, Permanent, "download_failed"),
        (429, Retryable, "download_unavailable"),
        (503, Retryable, "download_unavailable"),
    ],
)
async def test_an_answer_without_a_file_is_explained(server, code, kind, meaning):
    server.answers["/film"] = status(code, Retry_After="7")
    found = await failure(server, "/film?signature=secret")
    assert (type(found), found.code) == (kind, meaning)
    assert "secret" not in str(found)


async def test_an_endless_file_is_cut_off(server):
    server.answers["/film"] = endless
    found = await failure(server, "/film", max_upload_size_mb=3)
    assert (type(found), found.code) == (Permanent, "download_too_large")


async def test_what_says_that_it_is_too_large_is_not_begun(server):
    server.files["/film.mp4"] = bytes(2 * 1024 * 1024 + 1)
    assert (await failure(server, "/film.mp4", max_upload_size_mb=2)).code == "download_too_large"


@pytest.mark.parametrize("place", ["bytes {}-2/*", "bytes 0-{}/*", "bytes 0-2/{}"])
async def test_a_number_without_an_end_is_no_place_in_a_file(server, place):
    server.answers["/film"] = status(206, Content_Range=place.format("1" * 5000))
    assert (await failure(server, "/film")).code == "download_unavailable"


async def test_a_silent_server_is_left(server):
    server.answers["/film"] = silent
    assert (await failure(server, "/film", download_idle_seconds=0.05)).code == "download_unavailable"


async def test_a_file_in_an_encoding_is_not_unpacked(server):
    server.answers["/film"] = status(200, Content_Encoding="gzip")
    assert (await failure(server, "/film")).code == "download_failed"


@pytest.mark.parametrize("ranges", [True, False])
async def test_a_part_of_a_file_is_resumed_too(server, ranges):
    server.ranges, server.breaks = ranges, [1000, 700_000]
    allowed = frozenset({("127.0.0.1", server.port)})
    async with Guard(allowed, 5) as guard:
        body = Body(guard, f"{server.url}/film.mp4", Allowance(10**7), start=400_000, length=500_000, pause=0)
        found = b"".join([chunk async for chunk in body.chunks()])
    assert found == FILM[400_000:900_000]


async def test_what_is_skipped_of_a_file_has_an_end_over_the_whole_download(server):
    server.ranges = False
    async with Guard(frozenset({("127.0.0.1", server.port)}), 5) as guard:
        allowance = Allowance(2_500_000)
        for start in (1_000_000, 1_400_000):
            body = Body(guard, f"{server.url}/film.mp4", allowance, start=start, length=10, pause=0)
            assert b"".join([chunk async for chunk in body.chunks()]) == FILM[start : start + 10]
        body = Body(guard, f"{server.url}/film.mp4", allowance, start=1_000_000, length=10, pause=0)
        with pytest.raises(Permanent, match="download_failed"):
            [chunk async for chunk in body.chunks()]
