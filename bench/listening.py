"""Whether a server under measurement listens yet: some have nothing else by which they say that they are ready."""

import asyncio

from deploy.embedded.ports import HOST


async def listens(port: int) -> bool:
    """Whether somebody takes connections at that port of this machine."""
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    return True
