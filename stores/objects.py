"""Objects in S3 or MinIO: one private bucket, its layout in stores/keys.

What clients get is signed by minio, the rest by stores/signing; the bytes go through aiohttp, so nothing blocks the
loop and nothing large is held in memory. A client only ever gets a presigned URL for one method on one key. A store
that hangs is away: it has ANSWER_SECONDS to begin an answer, or to do one small thing, and IDLE_SECONDS for each piece
of a body, whose length has no limit. Caveats: a presigned PUT cannot limit the size of what is sent, so the size is
checked afterwards; a key that is written again is replaced as a whole; what was asked of a store that did not answer
may still be done.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
import structlog
from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import MinioException
from urllib3 import PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError
from yarl import URL

from schemas.model import Frozen
from schemas.settings import Settings
from schemas.time import now
from stores.errors import ANSWER_SECONDS, StoreUnavailable
from stores.multipart import PART_BYTES, OpenUpload, Parts, Upload, expect
from stores.sending import IDLE_SECONDS, Body, Whole, timed
from stores.signing import signer_of

log = structlog.get_logger(__name__)

T = TypeVar("T")

_INTERNAL_SECONDS = 24 * 3600
_CHUNK_BYTES = 256 * 1024
_KEYS_A_CALL = 250
"""How many objects are removed in one call: few enough that a store that works is done in time."""
_KEYS_A_PAGE = 1000
_THREADS = 4
_OK, _NO_CONTENT, _PARTIAL, _NOT_FOUND, _NO_RANGE = 200, 204, 206, 404, 416


class ObjectStat(Frozen):
    """What the store says of an object."""

    size_bytes: int
    content_type: str
    etag: str


class Listed(Frozen):
    """An object as a listing shows it."""

    key: str
    size_bytes: int
    etag: str
    modified: datetime


class ObjectMissing(Exception):
    """There is no object under that key."""


class Objects:
    """The object store. Use as an async context manager. Methods raise StoreUnavailable."""

    def __init__(self, settings: Settings) -> None:
        self._bucket = settings.s3_bucket
        self._internal = _client(settings, settings.s3_endpoint)
        self._public = _client(settings, settings.s3_public_endpoint or settings.s3_endpoint)
        self._signer = signer_of(self._internal, settings)
        self._threads = ThreadPoolExecutor(_THREADS, "objects")
        self.parts = Parts(self.request)

    async def __aenter__(self) -> "Objects":
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=ANSWER_SECONDS, sock_read=IDLE_SECONDS)
        no_cookies = aiohttp.DummyCookieJar()
        self._http = aiohttp.ClientSession(timeout=timeout, auto_decompress=False, cookie_jar=no_cookies)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self._http.close()

    async def prepare(self) -> None:
        """Creates the bucket. Harmless when repeated."""
        if not await self._call(lambda: self._internal.bucket_exists(self._bucket)):
            await self._call(lambda: self._internal.make_bucket(self._bucket))

    async def ping(self) -> None:
        """Returns when the store answers and the bucket is there."""
        if not await self._call(lambda: self._internal.bucket_exists(self._bucket)):
            raise StoreUnavailable("object store", f"there is no bucket {self._bucket}")

    def presign_put(self, key: str, seconds: int, query: Mapping[str, str] | None = None) -> str:
        """A URL by which a client can PUT one object, or the part that `query` names, once or again, for that long."""
        expires, named = timedelta(seconds=seconds), dict[str, Any](query or {})
        return str(self._public.get_presigned_url("PUT", self._bucket, key, expires, extra_query_params=named))

    def internal_url(self, key: str) -> str:
        """A URL by which a part of the program, such as a decoder, can read the object with ranges."""
        return self._sign("GET", key, {})

    async def stat(self, key: str) -> ObjectStat | None:
        """Size and type of an object; None where there is none."""
        async with self.request("HEAD", key) as response:
            if response.status == _NOT_FOUND:
                return None
            expect(response, _OK)
            return _stat(response, response.headers.get("Content-Length"))

    async def beginning(self, key: str, length: int) -> tuple[ObjectStat, bytes] | None:
        """What the store says of an object, and its first bytes, `length` at most; None where there is none.

        Both are of one state of it, whoever replaces it meanwhile.
        """
        async with self.request("GET", key, headers={"Range": f"bytes=0-{length - 1}"}) as response:
            if response.status == _NOT_FOUND:
                return None
            if response.status == _NO_RANGE:  # an empty object has none
                empty = await self.stat(key)
                return (empty, b"") if empty else None
            expect(response, _PARTIAL)
            async with asyncio.timeout(None if response.content.is_eof() else ANSWER_SECONDS):
                body = await response.read()
            return _stat(response, response.headers["Content-Range"].rpartition("/")[2]), body

    async def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """An object's bytes, or `length` of them from `start`. Raises ObjectMissing."""
        async with self.open(key, start, length) as body:
            return b"".join([chunk async for chunk in body])

    @asynccontextmanager
    async def open(self, key: str, start: int = 0, length: int | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        """An object's bytes as they arrive, `length` of them from `start`. Raises ObjectMissing."""
        end = "" if length is None else start + length - 1
        part = {"Range": f"bytes={start}-{end}"} if start or end != "" else None  # an empty object has no range at all
        async with self.request("GET", key, headers=part) as response:
            if response.status == _NOT_FOUND:
                raise ObjectMissing(key)
            expect(response, _OK, _PARTIAL)
            yield _chunks(response)

    async def put(self, key: str, body: bytes | Path, content_type: str) -> int:
        """Stores an object as a whole and returns its size. A repeat replaces it."""
        if isinstance(body, Path):
            async with self.upload(key, content_type) as upload:
                with body.open("rb") as file:
                    while chunk := await asyncio.to_thread(file.read, PART_BYTES):
                        await upload.write(chunk)
            return upload.size_bytes
        async with self.request("PUT", key, data=body, headers={"Content-Type": content_type}) as response:
            expect(response, _OK)
        return len(body)

    @asynccontextmanager
    async def upload(self, key: str, content_type: str) -> AsyncIterator["Upload"]:
        """An upload of unknown size, in parts. It appears as a whole on leaving, or not at all on an error.

        The store is asked first, so that one that is away is known before any byte is taken in.
        """
        await self.stat(key)
        upload = Upload(self.request, key, content_type)
        try:
            yield upload
            await upload.complete()
        except BaseException:
            await asyncio.shield(_abort(upload, key))
            raise

    async def delete(self, key: str) -> None:
        """Removes an object. Harmless when repeated."""
        async with self.request("DELETE", key) as response:
            expect(response, _OK, _NO_CONTENT, _NOT_FOUND)

    async def delete_prefix(self, prefix: str) -> None:
        """Removes everything under a prefix. Harmless when repeated."""
        await self.delete_many(await self.keys(prefix))

    async def delete_many(self, found: Sequence[str]) -> None:
        """Removes the objects of those keys. Harmless when repeated."""
        for first in range(0, len(found), _KEYS_A_CALL):
            await self._call(partial(self._remove, found[first : first + _KEYS_A_CALL]))

    async def keys(self, prefix: str) -> list[str]:
        """The keys under a prefix, in order."""
        return [key async for page in self.pages(prefix) for key in page]

    async def pages(self, prefix: str) -> AsyncIterator[list[str]]:
        """The keys under a prefix, in order, as many at a time as the store hands out at once."""
        found = self._internal.list_objects(self._bucket, prefix, recursive=True)
        while page := await self._call(lambda: [str(item.object_name) for item in islice(found, _KEYS_A_PAGE)]):
            yield page

    async def listed(self, prefix: str, after: str = "") -> list[Listed]:
        """A page of what is under a prefix, in the order of the keys: those after the key `after`."""
        found = self._internal.list_objects(self._bucket, prefix, recursive=True, start_after=after or None)
        return await self._call(lambda: [_listed(item) for item in islice(found, _KEYS_A_PAGE)])

    async def open_uploads(self, prefix: str) -> list[OpenUpload]:
        """Uploads in parts under a prefix that are under way or were left: a thousand at most, in any order.

        MinIO shows them for a whole key alone, and throws them away by itself after a day.
        """
        find = partial(self._internal._list_multipart_uploads, self._bucket, prefix=prefix)
        return [
            OpenUpload(key=str(item.object_name), upload_id=str(item.upload_id), begun=item.initiated_time)
            for item in (await self._call(find)).uploads
        ]

    async def abort(self, upload: OpenUpload) -> None:
        """Throws away the parts of an upload; who still sends some is refused. Harmless when repeated."""
        await self.parts.abort(upload.key, upload.upload_id)

    def _remove(self, found: Sequence[str]) -> None:
        for error in self._internal.remove_objects(self._bucket, [DeleteObject(key) for key in found]):
            raise StoreUnavailable("object store", f"could not remove {error.name}: {error.message}")

    async def _call(self, function: Callable[[], T]) -> T:
        """One call of minio's, in a thread of our own: those that everybody shares are not held by a hung store."""
        with _translated():
            async with asyncio.timeout(ANSWER_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._threads, function)

    def _sign(self, method: str, key: str, query: Mapping[str, str]) -> str:
        return self._signer.url(method, key, query, _INTERNAL_SECONDS, now())

    @asynccontextmanager
    async def request(
        self,
        method: str,
        key: str,
        *,
        query: dict[str, str] | None = None,
        data: bytes | Body | None = None,
        headers: dict[str, str] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One signed request to the store, whatever it answers."""
        url = URL(self._sign(method, key, query or {}), encoded=True)
        try:
            async with await self._send(method, url, data, headers) as response:
                yield response
        except (aiohttp.ClientError, TimeoutError) as error:
            raise StoreUnavailable("object store", error) from error

    async def _send(
        self, method: str, url: URL, data: bytes | Body | None, headers: dict[str, str] | None
    ) -> aiohttp.ClientResponse:
        """Returns when the answer begins. The clock starts again with each piece of `data` that the store takes."""
        async with asyncio.timeout(ANSWER_SECONDS if data is None else IDLE_SECONDS) as clock:
            if isinstance(data, Body):
                headers = {**(headers or {}), "Content-Length": str(data.size)}
                return await self._http.request(method, url, data=timed(data, clock), headers=headers)
            body = None if data is None else Whole(data, clock)
            return await self._http.request(method, url, data=body, headers=headers)


def _stat(response: aiohttp.ClientResponse, size: str | None) -> ObjectStat:
    return ObjectStat(
        size_bytes=int(size or 0),
        content_type=response.headers.get("Content-Type", "application/octet-stream"),
        etag=response.headers.get("ETag", "").strip('"'),
    )


async def _abort(upload: Upload, key: str) -> None:
    try:
        await upload.abort()
    except StoreUnavailable as error:  # what broke the upload off is what its caller is to hear
        log.warning("parts of an upload are left behind", key=key, reason=str(error))


def _listed(item: Any) -> Listed:
    return Listed(
        key=str(item.object_name), size_bytes=item.size or 0, etag=item.etag or "", modified=item.last_modified
    )


async def _chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        yield chunk


def _client(settings: Settings, endpoint: str) -> Minio:
    address = urlsplit(endpoint)
    return Minio(
        address.netloc,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key.get_secret_value(),
        secure=address.scheme == "https",
        region=settings.s3_region,
        http_client=PoolManager(
            timeout=Timeout(connect=ANSWER_SECONDS, read=ANSWER_SECONDS), retries=Retry(total=0), maxsize=_THREADS
        ),
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (MinioException, HTTPError, OSError) as error:
        raise StoreUnavailable("object store", error) from error
