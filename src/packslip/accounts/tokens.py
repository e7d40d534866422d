"""The secrets of tokens: how they look, and their hashes.

A secret is `packslip_`, 30 random characters (178 bits) and 6 characters of checksum. The prefix
and the checksum let secret scanners find leaked ones with hardly a false alarm: the pattern is
`packslip_[0-9A-Za-z]{36}`, and the checksum is the CRC-32 of all that stands before it, in base
62 (digits, capitals, small letters), filled up with zeros on the left.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib

PREFIX = "packslip_"

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_LENGTH = 30
_CHECKSUM_LENGTH = 6
_SHAPE = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_RANDOM_LENGTH + _CHECKSUM_LENGTH}}}")


def new_secret() -> str:
    """A new secret, never seen before."""
    start = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return start + _checksum(start)


def looks_like_token(text: str) -> bool:
    """Whether the text has a token's shape and its checksum is right."""
    if not _SHAPE.fullmatch(text):
        return False
    return _checksum(text[:-_CHECKSUM_LENGTH]) == text[-_CHECKSUM_LENGTH:]


def hash_token(secret: str) -> str:
    """The secret's SHA-256 in hexadecimal, which is all that is kept of it.

    Unlike a password it is random enough to need no slow hash.
    """
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _checksum(text: str) -> str:
    number = zlib.crc32(text.encode())
    digits = ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
