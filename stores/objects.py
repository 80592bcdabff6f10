"""Objects in S3 or MinIO: one private bucket, its layout in stores/keys.

Signing is minio's; the bytes go through aiohttp, so nothing blocks the loop and nothing large is held in memory. A
client only ever gets a presigned URL for one method on one key. Caveats: a presigned PUT cannot limit the size of what
is sent, so the size is checked afterwards; a key that is written again is replaced as a whole.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import MinioException
from urllib3 import PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError
from yarl import URL

from schemas.model import Frozen
from schemas.settings import Settings
from stores.errors import StoreUnavailable
from stores.multipart import PART_BYTES, Upload, expect

_INTERNAL_SECONDS = 24 * 3600
_CONNECT_SECONDS = 2.5
_IDLE_SECONDS = 20.0
_CHUNK_BYTES = 256 * 1024
_OK, _NO_CONTENT, _PARTIAL, _NOT_FOUND = 200, 204, 206, 404


class ObjectStat(Frozen):
    """What the store says of an object."""

    size_bytes: int
    content_type: str
    etag: str


class ObjectMissing(Exception):
    """There is no object under that key."""


class Objects:
    """The object store. Use as an async context manager. Methods raise StoreUnavailable."""

    def __init__(self, settings: Settings) -> None:
        self._bucket = settings.s3_bucket
        self._internal = _client(settings, settings.s3_endpoint)
        self._public = _client(settings, settings.s3_public_endpoint or settings.s3_endpoint)

    async def __aenter__(self) -> "Objects":
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=_IDLE_SECONDS)
        self._http = aiohttp.ClientSession(timeout=timeout, auto_decompress=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def prepare(self) -> None:
        """Creates the bucket. Harmless when repeated."""
        with _translated():
            if not await asyncio.to_thread(self._internal.bucket_exists, self._bucket):
                await asyncio.to_thread(self._internal.make_bucket, self._bucket)

    async def ping(self) -> None:
        """Returns when the store answers and the bucket is there."""
        with _translated():
            if not await asyncio.to_thread(self._internal.bucket_exists, self._bucket):
                raise StoreUnavailable("object store", f"there is no bucket {self._bucket}")

    def presign_put(self, key: str, seconds: int) -> str:
        """A URL by which a client can PUT one object, once or again, for that long."""
        url: str = self._public.presigned_put_object(self._bucket, key, expires=timedelta(seconds=seconds))
        return url

    def internal_url(self, key: str) -> str:
        """A URL by which a part of the program, such as a decoder, can read the object with ranges."""
        return self._sign("GET", key, {})

    async def stat(self, key: str) -> ObjectStat | None:
        """Size and type of an object; None where there is none."""
        async with self.request("HEAD", key) as response:
            if response.status == _NOT_FOUND:
                return None
            expect(response, _OK)
            return ObjectStat(
                size_bytes=int(response.headers.get("Content-Length", 0)),
                content_type=response.headers.get("Content-Type", "application/octet-stream"),
                etag=response.headers.get("ETag", "").strip('"'),
            )

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
        """An upload of unknown size, in parts. It appears as a whole on leaving, or not at all on an error."""
        upload = Upload(self.request, key, content_type)
        try:
            yield upload
            await upload.complete()
        except BaseException:
            await asyncio.shield(upload.abort())
            raise

    async def delete(self, key: str) -> None:
        """Removes an object. Harmless when repeated."""
        async with self.request("DELETE", key) as response:
            expect(response, _OK, _NO_CONTENT, _NOT_FOUND)

    async def delete_prefix(self, prefix: str) -> None:
        """Removes everything under a prefix. Harmless when repeated."""
        with _translated():
            await asyncio.to_thread(self._delete_prefix, prefix)

    async def keys(self, prefix: str) -> list[str]:
        """The keys under a prefix, in order."""
        with _translated():
            return await asyncio.to_thread(self._list, prefix)

    def _list(self, prefix: str) -> list[str]:
        found = self._internal.list_objects(self._bucket, prefix, recursive=True)
        return [str(item.object_name) for item in found]

    def _delete_prefix(self, prefix: str) -> None:
        wanted = [DeleteObject(key) for key in self._list(prefix)]
        for error in self._internal.remove_objects(self._bucket, wanted):
            raise StoreUnavailable("object store", f"could not remove {error.name}: {error.message}")

    def _sign(self, method: str, key: str, query: Mapping[str, str]) -> str:
        url: str = self._internal.get_presigned_url(
            method, self._bucket, key, expires=timedelta(seconds=_INTERNAL_SECONDS), extra_query_params=dict(query)
        )
        return url

    @asynccontextmanager
    async def request(
        self,
        method: str,
        key: str,
        *,
        query: dict[str, str] | None = None,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One signed request to the store, whatever it answers."""
        url = self._sign(method, key, query or {})
        body = None if data is None else BytesIO(data)  # aiohttp writes a file piece by piece, bytes at one go
        try:
            async with self._http.request(method, URL(url, encoded=True), data=body, headers=headers) as response:
                yield response
        except (aiohttp.ClientError, TimeoutError) as error:
            raise StoreUnavailable("object store", error) from error


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
            timeout=Timeout(connect=_CONNECT_SECONDS, read=_IDLE_SECONDS), retries=Retry(total=1, backoff_factor=0.1)
        ),
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (MinioException, HTTPError, OSError) as error:
        raise StoreUnavailable("object store", error) from error
