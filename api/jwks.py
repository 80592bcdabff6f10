"""The public keys of the outside issuer (JWKS, RFC 7517): read when they are needed, remembered, read again.

Fresh for FRESH_SECONDS; then they are read again while the old ones serve. A key id that is not among them is a reason
to look at once, though not more often than once in AGAIN_SECONDS: the ids of forged tokens cost the issuer nothing. An
issuer that is away takes nobody's access until its keys are a day old.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import jwt
import orjson
import structlog

from schemas.problems import Problem
from schemas.settings import Settings

log = structlog.get_logger(__name__)

FRESH_SECONDS, OLD_SECONDS, AGAIN_SECONDS = 600.0, 24 * 3600.0, 10.0
_FETCH_SECONDS = 5.0
_LARGEST_ANSWER = 256 * 1024
_MOST_KEYS = 100
_SMALLEST_RSA = 2048
_DISCOVERY = "/.well-known/openid-configuration"
_PUBLIC = ("kty", "crv", "n", "e", "x", "y")
_RSA = ("RSA", None)
ALGORITHMS: dict[str, tuple[str, str | None]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), _RSA),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""What a token may be signed by, and the kind of key that each takes. None has a secret that both sides know."""


class _Unreadable(Exception):
    """The issuer's answer is not what it should be."""


class IssuerKeys:
    """The keys of the settings' issuer. Close it when done."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = settings.oidc_issuer
        self._address = settings.oidc_jwks_url
        self._plain = settings.environment == "development"
        self._clock = clock
        self._keys: list[dict[str, Any]] = []
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._failing = False
        self._reading: asyncio.Task[None] | None = None
        timeout = aiohttp.ClientTimeout(total=_FETCH_SECONDS)
        self._http = aiohttp.ClientSession(timeout=timeout, trust_env=True)

    async def close(self) -> None:
        """Ends what is under way."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
        await self._http.close()

    async def find(self, key_id: str | None, algorithm: str) -> Any:
        """The public key of that id, for that algorithm, as PyJWT takes it.

        Raises Problem token_invalid where the issuer has none, unavailable where it cannot be asked.
        """
        self._forget_old()
        found = self._known(key_id, algorithm)
        if found is None:
            await self._look(wait=True)
            found = self._known(key_id, algorithm)
        elif self._age() > FRESH_SECONDS:
            await self._look(wait=False)
        if found is not None:
            return found
        if self._failing or self._read_at is None:
            raise Problem("unavailable", "The identity provider does not answer.", retry_after=round(AGAIN_SECONDS))
        raise Problem("token_invalid", "The token is signed by an unknown key.")

    def _age(self) -> float:
        return self._clock() - self._read_at if self._read_at is not None else OLD_SECONDS

    def _forget_old(self) -> None:
        if self._age() >= OLD_SECONDS:
            self._keys, self._read_at = [], None

    def _known(self, key_id: str | None, algorithm: str) -> Any:
        fitting = [key for key in self._keys if _fits(key, algorithm)]
        if key_id is not None:
            fitting = [key for key in fitting if key.get("kid") == key_id]
        return _loaded(fitting[0], algorithm) if len(fitting) == 1 else None

    async def _look(self, *, wait: bool) -> None:
        """Reads the keys, if that was not tried a moment ago. Many who ask at once ask once."""
        if self._reading is None or self._reading.done():
            if self._tried_at is not None and self._clock() - self._tried_at < AGAIN_SECONDS:
                return
            self._tried_at = self._clock()
            self._reading = asyncio.create_task(self._read())
        if wait:
            await asyncio.shield(self._reading)

    async def _read(self) -> None:
        try:
            keys = _keys_in(await self._get(self._address or await self._discover()))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, _Unreadable) as error:
            self._failing = True
            log.warning("the identity provider's keys cannot be read", reason=str(error) or type(error).__name__)
        else:
            self._keys, self._read_at, self._failing = keys, self._clock(), False

    async def _discover(self) -> str:
        """Where the issuer says that its keys are."""
        said = await self._get(self._issuer.rstrip("/") + _DISCOVERY)
        address = said.get("jwks_uri")
        if said.get("issuer") != self._issuer:
            raise _Unreadable("the discovery document is another issuer's")
        if not isinstance(address, str) or urlsplit(address).scheme not in ("https", *(["http"] * self._plain)):
            raise _Unreadable("the discovery document has no https address of keys")
        return address

    async def _get(self, address: str) -> dict[str, Any]:
        """The JSON object at that address. No redirect is followed: the address is the operator's or the issuer's."""
        async with self._http.get(address, allow_redirects=False) as response:
            if response.status != 200:
                raise _Unreadable(f"status {response.status}")
            body = bytearray()
            async for piece in response.content.iter_chunked(16 * 1024):
                body += piece
                if len(body) > _LARGEST_ANSWER:
                    raise _Unreadable("the answer is too large")
        read = orjson.loads(body)
        if not isinstance(read, dict):
            raise _Unreadable("the answer is no object")
        return read


def _keys_in(said: dict[str, Any]) -> list[dict[str, Any]]:
    keys = said.get("keys")
    if not isinstance(keys, list):
        raise _Unreadable("the answer has no keys")
    return [key for key in keys[:_MOST_KEYS] if isinstance(key, dict) and key.get("use", "sig") == "sig"]


def _fits(key: dict[str, Any], algorithm: str) -> bool:
    """Whether the key is of the algorithm's kind, and not meant for another one."""
    return (key.get("kty"), key.get("crv")) == ALGORITHMS[algorithm] and key.get("alg", algorithm) == algorithm


def _loaded(key: dict[str, Any], algorithm: str) -> Any:
    """The public part of the key; None where it cannot be read or is too small."""
    try:
        public = jwt.PyJWK({name: key[name] for name in _PUBLIC if name in key}, algorithm).key
    except jwt.PyJWTError:
        return None
    return None if getattr(public, "key_size", _SMALLEST_RSA) < _SMALLEST_RSA and key["kty"] == "RSA" else public
