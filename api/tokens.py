"""What a caller proves itself with: access tokens (JWT, HS256), and secrets that are kept only as their SHA-256."""

import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import NamedTuple

import jwt
import structlog

from schemas.problems import Problem
from schemas.settings import Settings, SettingsError
from schemas.time import now

log = structlog.get_logger(__name__)

ISSUER = "tidemark"
AUDIENCE = "tidemark-api"
_ALGORITHM = "HS256"
_WANTED = ["sub", "sid", "iat", "exp", "iss", "aud", "typ"]
_REMEMBERED = 10_000


class SignedIn(NamedTuple):
    """Whom an access token is for, and the session that it came of."""

    user_id: str
    session_id: str


class _Verified(NamedTuple):
    signed_in: SignedIn
    expires_at: float


class AccessTokens:
    """Makes and reads access tokens. Without JWT_SECRET they last as long as this object; production refuses that.

    A token that was verified is known until it expires, the newest of them at a time: whether it is signed and for us
    cannot change. Whether its account and session still stand is not asked here. Raises SettingsError.
    """

    def __init__(self, settings: Settings) -> None:
        self.seconds = settings.access_token_seconds
        self._secret = settings.jwt_secret.get_secret_value()
        if not self._secret and settings.environment == "production":
            raise SettingsError("JWT_SECRET: set it; make one with `openssl rand -hex 32`")
        if not self._secret:
            log.warning("JWT_SECRET is not set: access tokens end with this process")
            self._secret = secrets.token_hex(32)
        self._verified: dict[str, _Verified] = {}

    def issue(self, user_id: str, session_id: str) -> str:
        """An access token for that account in that session."""
        issued = now()
        claims = {
            "sub": user_id,
            "sid": session_id,
            "iss": ISSUER,
            "aud": AUDIENCE,
            "typ": "access",
            "iat": issued,
            "exp": issued + timedelta(seconds=self.seconds),
        }
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM)

    def read(self, token: str) -> SignedIn:
        """What the token says. Raises Problem token_expired or token_invalid."""
        mark = fingerprint(token)
        known = self._verified.get(mark)
        if known is None or known.expires_at <= time.time():
            self._verified.pop(mark, None)
            known = self._verify(token)
            while len(self._verified) >= _REMEMBERED:
                del self._verified[next(iter(self._verified))]
            self._verified[mark] = known
        return known.signed_in

    def _verify(self, token: str) -> _Verified:
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[_ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                options={"require": _WANTED},
            )
        except jwt.ExpiredSignatureError as error:
            raise Problem("token_expired", "The access token has expired; refresh it.") from error
        except (jwt.InvalidTokenError, UnicodeError) as error:  # a header's bytes need not be text
            raise Problem("token_invalid", "The access token cannot be accepted.") from error
        if claims["typ"] != "access":
            raise Problem("token_invalid", "That is not an access token.")
        return _Verified(SignedIn(str(claims["sub"]), str(claims["sid"])), float(claims["exp"]))


def new_secret() -> str:
    """A secret of 256 bits, safe in a URL: a refresh token or a ticket."""
    return secrets.token_urlsafe(32)


def successor(secret: str, seed: str) -> str:
    """The secret that follows on another: as random as they are, and always the same.

    Neither who has the secret nor who reads the seed where it is kept can tell it.
    """
    mixed = hmac.digest(seed.encode(), secret.encode("utf-8", "surrogatepass"), "sha256")
    return urlsafe_b64encode(mixed).rstrip(b"=").decode()


def fingerprint(secret: str) -> str:
    """What is kept of a secret. It has 256 random bits, so a plain hash cannot be guessed back."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
