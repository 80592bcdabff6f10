"""API keys for extensions and machines: making, listing, revoking. Only their owner can, signed in."""

from datetime import timedelta

from aiohttp import web

from api.access import expect_paid, is_admin
from api.api_keys import hint_of, new_api_key
from api.audit import note
from api.keys import API_KEYS, CALLER, PROOF, SCOPES
from api.problems import wrong_field
from api.tokens import fingerprint
from schemas.account import ApiKeyList, ApiKeyRequest, ApiKeyView, NewApiKey
from schemas.ids import new_id
from schemas.people import ApiKey
from schemas.problems import Problem
from schemas.time import now

FREE_KEYS, MOST_KEYS = 5, 100


async def create(request: web.Request, body: ApiKeyRequest) -> NewApiKey:
    """Makes a key. Its secret is in this answer and nowhere else."""
    _expect_scopes(request, body.scopes)
    await _expect_room(request)
    secret, created_at = new_api_key(), now()
    key = ApiKey(
        id=fingerprint(secret),
        key_id=new_id(),
        owner_id=request[CALLER],
        name=body.name,
        hint=hint_of(secret),
        scopes=tuple(dict.fromkeys(body.scopes)),
        created_at=created_at,
        expires_at=created_at + timedelta(days=body.expires_in_days) if body.expires_in_days else None,
    )
    await request.app[API_KEYS].add(key)
    await note(request, "api_keys.create", {"id": key.key_id, "scopes": " ".join(key.scopes)})
    return NewApiKey(**dict(_view(key)), secret=secret)


def _expect_scopes(request: web.Request, scopes: tuple[str, ...]) -> None:
    known = _allowed(request)
    if unknown := [scope for scope in scopes if scope not in known]:
        raise wrong_field("scopes", f"«{unknown[0]}» is none that you can give to a key")


async def _expect_room(request: web.Request) -> None:
    made = len(await request.app[API_KEYS].list_owned(request[CALLER]))
    if made >= MOST_KEYS:
        raise Problem("too_many_keys", f"An account has {MOST_KEYS} API keys at most; revoke one first.")
    if made >= FREE_KEYS:
        expect_paid(request[PROOF], f"More than {FREE_KEYS} API keys")


def _allowed(request: web.Request) -> tuple[str, ...]:
    """The scopes that the caller can give to a key."""
    scopes = request.app[SCOPES]
    return scopes.admins if is_admin(request) else scopes.everybody


def _view(key: ApiKey) -> ApiKeyView:
    shown = key.model_dump(include=set(ApiKeyView.model_fields) - {"id"})
    return ApiKeyView(id=key.key_id, **shown)


async def index(request: web.Request) -> ApiKeyList:
    """All keys of the caller, newest first, and the scopes that a key can have."""
    found = await request.app[API_KEYS].list_owned(request[CALLER])
    return ApiKeyList(items=tuple(_view(key) for key in found), scopes=_allowed(request))


async def revoke(request: web.Request) -> None:
    """Ends a key: the next request with it is refused."""
    if await request.app[API_KEYS].revoke_owned(request[CALLER], request.match_info["id"]) is None:
        raise Problem("not_found", "There is no such API key.")
