"""One's own account: making it, seeing and changing it, its password, and what was done with it."""

from typing import Any

from aiohttp import web

from api.audit import note
from api.confirmation import with_password
from api.keys import AUDIT, CALLER, PASSWORDS, PEOPLE, PROOF, SESSIONS, STANDING
from api.paging import page_of
from api.problems import wrong_field
from schemas.account import AccountChange, AuditQuery, PasswordChange, UserView
from schemas.audit import AuditEvent, AuditList
from schemas.ids import new_id
from schemas.people import User
from schemas.problems import FieldProblem, Problem
from schemas.requests import Registration
from schemas.time import now
from stores.errors import Duplicate
from stores.people import People


async def register(request: web.Request, body: Registration) -> UserView:
    """Creates an account."""
    people = request.app[PEOPLE]
    _expect_no_name("password", body.password, body.username, body.email)
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
        raise await _taken(people, user.username_key, user.id) from error
    await note(request, "account.register", user_id=user.id)
    return _view(user)


def _expect_no_name(field: str, password: str, *names: str | None) -> None:
    if password.casefold() in {name.casefold() for name in names if name}:
        raise wrong_field(field, "must not be the user name or the email address")


async def _taken(people: People, username_key: str | None, user_id: str) -> Problem:
    other = await people.find_by_name(username_key) if username_key else None
    field = "username" if other and other.id != user_id else "email"
    return Problem("name_taken", f"That {field} is taken.", fields=(FieldProblem(field=field, message="is taken"),))


def _view(user: User) -> UserView:
    shown = user.model_dump(include=set(UserView.model_fields))
    return UserView(**shown, has_password=user.password_hash is not None)


async def show(request: web.Request) -> UserView:
    """The caller's account."""
    return _view(request[PROOF].user)


async def change(request: web.Request, body: AccountChange) -> UserView:
    """Changes the caller's account. What is left out stays as it is."""
    people, user = request.app[PEOPLE], request[PROOF].user
    fields = _fields(body)
    try:
        changed = await people.change(user.id, fields) if fields else user
    except Duplicate as error:
        raise await _taken(people, fields.get("username_key"), user.id) from error
    request.app[STANDING].changed(user.id)
    if fields:
        await note(request, "account.change", {"fields": " ".join(sorted(body.model_fields_set))})
    return _view(changed or user)


def _fields(body: AccountChange) -> dict[str, Any]:
    """What is to be set, with the keys that belong to the names. A name cannot be taken away."""
    sent = body.model_dump(exclude_unset=True)
    for name in ("username", "email"):
        if sent.get(name) is None:
            sent.pop(name, None)
        else:
            sent[f"{name}_key"] = sent[name].casefold()
    return sent


async def change_password(request: web.Request, body: PasswordChange) -> None:
    """Sets a new password, and ends every session but this one: at once, their access tokens within seconds."""
    user = await with_password(request, body.old_password, "old_password", "account.change_password")
    _expect_no_name("new_password", body.new_password, user.username, user.email)
    password_hash = await request.app[PASSWORDS].hash(body.new_password)
    generation = await request.app[PEOPLE].change_password(user, password_hash)
    if generation is None:
        raise Problem("wrong_credentials", "The password was changed a moment ago.")
    await _stay(request, generation)
    await note(request, "account.change_password")


async def _stay(request: web.Request, generation: int) -> None:
    """Lets the caller's session outlive the change."""
    proof = request[PROOF]
    if proof.session_id is not None and not proof.outside:
        await request.app[SESSIONS].carry_over(proof.session_id, generation)
    request.app[STANDING].changed(proof.user.id, proof.session_id)


async def audit(request: web.Request, query: AuditQuery) -> AuditList:
    """What was done with the caller's account, newest first: log-ins, keys, password, deletions."""
    return acts(await _newest(request, query), query.limit)


async def _newest(request: web.Request, query: AuditQuery) -> list[AuditEvent]:
    return await request.app[AUDIT].newest(
        query.limit + 1, before=query.cursor, user_id=request[CALLER], action=query.action
    )


def acts(found: list[AuditEvent], limit: int) -> AuditList:
    """A page of acts."""
    page, next_cursor = page_of(found, limit)
    return AuditList(items=tuple(page), next_cursor=next_cursor)
