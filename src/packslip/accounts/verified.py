"""A short memory of passwords that were right, so that a row of uploads pays for one check.

It never holds a password: what it keeps is an HMAC over user, hash and password, under a key that
the process made for itself. The user and the hash are read from the database each time, so a
changed password or a removed user is not found here.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict

#: Seconds for which a right password is remembered.
LIFETIME = 300.0
#: How many are remembered; the oldest make room.
MAX_ENTRIES = 1000

_key = secrets.token_bytes(32)
_lock = threading.Lock()
#: When each mark was made, on the monotonic clock; the oldest first.
_made: OrderedDict[bytes, float] = OrderedDict()


def remember(user_id: int, hashed_password: str, password: str) -> None:
    """Remember that the password was found right for this user and hash."""
    mark = _mark(user_id, hashed_password, password)
    with _lock:
        _made.pop(mark, None)
        _made[mark] = time.monotonic()
        while len(_made) > MAX_ENTRIES:
            _made.popitem(last=False)


def is_remembered(user_id: int, hashed_password: str, password: str) -> bool:
    """Whether this password was found right for this user and hash a short while ago."""
    mark = _mark(user_id, hashed_password, password)
    with _lock:
        made = _made.get(mark)
        if made is None:
            return False
        if time.monotonic() - made >= LIFETIME:
            del _made[mark]
            return False
        return True


def forget_all() -> None:
    """Forget everything."""
    with _lock:
        _made.clear()


def _mark(user_id: int, hashed_password: str, password: str) -> bytes:
    message = f"{user_id}\0{hashed_password}\0{password}".encode(errors="surrogatepass")
    return hmac.digest(_key, message, hashlib.sha256)
