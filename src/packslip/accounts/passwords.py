"""Passwords: which are taken, and their hashes (Argon2id, RFC 9106)."""

from __future__ import annotations

import math
import re
import threading
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from packslip.errors import InvalidError

#: Characters, counted after Unicode normalisation.
MIN_LENGTH = 12
MAX_LENGTH = 256

# Normalisation makes one character of at most four.
_LONGEST_TYPED = 4 * MAX_LENGTH

#: Passwords that come earlier among the guesses of somebody who tries the likely ones are refused.
#: Waiting, which grows with failures (`packslip.accounts.throttle`), allows some three hundred a
#: day and account; a stricter rule would refuse what people find hard enough.
LEAST_GUESSES = 50_000

#: Characters of a password, and of what is known of its user, that guesses are estimated for. The
#: time that takes grows with their square, and a start that is hard to guess is enough.
LOOKED_AT = 40

#: In how many ways the symbols in a password may stand for letters if guesses are to be estimated:
#: each of them is tried. Only what is made to cost time, or by chance, has more.
MAX_SPELLINGS = 64

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

# zxcvbn keeps what is known of a user in a table that all threads share.
_estimate = threading.Lock()


class PasswordLengthError(InvalidError):
    """The password is too short or too long."""

    field = "password"

    def __init__(self, length: int) -> None:
        super().__init__(
            f"A password must have {MIN_LENGTH} to {MAX_LENGTH} characters, not {length}."
        )
        self.length = length


class PasswordTextError(InvalidError):
    """The password is no Unicode text."""

    field = "password"

    def __init__(self) -> None:
        super().__init__("A password must be valid Unicode text.")


class CommonPasswordError(InvalidError):
    """The password is among the first that anybody would try."""

    field = "password"

    def __init__(self) -> None:
        super().__init__(
            "This password is easy to guess: it is common, or made of names or a simple pattern."
            " Several words that have nothing to do with each other make a good one."
        )


def check_new_password(password: str, *known: str) -> None:
    """Check that somebody may have this password.

    `known` is what others know of them, which makes a bad password: username, name, e-mail
    address.

    Raises:
        PasswordLengthError: it has fewer than 12 or more than 256 characters.
        PasswordTextError: it holds surrogates.
        CommonPasswordError: it is easy to guess. Which kinds of characters it has does not matter.
    """
    # Before it is normalised, which takes the square of the length of a row of accents.
    if len(password) > _LONGEST_TYPED:
        raise PasswordLengthError(len(password))
    password = _normalized(password)
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise PasswordLengthError(len(password))
    try:
        password.encode()
    except UnicodeEncodeError:
        raise PasswordTextError from None
    if _guesses(password[:LOOKED_AT], known) < LEAST_GUESSES:
        raise CommonPasswordError


def hash_password(password: str, *known: str) -> str:
    """The hash of a new password with its salt and parameters, in PHC form.

    Takes about a tenth of a second, so call it outside of transactions. The text is normalised
    (NFC, as RFC 8265 has it for passwords), so that it does not matter how a keyboard composes
    an accent.

    Raises:
        PasswordLengthError, PasswordTextError, CommonPasswordError: see `check_new_password`.
    """
    check_new_password(password, *known)
    return _hash(password)


def renew_hash(hashed_password: str, password: str) -> str | None:
    """Another hash of a password that was found right; None if its parameters are today's.

    What is asked of new passwords does not matter here. Takes as long as `hash_password`.
    """
    return _hash(password) if _hasher.check_needs_rehash(hashed_password) else None


def verify_password(hashed_password: str | None, password: str) -> bool:
    """Whether the password is the one behind the hash.

    Without a hash, because there is no such user or because the user has no password, and for a
    password that is too long it does the same work and says no.
    """
    with turn_to_verify() as verify:
        return verify(hashed_password, password)


@contextmanager
def turn_to_verify() -> Iterator[Callable[[str | None, str], bool]]:
    """Wait until a password may be checked, and give `verify_password` without the waiting.

    Of all threads of the process two at a time have a turn.
    """
    with _slots:
        yield _verify


def _verify(hashed_password: str | None, password: str) -> bool:
    # Cut before anything is done with it, so that a huge one costs no more.
    candidate = _normalized(password[:_LONGEST_TYPED]).encode(errors="surrogatepass")
    try:
        _hasher.verify(hashed_password or _NOBODYS_HASH, candidate)
    except (VerificationError, InvalidHashError):
        return False
    return hashed_password is not None and len(password) <= _LONGEST_TYPED


def _hash(password: str) -> str:
    with _slots:
        return _hasher.hash(_normalized(password))


def _normalized(password: str) -> str:
    return unicodedata.normalize("NFC", password)


def _guesses(password: str, known: tuple[str, ...]) -> float:
    from zxcvbn import zxcvbn  # noqa: PLC0415 - reads long lists, which few processes need
    from zxcvbn.matching import L33T_TABLE  # noqa: PLC0415

    if math.prod(_present(password, symbols) for symbols in L33T_TABLE.values()) > MAX_SPELLINGS:
        return math.inf
    words = {word for text in ("packslip", *known) for word in _words(text[:LOOKED_AT])}
    with _estimate:
        return float(zxcvbn(password, user_inputs=sorted(words))["guesses"])


def _words(text: str) -> set[str]:
    """What a password may be made of by whoever knows the text: "Ada Lovelace", its words, both."""
    parts = [part for part in re.split(r"[\W_]+", text) if len(part) > 2]
    return {text, "".join(parts), *parts} - {""}


def _present(password: str, symbols: list[str]) -> int:
    return max(1, sum(symbol in password for symbol in symbols))
