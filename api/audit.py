"""The record of who did what: a line in the log, and a document that its owner and administrators can read."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import structlog
from aiohttp import web

from api.addresses import client_address
from api.keys import AUDIT, DETAILS, PROOF, REQUEST_ID
from schemas.audit import AuditEvent, Outcome
from schemas.ids import new_id
from schemas.time import now
from stores.errors import StoreUnavailable

_NOTHING: Mapping[str, str] = MappingProxyType({})

log = structlog.get_logger(__name__)
_audit = structlog.get_logger("tidemark.audit")


def tell(request: web.Request, **details: Any) -> None:
    """What the line in the log says besides of the act that is noted for the request: it is kept there alone."""
    request[DETAILS] = details


async def note(
    request: web.Request,
    action: str,
    about: Mapping[str, str] = _NOTHING,
    *,
    user_id: str | None = None,
    outcome: Outcome = "done",
) -> None:
    """Keeps an act of the request's caller, or about the account of `user_id`. `about` takes ids and no secrets.

    It never fails what it tells of: if the document store is away, the line in the log is the record.
    """
    proof = request.get(PROOF)
    event = AuditEvent(
        id=new_id(),
        at=now(),
        action=action,
        outcome=outcome,
        user_id=user_id or (proof.user.id if proof else None),
        key_id=proof.key_id if proof else None,
        address=client_address(request),
        request_id=request[REQUEST_ID],
        about=dict(about),
    )
    _audit.info("audit", **event.model_dump(exclude={"at", "request_id"}), **request.get(DETAILS, {}))
    try:
        await request.app[AUDIT].add(event)
    except StoreUnavailable as error:
        log.warning("an act is on record in the log alone", audit_id=event.id, reason=str(error))
