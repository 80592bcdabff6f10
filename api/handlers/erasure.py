"""Erasing one's own account with everything of it, and the receipt that says what is gone."""

from aiohttp import web

from api.audit import note
from api.confirmation import confirmed
from api.keys import ERASER, STANDING
from api.tokens import fingerprint, new_secret
from schemas.erasure import Erasure, ErasureRequest, ErasureView, Receipt, view
from schemas.problems import Problem
from schemas.time import now


async def erase(request: web.Request, body: ErasureRequest) -> ErasureView:
    """Closes the caller's account for good, and has everything of it removed from every store.

    The answer is the only one that has the receipt: with it one can ask later how far that is, and what was removed.
    """
    user = await confirmed(request, body.username, body.password, "erasure.erase")
    await request.app[ERASER].expect_free(user.id)
    eraser, receipt = request.app[ERASER], f"{user.id}.{new_secret()}"
    await note(request, "erasure.erase")
    erasure = await eraser.erasures.begin(
        Erasure(id=user.id, receipt=fingerprint(receipt), since=user.created_at, requested_at=now())
    )
    await eraser.close(user.id)
    request.app[STANDING].changed(user.id)
    return view(erasure, receipt if erasure.receipt == fingerprint(receipt) else None)


async def state(request: web.Request, body: Receipt) -> ErasureView:
    """How far an erasure is, and what is gone. Whoever has its receipt can ask: there is nobody left to sign in."""
    erasure = await request.app[ERASER].erasures.get(body.receipt.partition(".")[0])
    if erasure is None or erasure.receipt != fingerprint(body.receipt):
        raise Problem("not_found", "There is no such receipt.")
    return view(erasure)
