"""Sessions: logging in, refreshing, logging out; for a browser by cookies."""

from datetime import datetime, timedelta
from http import HTTPStatus

from aiohttp import web

from api.access import COOKIE, expect_own_page
from api.addresses import client_network
from api.audit import note
from api.binding import answer
from api.cookies import put_tokens, refresh_secret, take_tokens
from api.keys import ACCESS_TOKENS, PASSWORDS, PEOPLE, PROOF, SESSIONS, SETTINGS, STANDING, THROTTLE
from api.proof import Proof
from api.proofs import of_token
from api.standing import lives
from api.tokens import fingerprint, new_secret, successor
from schemas.ids import new_id
from schemas.people import RefreshToken, Session, User
from schemas.problems import Problem
from schemas.requests import Credentials, Refresh
from schemas.responses import SessionView, Tokens
from schemas.settings import Settings
from schemas.time import after, now

_OUTSIDE_DAYS = 30
"""A session of an outside issuer that somebody logged out of is remembered so long; no token should live longer."""
_REPEAT = timedelta(seconds=30)
"""So long after it was used a refresh token gives the same successor again: longer than clients wait for an answer
that is lost (20 s), and too short for what was stolen from a disk."""


async def log_in(request: web.Request, body: Credentials) -> Tokens:
    """Exchanges a user name and password for a pair of tokens. A wrong name takes as long as a wrong password."""
    name, network = body.username.casefold(), client_network(request)
    async with request.app[THROTTLE].attempt(name, network) as attempt:
        user = await request.app[PEOPLE].find_by_name(name)
        attempt.good = await request.app[PASSWORDS].verify(user.password_hash if user else None, body.password)
    user_id = user.id if user else None
    await note(request, "sessions.log_in", user_id=user_id, outcome="done" if attempt.good else "refused")
    if user is None or not attempt.good:
        raise Problem("wrong_credentials", "The user name or the password is wrong.")
    return await _begin(request, user)


async def _begin(request: web.Request, user: User) -> Tokens:
    session = Session(
        id=new_id(),
        user_id=user.id,
        generation=user.generation,
        created_at=now(),
        expires_at=_longest(request.app[SETTINGS]),
    )
    await request.app[SESSIONS].begin(session)
    return await _pair(request, user.id, session.id, new_secret())


def _longest(settings: Settings) -> datetime:
    return after(max(settings.refresh_token_seconds, settings.access_token_seconds))


async def refresh(request: web.Request, body: Refresh) -> Tokens:
    """Exchanges a refresh token, once. A second time means that it was stolen: the whole session is revoked.

    An answer can be lost, though, and two tabs can ask at once. So for half a minute, and only until the successor is
    used itself, the token gives that same successor again: there is never more than one that is good.
    """
    sessions = request.app[SESSIONS]
    token, used_now = await sessions.use_refresh_token(fingerprint(body.refresh), now(), new_secret())
    if token is None:
        raise Problem("token_invalid", "The refresh token is not known.")
    follows = successor(body.refresh, token.seed) if token.seed else None
    if follows is None or not (used_now or await _repeats(request, token, follows)):
        raise await _refused(request, token)
    user, session = await request.app[PEOPLE].get(token.user_id), await sessions.get(token.session_id)
    if user is None or not lives(session, user):
        raise Problem("token_invalid", "The refresh token was revoked; sign in again.")
    await sessions.keep(token.session_id, _longest(request.app[SETTINGS]))
    return await _pair(request, user.id, token.session_id, follows)


async def _repeats(request: web.Request, token: RefreshToken, follows: str) -> bool:
    """Whether the token was used just now, and what it gave was not used yet, nor perhaps even stored."""
    if token.used_at is None or now() - token.used_at > _REPEAT:
        return False
    given = await request.app[SESSIONS].refresh_token(fingerprint(follows))
    return given is None or given.used_at is None


