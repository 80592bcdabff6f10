"""Signed URLs: the same as minio's but for the order of the query."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from minio import Minio
from pydantic import SecretStr

from schemas.settings import Settings
from stores.signing import Signer, signer_of

ACCESS, SECRET, REGION = "access/key", "se+cret", "eu-central-1"
AT = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("endpoint", ["localhost:9000", "[::1]:9000", "storage.example.org", "s3.amazonaws.com"])
@pytest.mark.parametrize("key", ["recordings/1/original", "a b/ü+&?=%~_.-'()*"])
@pytest.mark.parametrize("query", [{}, {"uploads": ""}, {"uploadId": "a/b+c=", "partNumber": "7"}])
def test_a_url_is_as_minio_makes_it(endpoint: str, key: str, query: dict[str, str]) -> None:
    minio = Minio(endpoint, access_key=ACCESS, secret_key=SECRET, region=REGION)
    signer = signer_of(minio, Settings(s3_access_key=ACCESS, s3_secret_key=SecretStr(SECRET), s3_region=REGION))
    for at in (AT, AT + timedelta(seconds=1), AT):
        expected = minio.get_presigned_url(
            "PUT", "tidemark", key, timedelta(seconds=60), request_date=at, extra_query_params=dict(query)
        )
        assert _parts(signer.url("PUT", key, query, 60, at)) == _parts(expected)


def _parts(url: str) -> tuple[str, list[tuple[str, str]]]:
    """The address as it is, and the query whatever its order."""
    address, _, asked = url.partition("?")
    return address, sorted(parse_qsl(asked, keep_blank_values=True, strict_parsing=True))


def test_an_address_is_one() -> None:
    url = Signer("https://storage.example.org/tidemark", REGION, ACCESS, SECRET).url("GET", "a", {}, 60, AT)
    assert urlsplit(url)[:3] == ("https", "storage.example.org", "/tidemark/a")
