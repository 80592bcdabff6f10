"""Buckets of tests: each takes room of the embedded store for as long as it is there, so each goes with its test."""

from minio import Minio

from schemas.settings import Settings


def remove_bucket(settings: Settings) -> None:
    """Removes the bucket with all that is in it, if it is there. Blocks for a moment."""
    client = Minio(
        settings.s3_endpoint.removeprefix("http://"),
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key.get_secret_value(),
        secure=False,
        region=settings.s3_region,
    )
    if client.bucket_exists(settings.s3_bucket):
        client.remove_bucket(settings.s3_bucket)  # the embedded store does not ask whether it is empty