async def _refused(request: web.Request, token: RefreshToken) -> Problem:
    if token.used_at is None:
        return Problem("token_expired", "The refresh token has expired; sign in again.")
    session = await request.app[SESSIONS].get(token.session_id)
    if session is not None:
        await _revoke(request, session)
        await note(request, "sessions.refresh", {"session": token.session_id}, user_id=token.user_id, outcome="refused")
    return Problem("token_reused", "The refresh token was used before; sign in again.")


async def _pair(request: web.Request, user_id: str, session_id: str, secret: str) -> Tokens:
    settings, access = request.app[SETTINGS], request.app[ACCESS_TOKENS]
    token = RefreshToken(
        id=fingerprint(secret),
        session_id=session_id,
        user_id=user_id,
        expires_at=after(settings.refresh_token_seconds),
    )
    await request.app[SESSIONS].add_refresh_token(token)
    return Tokens(access=access.issue(user_id, session_id), refresh=secret, expires_in=access.seconds)


async def log_out(request: web.Request) -> None:
    """Ends the session: its refresh tokens at once, its access tokens within seconds. A repeat is harmless."""
    await _end(request, await _session_of(request, request[PROOF]))


async def _session_of(request: web.Request, proof: Proof) -> Session:
    """The session; one of an outside issuer has no document before somebody leaves it."""
    assert proof.session_id is not None
    return await request.app[SESSIONS].get(proof.session_id) or Session(
        id=proof.session_id,
        user_id=proof.user.id,
        generation=proof.user.generation,
        created_at=now(),
        expires_at=now() + timedelta(days=_OUTSIDE_DAYS),
    )


async def sign_in(request: web.Request, body: Credentials) -> web.Response:
    """Exchanges a user name and password for cookies, which hold what other clients get as a pair of tokens."""
    expect_own_page(request)
    _expect_json(request)
    return _signed_in(request, await log_in(request, body), 201)


def _expect_json(request: web.Request) -> None:
    """Raises Problem wrong_content_type. Any page may send forms and text anywhere; for JSON its browser asks first."""
    if request.content_type != "application/json":
        raise Problem("wrong_content_type", "Send the body as application/json.")


async def renew(request: web.Request) -> web.Response:
    """Exchanges the refresh cookie, once, for new cookies. A second time is taken as from any other client."""
    expect_own_page(request)
    secret = refresh_secret(request)
    if secret is None:
        raise Problem("not_signed_in", "This browser is not signed in.")
    return _signed_in(request, await refresh(request, Refresh(refresh=secret)), 200)


def _signed_in(request: web.Request, tokens: Tokens, status: int) -> web.Response:
    renewable = request.app[SETTINGS].refresh_token_seconds
    response = answer(SessionView(expires_in=tokens.expires_in, renewable_in=renewable), status)
    put_tokens(request, response, tokens, renewable)
    return response


async def sign_out(request: web.Request) -> web.Response:
    """Ends the browser's session, and takes the cookies away. A repeat is harmless."""
    expect_own_page(request)
    session = await _by_refresh_cookie(request) or await _by_access_cookie(request)
    if session is not None:
        await _end(request, session)
    response = answer(None, 204)
    take_tokens(request, response)
    return response


async def _by_refresh_cookie(request: web.Request) -> Session | None:
    """The session that the browser's refresh token is of, whether that was used or not."""
    secret = refresh_secret(request)
    token = await request.app[SESSIONS].refresh_token(fingerprint(secret)) if secret else None
    return await request.app[SESSIONS].get(token.session_id) if token else None


async def _by_access_cookie(request: web.Request) -> Session | None:
    """The session that the browser's access token is of; None where that opens nothing any more."""
    try:
        return await _session_of(request, await of_token(request, request.cookies.get(COOKIE, "")))
    except Problem as problem:
        if problem.entry.status != HTTPStatus.UNAUTHORIZED:
            raise
        return None


async def _end(request: web.Request, session: Session) -> None:
    await _revoke(request, session)
    await note(request, "sessions.log_out", user_id=session.user_id)


async def _revoke(request: web.Request, session: Session) -> None:
    await request.app[SESSIONS].revoke(session.model_copy(update={"revoked_at": session.revoked_at or now()}))
    request.app[STANDING].changed(session.user_id, session.id)
