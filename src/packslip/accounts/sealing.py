"""Secrets that have to be read again, sealed with a key that is derived from the secret key.

Whoever has a copy of the database alone cannot read them.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from flask import current_app

from packslip.errors import UnavailableError

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


class BrokenSealError(UnavailableError):
    """What was sealed cannot be read: the secret key is another one by now."""

    def __init__(self) -> None:
        super().__init__("This index has another secret key than when this secret was kept.")


def seal(secret: str) -> str:
    """The secret in a form that only this application can read."""
    return _box().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """The secret that `seal` was given.

    Raises:
        BrokenSealError: the secret key has changed since, or somebody changed what is sealed.
    """
    from cryptography.fernet import InvalidToken  # noqa: PLC0415 - start-up time

    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise BrokenSealError from None


def _box() -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415 - start-up time

    # Flask's own setting for secret keys that were used before.
    older = current_app.config.get("SECRET_KEY_FALLBACKS") or []
    keys = [current_app.config["SECRET_KEY"], *older]
    return MultiFernet([Fernet(_derive(key)) for key in keys])


def _derive(secret_key: str | bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - start-up time
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415 - start-up time

    raw = secret_key.encode() if isinstance(secret_key, str) else secret_key
    # The purpose keeps this key apart from all others that are made of the same secret.
    kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"packslip: sealed secrets")
    return base64.urlsafe_b64encode(kdf.derive(raw))
