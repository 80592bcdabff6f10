"""How a request to the object store is signed: Signature Version 4 in the query of its URL, the payload unsigned.

Amazon's "Authenticating requests: using query parameters" describes it. minio makes the same URLs, but the day's key
and the address anew for each; that was a fifteenth of the API's time for an upload. What clients get is minio's.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote, urlsplit

from minio import Minio

from schemas.settings import Settings


class Signer:
    """Signs for one bucket. `bucket_url` is its address, without a slash at the end."""

    def __init__(self, bucket_url: str, region: str, access_key: str, secret_key: str) -> None:
        address = urlsplit(bucket_url)
        self._bucket_url = bucket_url
        self._host, self._path = address.netloc, address.path
        self._access_key = access_key
        self._region = region
        self._key_of = lru_cache(maxsize=2)(lambda day: _signing_key(secret_key, day, region))

    def url(self, method: str, key: str, query: Mapping[str, str], seconds: int, at: datetime) -> str:
        """A URL for one method on one key, good for `seconds` from the moment `at`, which is in UTC."""
        stamp, path = f"{at:%Y%m%dT%H%M%SZ}", quote(key)
        day = stamp[:8]
        scope = f"{day}/{self._region}/s3/aws4_request"
        fields = {
            **query,
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{self._access_key}/{scope}",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": "host",
        }
        asked = "&".join(f"{quote(name, '')}={quote(value, '')}" for name, value in sorted(fields.items()))
        request = f"{method}\n{self._path}/{path}\n{asked}\nhost:{self._host}\n\nhost\nUNSIGNED-PAYLOAD"
        summary = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{sha256(request.encode()).hexdigest()}"
        signature = _mac(self._key_of(day), summary).hex()
        return f"{self._bucket_url}/{path}?{asked}&X-Amz-Signature={signature}"


def signer_of(client: Minio, settings: Settings) -> Signer:
    """The signer of the settings' bucket, at the address where minio's client has it."""
    bucket_url = client.get_presigned_url("GET", settings.s3_bucket, "x").partition("/x?")[0]
    return Signer(bucket_url, settings.s3_region, settings.s3_access_key, settings.s3_secret_key.get_secret_value())


def _signing_key(secret_key: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = _mac(key, part)
    return key


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
