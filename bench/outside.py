"""Deepgram and Gemini on this machine, as far as the platform uses them: each can be taken away and brought back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from bench.servers import Away
from deploy.embedded.ports import HOST, free_ports
from tests.contract.providers.fake_deepgram import FakeDeepgram
from tests.contract.providers.fake_gemini import FakeGemini
from tests.contract.providers.local import LocalApi

_SAID = [(0, "We"), (0, "will"), (0, "meet"), (1, "tomorrow.")]
_LARGEST_BODY = 256 * 1024 * 1024


class Outside:
    """Both services, by the names that a person gives them, at addresses that stay the same."""

    def __init__(self) -> None:
        self._ports = dict(zip(("deepgram", "gemini"), free_ports(2), strict=True))
        self._services: dict[str, LocalApi] = {"deepgram": FakeDeepgram(_SAID), "gemini": FakeGemini()}
        self._answering = {name: asyncio.Event() for name in self._services}
        self._runners: dict[str, web.AppRunner] = {}

    def environment(self) -> dict[str, str]:
        """The settings that make the platform use them."""
        return {
            "DEEPGRAM_API_KEY": "bench",  # pragma: allowlist secret
            "DEEPGRAM_BASE_URL": f"http://{HOST}:{self._ports['deepgram']}",
            "GEMINI_API_KEY": "bench",  # pragma: allowlist secret
            "GEMINI_BASE_URL": f"http://{HOST}:{self._ports['gemini']}",
        }

    async def take_away(self, name: str, how: Away) -> None:
        """Lets it take requests without answering, or closes its door."""
        self._answering[name].clear()
        if how is Away.DEAD:
            await self._runners.pop(name).cleanup()

    async def bring_back(self, name: str) -> None:
        """Lets it answer, the requests that wait included."""
        self._answering[name].set()
        if name not in self._runners:
            await self._open(name)

    async def stop(self) -> None:
        """Ends both."""
        for runner in self._runners.values():
            await runner.cleanup()

    async def _open(self, name: str) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            await self._answering[name].wait()
            return await self._services[name].answer(request)

        app = web.Application(client_max_size=_LARGEST_BODY)
        app.router.add_route("*", "/{path:.*}", answer)
        self._runners[name] = runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, HOST, self._ports[name]).start()


@asynccontextmanager
async def running_outside() -> AsyncIterator[Outside]:
    """Both services, answering."""
    outside = Outside()
    try:
        for name in ("deepgram", "gemini"):
            await outside.bring_back(name)
        yield outside
    finally:
        await outside.stop()
