"""What wants the caller's password once more, or name, before it is done. Guessing is as slow here as at the door."""

from aiohttp import web

from api.addresses import client_network
from api.audit import note
from api.keys import CALLER, PASSWORDS, PEOPLE, THROTTLE
from api.problems import wrong_field
from schemas.people import User
from schemas.problems import Problem


async def with_password(request: web.Request, password: str, field: str, action: str) -> User:
    """The caller's account as it is now, once its password was said. `action` is what a refusal is on record as.

    Raises Problem no_password for an account without one, invalid_field for another, too_many_attempts.
    """
    user = await request.app[PEOPLE].get(request[CALLER])
    if user is None or user.password_hash is None:
        raise Problem("no_password", "Whoever signs in elsewhere changes the password there.")
    # by the id: whoever has the session can change the name
    async with request.app[THROTTLE].attempt(user.id, client_network(request)) as attempt:
        attempt.good = await request.app[PASSWORDS].verify(user.password_hash, password)
    if not attempt.good:
        await note(request, action, outcome="refused")
        raise wrong_field(field, "is not the password")
    return user


async def confirmed(request: web.Request, username: str, password: str | None, action: str) -> User:
    """The caller's account, once its name was said, and its password where it has one. Raises as `with_password`."""
    user = await request.app[PEOPLE].get(request[CALLER])
    if user is None:
        raise Problem("not_found", "The account is not there any more.")
    if user.username != username:
        raise wrong_field("username", "is not the name of this account")
    if user.password_hash is None:
        return user
    if password is None:
        raise wrong_field("password", "is wanted")
    return await with_password(request, password, "password", action)
