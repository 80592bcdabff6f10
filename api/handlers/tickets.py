"""Tickets for websockets and event streams, which cannot send a header."""

from aiohttp import web

from api.keys import PEOPLE, PROOF, SETTINGS
from api.tokens import fingerprint, new_secret
from schemas.people import Ticket
from schemas.responses import TicketView
from schemas.time import after


async def ticket(request: web.Request) -> TicketView:
    """Makes a ticket that opens one websocket or event stream for the caller, who could open it himself."""
    secret, seconds, proof = new_secret(), request.app[SETTINGS].ticket_seconds, request[PROOF]
    made = Ticket(
        id=fingerprint(secret),
        user_id=proof.user.id,
        expires_at=after(seconds),
        scopes=proof.scopes,
        session_id=proof.session_id,
        outside=proof.outside,
        key_id=proof.key_id,
    )
    await request.app[PEOPLE].add_ticket(made)
    return TicketView(ticket=secret, expires_in=seconds)
