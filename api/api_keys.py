"""How an API key looks: `tmk_`, 256 random bits, and a checksum, in letters and digits.

The prefix lets scanners find a key that was published by mistake; the checksum tells a key from a typing error without
asking the document store.
"""

import secrets
import zlib

PREFIX = "tmk_"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY, _CHECK = 43, 6
_HINT = len(PREFIX) + 6


def new_api_key() -> str:
    """A new key."""
    body = PREFIX + _written(secrets.randbits(256), _BODY)
    return body + _checksum(body)


def is_api_key(text: str) -> bool:
    """Whether it can be one: the prefix, the length and the checksum are right."""
    body, check = text[:-_CHECK], text[-_CHECK:]
    if not (text.isascii() and text.startswith(PREFIX) and len(body) == len(PREFIX) + _BODY):
        return False
    return secrets.compare_digest(check, _checksum(body))


def hint_of(key: str) -> str:
    """How the key begins: enough for its owner to know it by."""
    return f"{key[:_HINT]}…"


def _checksum(body: str) -> str:
    return _written(zlib.crc32(body.encode()), _CHECK)


def _written(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
