"""An OpenID Connect issuer on this machine: real keys, a discovery document, a key set, and troubles on request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import jwt
import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from schemas.time import now

AUDIENCE = "tidemark-web"
_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_KINDS: dict[str, tuple[Any, Any]] = {
    "RS256": (lambda: _RSA, RSAAlgorithm),
    "PS256": (lambda: _RSA, RSAAlgorithm),
    "ES256": (lambda: ec.generate_private_key(ec.SECP256R1()), ECAlgorithm),
    "ES384": (lambda: ec.generate_private_key(ec.SECP384R1()), ECAlgorithm),
    "EdDSA": (ed25519.Ed25519PrivateKey.generate, OKPAlgorithm),
}


def public(private: Any, algorithm: str, key_id: str, **fields: Any) -> dict[str, Any]:
    """The JWK of a key's public part."""
    return {**_KINDS[algorithm][1].to_jwk(private.public_key(), as_dict=True), "kid": key_id, "use": "sig", **fields}


class Issuer:
    """What the issuer has, and how it behaves."""

    def __init__(self) -> None:
        self.private: dict[str, tuple[str, Any]] = {}
        self.keys: list[dict[str, Any]] = []
        self.asked = 0
        self.status = 200
        self.body: bytes | None = None
        self.discovery: dict[str, Any] = {}
        self.free = asyncio.Event()
        self.free.set()
        self.url = ""

    def rotate(self, key_id: str, algorithm: str = "RS256", **fields: Any) -> None:
        """A new key in the place of all others."""
        private = _KINDS[algorithm][0]()
        self.private[key_id] = (algorithm, private)
        self.keys = [public(private, algorithm, key_id, **fields)]

    def token(self, key_id: str = "one", **changed: Any) -> str:
        """A token as it should be, but for the claims that are changed; None leaves one out."""
        algorithm, private = self.private[key_id]
        return jwt.encode(self.claims(**changed), private, algorithm, headers={"kid": key_id})

    def claims(self, **changed: Any) -> dict[str, Any]:
        at = now()
        claims = {"iss": self.url, "sub": "user-7", "aud": AUDIENCE, "iat": at, "exp": at + timedelta(minutes=5)}
        return {name: value for name, value in (claims | changed).items() if value is not None}

    async def serve_keys(self, _: web.Request) -> web.Response:
        self.asked += 1
        await self.free.wait()
        body = orjson.dumps({"keys": self.keys}) if self.body is None else self.body
        return web.Response(status=self.status, body=body, headers={"Location": "/elsewhere"})

    async def serve_discovery(self, _: web.Request) -> web.Response:
        said = {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **self.discovery}
        return web.Response(body=orjson.dumps(said))


@asynccontextmanager
async def running_issuer() -> AsyncIterator[Issuer]:
    """The issuer, with one key called "one"."""
    issuer = Issuer()
    app = web.Application()
    app.router.add_get("/keys", issuer.serve_keys)
    app.router.add_get("/.well-known/openid-configuration", issuer.serve_discovery)
    async with TestServer(app) as server:
        issuer.url = str(server.make_url("")).rstrip("/")
        issuer.rotate("one")
        yield issuer
        issuer.free.set()
