"""A short memory of passwords that were right, so that a row of uploads pays for one check.

It never holds a password: what it keeps is an HMAC over user, hash and password, under a key that
the process made for itself. The user and the hash are read from the database each time, so a
changed password or a removed user is not found here.

Each is remembered for one user at one address, and any other password from there ends that.
Somebody who guesses has one guess here; all others are counted (`packslip.accounts.throttle`).
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
#: The mark of each user and address, and when it was made on the monotonic clock; the oldest first.
_marks: OrderedDict[tuple[int, str | None], tuple[bytes, float]] = OrderedDict()


def remember(
    user_id: int, hashed_password: str, password: str, ip_address: str | None = None
) -> None:
    """Remember that the password was found right for this user and hash."""
    mark = _mark(user_id, hashed_password, password)
    with _lock:
        _marks.pop((user_id, ip_address), None)
        _marks[user_id, ip_address] = mark, time.monotonic()
        while len(_marks) > MAX_ENTRIES:
            _marks.popitem(last=False)


def is_remembered(
    user_id: int, hashed_password: str, password: str, ip_address: str | None = None
) -> bool:
    """Whether this password from this address was found right for this user and hash lately."""
    mark = _mark(user_id, hashed_password, password)
    with _lock:
        known, made = _marks.get((user_id, ip_address), (b"", 0.0))
        if hmac.compare_digest(known, mark) and time.monotonic() - made < LIFETIME:
            return True
        _marks.pop((user_id, ip_address), None)
        return False


def forget_all() -> None:
    """Forget everything."""
    with _lock:
        _marks.clear()


def _mark(user_id: int, hashed_password: str, password: str) -> bytes:
    message = f"{user_id}\0{hashed_password}\0{password}".encode(errors="surrogatepass")
    return hmac.digest(_key, message, hashlib.sha256)
