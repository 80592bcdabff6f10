"""A client that behaves like a real one: it tries again when nobody answers or when it is told to, and then gives up.

Every request that it makes may be repeated: JSON calls are idempotent or begin something that expires by itself, a
form that was lost on the way is sent whole again.
"""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

PATIENCE_SECONDS = 240.0
"""How long one request is tried before the client gives up."""
_ANSWER_SECONDS = 30.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0

Form = Callable[[], aiohttp.FormData]
T = TypeVar("T")


class GaveUp(Exception):
    """Nobody took the request for PATIENCE_SECONDS. The message has the last that was heard."""


class Answer:
    """A final answer: not one that asks to come again."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.status = status
        self.body = body
        self.code = str(body.get("code", ""))


class _Again(Exception):
    """The answer asks to come again, after some seconds if it says so."""

    def __init__(self, why: str, retry_after: float = 0.0) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class Caller:
    """A signed-in person's client. Use as an async context manager. `heard` counts what made it try again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._account: dict[str, str] = {}
        self._headers: dict[str, str] = {}
        self.heard: Counter[str] = Counter()

    async def __aenter__(self) -> "Caller":
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS))
        name, password = f"chaos-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
        self._account = {"username": name, "password": password}
        await self.call("POST", "/api/v1/auth/register", {**self._account, "email": f"{name}@example.org"})
        await self._sign_in()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def _sign_in(self) -> None:
        self._headers = {}
        tokens = await self.call("POST", "/api/token/", self._account)
        self._headers = {"Authorization": f"Bearer {tokens.body['access']}"}

    async def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, form: Form | None = None
    ) -> Answer:
        """One call of the API, repeated until there is a final answer. Raises GaveUp."""

        async def once() -> Answer:
            what: dict[str, Any] = {"data": form()} if form else {"json": body}
            async with self._http.request(method, self._url + path, headers=self._headers, **what) as response:
                _final(response)
                answer = Answer(response.status, await _read(response))
            if answer.code == "token_expired":
                await self._sign_in()
                raise _Again("a token expired")
            return answer

        return await self._persist(f"{method} {path}", once)

    async def put(self, url: str, file: Path) -> int:
        """Sends a file to a presigned address; the status of the final answer. Raises GaveUp."""

        async def once() -> int:
            with file.open("rb") as content:
                async with self._http.put(url, data=content) as response:
                    _final(response)
                    return response.status

        return await self._persist("PUT to the object store", once)

    async def download(self, path: str) -> bytes:
        """What the API serves under the path; empty where it serves nothing. Raises GaveUp."""

        async def once() -> bytes:
            async with self._http.get(self._url + path, headers=self._headers) as response:
                _final(response)
                return await response.read() if response.status == 200 else b""

        return await self._persist(f"GET {path}", once)

    async def _persist(self, what: str, once: Callable[[], Awaitable[T]]) -> T:
        """Tries with pauses between that grow, or are as long as the last answer asked for."""
        ends, pause = time.monotonic() + PATIENCE_SECONDS, _FIRST_PAUSE
        while True:
            try:
                return await once()
            except (_Again, aiohttp.ClientError, TimeoutError, ConnectionError) as error:
                why = str(error) if isinstance(error, _Again) else type(error).__name__
                self.heard[why] += 1
                if time.monotonic() > ends:
                    raise GaveUp(f"{what}: {why}") from error
                await asyncio.sleep(getattr(error, "retry_after", 0.0) or pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


def _final(response: aiohttp.ClientResponse) -> None:
    """Raises _Again for an answer that says that the service cannot do it now."""
    if response.status < 500:
        return
    asked = response.headers.get("Retry-After", "")
    raise _Again(str(response.status), float(asked) if asked.isdigit() else 0.0)


async def _read(response: aiohttp.ClientResponse) -> dict[str, Any]:
    body: dict[str, Any] = await response.json(content_type=None) if "json" in response.content_type else {}
    return body


@asynccontextmanager
async def signed_in(url: str, count: int) -> AsyncIterator[list[Caller]]:
    """That many callers, each with an account of their own."""
    async with AsyncExitStack() as opened:
        yield [await opened.enter_async_context(Caller(url)) for _ in range(count)]
