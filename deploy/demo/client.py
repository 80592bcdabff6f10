"""The client of the demo: what any client does, by the public API alone."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=120)
_SILENCE_SECONDS = 300.0
_CHUNK_BYTES = 1024 * 1024


class Refused(Exception):
    """The service did not do what it was asked for; the message is its own sentence."""


class Client:
    """A signed-in caller. Use as an async context manager. Methods raise Refused."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._headers: dict[str, str] = {}

    async def __aenter__(self) -> "Client":
        self._http = aiohttp.ClientSession(self._url, timeout=_TIMEOUT)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def sign_up(self) -> None:
        """Registers a new account and signs in."""
        name, password = f"demo-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
        account = {"username": name, "email": f"{name}@example.org", "password": password}
        await self.call("POST", "/api/v1/auth/register", account)
        tokens = await self.call("POST", "/api/token/", {"username": name, "password": password})
        self.sign_in(tokens["access"])

    def sign_in(self, token: str) -> None:
        """Makes all calls from now on with that access token."""
        self._headers = {"Authorization": f"Bearer {token}"}

    async def upload(self, file: Path) -> dict[str, Any]:
        """Sends a file in by the presigned door; the answer of upload-complete: id, status, job_id."""
        asked = await self.announce(file)
        await self.put(asked["upload_url"], file)
        return await self.complete(asked)

    async def announce(self, file: Path) -> dict[str, Any]:
        """Asks where to send a file: id, upload_url, s3_key."""
        wanted = {"filename": file.name, "file_size": file.stat().st_size, "has_microphone": True}
        return await self.call("POST", "/api/v1/recordings/request-upload/", wanted)

    async def put(self, url: str, file: Path) -> None:
        """Sends the bytes to the object store."""
        with file.open("rb") as body:
            async with aiohttp.ClientSession(timeout=_TIMEOUT) as plain, plain.put(url, data=body) as response:
                if response.status != 200:
                    raise Refused(f"The object store answered {response.status} {response.reason} to the upload.")

    async def complete(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Says that the bytes are there: id, status, job_id."""
        path = f"/api/v1/recordings/{asked['id']}/upload-complete/"
        return await self.call("POST", path, {"s3_key": asked["s3_key"]})

    async def watch(self, job_id: str) -> AsyncIterator[dict[str, Any]]:
        """The job's states as its websocket tells them, until the last one."""
        ticket = (await self.call("POST", "/api/v1/tickets", {}))["ticket"]
        async with self._http.ws_connect(f"/api/v1/jobs/{job_id}/ws", params={"ticket": ticket}) as socket:
            while True:
                async with asyncio.timeout(_SILENCE_SECONDS):
                    message = await socket.receive()
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return
                yield json.loads(message.data)

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One call of the API. Raises Refused with the problem's sentence."""
        async with self._http.request(method, path, json=body, headers=self._headers) as response:
            return await _answer(response)

    async def post_form(self, path: str, form: aiohttp.FormData) -> dict[str, Any]:
        """One POST of a form. Raises Refused with the problem's sentence."""
        async with self._http.post(path, data=form, headers=self._headers) as response:
            return await _answer(response)

    async def save(self, path: str, target: Path) -> int:
        """Stores what the API serves under that path in a file; its size in bytes."""
        async with self._http.get(path, headers=self._headers) as response:
            if response.status != 200:
                raise Refused(f"GET {path}: {response.status} {response.reason}")
            with target.open("wb") as out:
                async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                    out.write(chunk)
        return target.stat().st_size


async def _answer(response: aiohttp.ClientResponse) -> dict[str, Any]:
    answer: dict[str, Any] = await response.json(content_type=None) if response.status != 204 else {}
    if response.status >= 400:
        raise Refused(str(answer.get("detail") or response.reason))
    return answer
