"""Tokens of an outside issuer (any OpenID Connect provider), and the accounts that belong to who they are for.

A token is taken if a key of the issuer has signed it by an algorithm of the list, it has not expired, and it was made
for us: its `aud` is OIDC_AUDIENCE, its `azp` one of OIDC_AUTHORIZED_PARTIES, as far as these are set. Whoever comes for
the first time gets an account. No account is ever joined to another by an email address: issuers do not all check them.
"""

from typing import Any, NamedTuple

import jwt

from api.jwks import ALGORITHMS, IssuerKeys
from api.recent import Recent
from api.tokens import fingerprint
from schemas.ids import new_id
from schemas.people import Identity, User
from schemas.problems import Problem
from schemas.requests import plain
from schemas.settings import Settings
from schemas.time import now
from stores.people import People

_LONGEST_SUBJECT = 255
_LONGEST_NAME = 64
_LONGEST_EMAIL = 254
_REMEMBERED_SECONDS = 300.0
_SESSION_CLAIMS = ("sid", "session_id", "jti")


class Visitor(NamedTuple):
    """Whom a token is for: the account, whether it was made just now, and the session to log out of."""

    user_id: str
    session_id: str
    new: bool


class Outside:
    """The issuer of the settings. Close it when done."""

    def __init__(self, settings: Settings, people: People) -> None:
        self._settings = settings
        self._people = people
        self._keys = IssuerKeys(settings)
        self._identities: Recent[str, Identity | None] = Recent(people.identity, _REMEMBERED_SECONDS)

    async def close(self) -> None:
        """Ends what is under way."""
        await self._keys.close()

    def issued(self, token: str) -> bool:
        """Whether the token says that it is the issuer's. It has proved nothing yet."""
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except (jwt.InvalidTokenError, UnicodeError):
            return False
        return bool(claims.get("iss") == self._settings.oidc_issuer)

    async def read(self, token: str) -> Visitor:
        """Whom the token is for. Raises Problem token_invalid, token_expired, or unavailable; StoreUnavailable."""
        claims = await self._verified(token)
        subject = claims["sub"]
        identity_id = fingerprint(f"{self._settings.oidc_issuer}\n{subject}")
        session = next((str(claims[name]) for name in _SESSION_CLAIMS if claims.get(name)), token)
        session_id = fingerprint(f"{self._settings.oidc_issuer}\n{session}")
        if known := await self._identities.get(identity_id):
            return Visitor(known.user_id, session_id, new=False)
        return await self._welcome(identity_id, claims, session_id)

    async def _welcome(self, identity_id: str, claims: dict[str, Any], session_id: str) -> Visitor:
        """An account for whoever comes first, or comes again after an erasure: not by a token of before it."""
        erased_at = await self._people.erased_at(identity_id)
        if erased_at is not None and int(claims["iat"]) <= erased_at.timestamp():
            raise Problem("token_invalid", "The account was erased; sign in again to make another.")
        user = _account(claims)
        identity = Identity(
            id=identity_id,
            issuer=self._settings.oidc_issuer,
            subject=claims["sub"],
            user_id=user.id,
            created_at=user.created_at,
        )
        known = await self._people.meet(identity, user)
        self._identities.forget(identity_id)
        return Visitor(known.user_id, session_id, new=known.user_id == user.id)

    async def _verified(self, token: str) -> dict[str, Any]:
        header = _header(token)
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS or not isinstance(key_id, str | None):
            raise _refused()
        claims = self._decoded(token, await self._keys.find(key_id, algorithm), algorithm)
        parties = self._settings.authorized_parties
        if parties and claims.get("azp") not in parties:
            raise _refused()
        if not 0 < len(claims["sub"]) <= _LONGEST_SUBJECT:
            raise _refused()
        return claims

    def _decoded(self, token: str, key: Any, algorithm: str) -> dict[str, Any]:
        audience = self._settings.oidc_audience or None
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=self._settings.oidc_issuer,
                audience=audience,
                leeway=self._settings.oidc_clock_skew_seconds,
                options={"require": ["sub", "iat", "exp", "iss"], "verify_aud": audience is not None},
            )
        except jwt.ExpiredSignatureError as error:
            raise Problem("token_expired", "The token has expired; get another where you signed in.") from error
        except (jwt.PyJWTError, UnicodeError, ValueError) as error:
            raise _refused() from error
        return claims


def _header(token: str) -> dict[str, Any]:
    try:
        return jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, UnicodeError) as error:
        raise _refused() from error


def _refused() -> Problem:
    return Problem("token_invalid", "The access token cannot be accepted.")


def _account(claims: dict[str, Any]) -> User:
    """A new account of whom the token is for. Its keys are set by the store: what the issuer says reserves no name."""
    user_id, email = new_id(), _text(claims, "email", _LONGEST_EMAIL)
    name = _text(claims, "name", _LONGEST_NAME)
    return User(
        id=user_id,
        username=_text(claims, "preferred_username", _LONGEST_NAME) or name or email or f"user-{user_id[-12:]}",
        username_key=user_id,
        email=email,
        email_key=user_id,
        password_hash=None,
        created_at=now(),
        display_name=name,
    )


def _text(claims: dict[str, Any], name: str, longest: int) -> str | None:
    said = claims.get(name)
    return plain(said)[:longest] or None if isinstance(said, str) else None
