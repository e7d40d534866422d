"""Passwords: their length, and their hashes (Argon2id, RFC 9106)."""

from __future__ import annotations

import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from packslip.errors import InvalidError

#: Characters, counted after Unicode normalisation.
MIN_LENGTH = 12
MAX_LENGTH = 256

# Well above the least that OWASP asks for. Not RFC 9106's 64 MiB: a check happens within an
# upload, and those have to get along with little memory.
_hasher = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)

# A salt and a hash of zeros, which no password has.
_NOBODYS_HASH = (
    f"$argon2id$v=19$m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    f"${'A' * 22}${'A' * 43}"
)

# Many guesses at once must not fill the memory: each check in progress takes 32 MiB.
_slots = threading.BoundedSemaphore(2)


class PasswordLengthError(InvalidError):
    """The password is too short or too long."""

    def __init__(self, length: int) -> None:
        super().__init__(
            f"A password must have {MIN_LENGTH} to {MAX_LENGTH} characters, not {length}."
        )
        self.length = length


class PasswordTextError(InvalidError):
    """The password is no Unicode text."""

    def __init__(self) -> None:
        super().__init__("A password must be valid Unicode text.")


def hash_password(password: str) -> str:
    """The password's hash with its salt and parameters, in PHC form.

    Takes about a tenth of a second, so call it outside of transactions. The text is normalised
    (NFC, as RFC 8265 has it for passwords), so that it does not matter how a keyboard composes
    an accent.

    Raises:
        PasswordLengthError: it has fewer than 12 or more than 256 characters.
        PasswordTextError: it holds surrogates.
    """
    password = unicodedata.normalize("NFC", password)
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise PasswordLengthError(len(password))
    try:
        raw = password.encode()
    except UnicodeEncodeError:
        raise PasswordTextError from None
    with _slots:
        return _hasher.hash(raw)


def verify_password(hashed_password: str | None, password: str) -> bool:
    """Whether the password is the one behind the hash.

    Without a hash, because there is no such user or because the user has no password, and for a
    password that is too long it does the same work and says no.
    """
    # Cut before anything is done with it, so that a huge one costs no more. Normalisation makes
    # one character of at most four.
    candidate = unicodedata.normalize("NFC", password[: 4 * MAX_LENGTH])
    with _slots:
        try:
            _hasher.verify(
                hashed_password or _NOBODYS_HASH, candidate.encode(errors="surrogatepass")
            )
        except (VerificationError, InvalidHashError):
            return False
    return hashed_password is not None and len(password) <= 4 * MAX_LENGTH
