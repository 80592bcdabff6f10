"""Identifiers: opaque strings that sort by creation, and ids that a repeat makes again."""

import uuid_utils

_EVENT_NAMESPACE = uuid_utils.UUID("6f1c1c0e-6f0b-5d63-9a55-3d5b0d1f7a10")


def new_id() -> str:
    """A new UUIDv7 (RFC 9562): 36 characters, ascending by creation time to the millisecond."""
    return str(uuid_utils.uuid7())


def derived_id(*parts: str) -> str:
    """A UUIDv5 of the parts: the same parts always give the same id, so a repeated step repeats its event's id."""
    return str(uuid_utils.uuid5(_EVENT_NAMESPACE, "/".join(parts)))
