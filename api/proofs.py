"""From a token, key or ticket to what it proves. Whoever's account or session is gone has proved nothing.

An API key is told by its beginning, a token of the outside issuer by its `iss`; all else must be a token of ours.
"""

from datetime import timedelta

from aiohttp import web

from api.addresses import client_address
from api.api_keys import PREFIX, is_api_key
from api.audit import note
from api.keys import ACCESS_TOKENS, API_KEYS, OUTSIDE, PEOPLE, PROOF, STANDING
from api.proof import Proof
from api.tokens import fingerprint
from schemas.people import ApiKey
from schemas.problems import Problem
from schemas.time import now

_LONGEST_SECRET = 512
_USED_AGAIN = timedelta(minutes=10)


async def of_bearer(request: web.Request, secret: str) -> Proof:
    """What an API key or token proves. Raises Problem token_invalid or token_expired."""
    if secret.startswith(PREFIX):
        return await of_api_key(request, secret)
    return await of_token(request, secret)


async def of_token(request: web.Request, token: str) -> Proof:
    """What an access token of ours or of the outside issuer proves. Raises Problem token_invalid or token_expired."""
    outside, standing = request.app[OUTSIDE], request.app[STANDING]
    if outside is not None and outside.issued(token):
        visitor = await outside.read(token)
        if visitor.new:
            await note(request, "account.register", user_id=visitor.user_id)
            standing.changed(visitor.user_id)
        proof = Proof(await standing.user(visitor.user_id), visitor.session_id, outside=True)
        await standing.expect_not_left(visitor.session_id)
        return proof
    signed_in = request.app[ACCESS_TOKENS].read(token)
    proof = Proof(await standing.user(signed_in.user_id), signed_in.session_id)
    await standing.expect_session(signed_in.session_id, proof.user)
    return proof


async def of_api_key(request: web.Request, secret: str) -> Proof:
    """What an API key proves. It is read anew for each request, so that it can be revoked at once.

    Raises Problem token_invalid or token_expired.
    """
    key = _expect_key(await request.app[API_KEYS].get(fingerprint(secret)) if is_api_key(secret) else None)
    user = await request.app[STANDING].user(key.owner_id)
    proof = request[PROOF] = Proof(user, key_id=key.key_id, scopes=key.scopes)
    await _note_use(request, key)
    return proof


def _expect_key(key: ApiKey | None) -> ApiKey:
    if key is None:
        raise Problem("token_invalid", "The API key is unknown or was revoked.")
    if key.expires_at is not None and key.expires_at <= now():
        raise Problem("token_expired", "The API key has expired; make another.")
    return key


async def _note_use(request: web.Request, key: ApiKey) -> None:
    """Notes the use, now and then; and puts the first of a day, and one from another address, on record."""
    last, address, at = key.last_used_at, client_address(request), now()
    if last is not None and at - last < _USED_AGAIN:
        return
    await request.app[API_KEYS].used(key, at, address)
    if last is None or last.date() != at.date() or key.last_used_from != address:
        await note(request, "api_keys.use", {"id": key.key_id})


async def of_ticket(request: web.Request, secret: str) -> Proof:
    """What a ticket proves, which is used up. Raises Problem token_invalid."""
    ticket = await request.app[PEOPLE].take_ticket(fingerprint(secret[:_LONGEST_SECRET]), now())
    if ticket is None:
        raise Problem("token_invalid", "The ticket is unknown, used or expired; ask for a new one.")
    return Proof(
        await request.app[STANDING].user(ticket.user_id),
        ticket.session_id,
        outside=ticket.outside,
        key_id=ticket.key_id,
        scopes=ticket.scopes,
    )


async def expect_good_still(request: web.Request) -> None:
    """Raises Problem token_invalid or token_expired where what the caller came with is good no more."""
    proof, standing = request[PROOF], request.app[STANDING]
    user = await standing.user(proof.user.id)
    if proof.key_id is not None:
        _expect_key(await request.app[API_KEYS].of_id(proof.key_id))
    elif proof.session_id is not None and proof.outside:
        await standing.expect_not_left(proof.session_id)
    elif proof.session_id is not None:
        await standing.expect_session(proof.session_id, user)
