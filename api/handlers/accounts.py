"""Accounts: registering, logging in, refreshing, and tickets for websockets and event streams."""

from datetime import timedelta

from aiohttp import web

from api.keys import ACCESS_TOKENS, CALLER, PASSWORDS, PEOPLE, SETTINGS
from api.tokens import fingerprint, new_secret
from schemas.ids import new_id
from schemas.people import RefreshToken, Ticket, User
from schemas.problems import FieldProblem, Problem
from schemas.requests import Credentials, Refresh, Registration
from schemas.responses import TicketView, Tokens, UserView
from schemas.time import now
from stores.errors import Duplicate
from stores.people import People


async def register(request: web.Request, body: Registration) -> UserView:
    """Creates an account."""
    people = request.app[PEOPLE]
    _expect_no_name(body)
    user = User(
        id=new_id(),
        username=body.username,
        username_key=body.username.casefold(),
        email=body.email,
        email_key=body.email.casefold(),
        password_hash=await request.app[PASSWORDS].hash(body.password),
        created_at=now(),
    )
    try:
        await people.create(user)
    except Duplicate as error:
        raise await _taken(people, user) from error
    return UserView(id=user.id, username=user.username, email=user.email, created_at=user.created_at)


def _expect_no_name(body: Registration) -> None:
    if body.password.casefold() in (body.username.casefold(), body.email.casefold()):
        wrong = FieldProblem(field="password", message="must not be the user name or the email address")
        raise Problem("invalid_field", "Wrong or missing: password.", fields=(wrong,))


async def _taken(people: People, user: User) -> Problem:
    field = "username" if await people.find_by_name(user.username_key) else "email"
    return Problem("name_taken", f"That {field} is taken.", fields=(FieldProblem(field=field, message="is taken"),))


async def log_in(request: web.Request, body: Credentials) -> Tokens:
    """Exchanges a user name and password for a pair of tokens. A wrong name takes as long as a wrong password."""
    user = await request.app[PEOPLE].find_by_name(body.username.casefold())
    known = await request.app[PASSWORDS].verify(user.password_hash if user else None, body.password)
    if user is None or not known:
        raise Problem("wrong_credentials", "The user name or the password is wrong.")
    return await _pair(request, user.id, family_id=new_id())


async def refresh(request: web.Request, body: Refresh) -> Tokens:
    """Exchanges a refresh token, once. A second time means that it was stolen: the whole family is revoked."""
    people, used_hash = request.app[PEOPLE], fingerprint(body.refresh)
    token, used_now = await people.use_refresh_token(used_hash, now())
    if token is None:
        raise Problem("token_invalid", "The refresh token is not known.")
    if not used_now:
        raise await _refused(people, token)
    pair = await _pair(request, token.user_id, token.family_id)
    again, _ = await people.use_refresh_token(used_hash, now())
    if again is None or again.revoked_at is not None:  # somebody used it a second time while the new one was made
        raise await _refused(people, again or token)
    return pair


async def _refused(people: People, token: RefreshToken) -> Problem:
    if token.used_at is not None:
        await people.revoke_family(token.family_id, now())
        return Problem("token_reused", "The refresh token was used before; sign in again.")
    if token.revoked_at is not None:
        return Problem("token_invalid", "The refresh token was revoked; sign in again.")
    return Problem("token_expired", "The refresh token has expired; sign in again.")


async def _pair(request: web.Request, user_id: str, family_id: str) -> Tokens:
    secret, settings, access = new_secret(), request.app[SETTINGS], request.app[ACCESS_TOKENS]
    token = RefreshToken(
        id=fingerprint(secret),
        family_id=family_id,
        user_id=user_id,
        expires_at=now() + timedelta(seconds=settings.refresh_token_seconds),
    )
    await request.app[PEOPLE].add_refresh_token(token)
    return Tokens(access=access.issue(user_id), refresh=secret, expires_in=access.seconds)


async def ticket(request: web.Request) -> TicketView:
    """Makes a ticket that opens one websocket or event stream for the caller."""
    secret, seconds = new_secret(), request.app[SETTINGS].ticket_seconds
    expires_at = now() + timedelta(seconds=seconds)
    await request.app[PEOPLE].add_ticket(Ticket(id=fingerprint(secret), user_id=request[CALLER], expires_at=expires_at))
    return TicketView(ticket=secret, expires_in=seconds)
