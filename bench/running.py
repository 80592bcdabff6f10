"""What the end-to-end figures share: a platform of their own on temporary data, and recordings of any length."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from deploy.demo.client import Client
from deploy.embedded.ports import free_ports
from deploy.embedded.stack import default_cache
from deploy.platform import Platform, running_platform

CLIP = Path(__file__).parents[1] / "tests" / "media" / "screen-vp8.webm"


@asynccontextmanager
async def signed_in(platform: Platform) -> AsyncIterator[Client]:
    """A client with an account of its own."""
    async with Client(platform.url) as client:
        await client.sign_up()
        yield client


@asynccontextmanager
async def platform() -> AsyncIterator[Platform]:
    """A running platform whose data is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder:
        async with running_platform(free_ports(1)[0], Path(folder), default_cache(), print) as running:
            yield running


def repeated(clip: Path, times: int, target: Path) -> Path:
    """The clip, that many times in a row in one file of the same codecs: nothing is encoded again."""
    with av.open(str(clip)) as source, av.open(str(target), "w", format="webm", options={"live": "1"}) as out:
        outs = {stream.index: out.add_stream_from_template(stream) for stream in source.streams}
        ends = [float((packet.pts + (packet.duration or 0)) * packet.time_base) for packet in _packets(source)]
        length = max(ends) + 0.05
        for number in range(times):
            with av.open(str(clip)) as again:
                for packet in _packets(again):
                    shift = round(number * length / packet.time_base)
                    packet.pts += shift
                    packet.dts += shift
                    packet.stream = outs[packet.stream.index]
                    out.mux(packet)
    return target


def _packets(source: InputContainer) -> Iterator[Any]:
    return (packet for packet in source.demux() if packet.pts is not None and packet.dts is not None)
