"""Codes on paper, for whoever has lost the second factor. Each works once."""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from packslip.accounts.models import RecoveryCode, User

#: How many there are at first.
COUNT = 10

#: Of 5 bits each, without letters that are mistaken for others (Crockford's base 32).
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 10
_MISREAD = str.maketrans("oil", "011", " -")

_ITERATIONS = 20_000


def make_recovery_codes(session: Session, user: User) -> list[str]:
    """Give the user new codes, which are kept nowhere; those that they had are void."""
    remove_recovery_codes(session, user)
    codes = [_new_code() for _ in range(COUNT)]
    session.add_all(RecoveryCode(user_id=user.id, hashed_code=_hash(user, code)) for code in codes)
    session.flush()
    return codes


def looks_like_recovery_code(code: str) -> bool:
    """Whether the text has the shape of a recovery code."""
    plain = _plain(code)
    return len(plain) == _LENGTH and set(plain) <= set(_ALPHABET)


def use_recovery_code(session: Session, user: User, code: str) -> bool:
    """Whether this is one of the user's codes; if so it is void from now on."""
    if not looks_like_recovery_code(code):
        return False
    # The row count decides, so that of two requests at once only one finds the code.
    gone = session.execute(
        delete(RecoveryCode)
        .where(RecoveryCode.user_id == user.id, RecoveryCode.hashed_code == _hash(user, code))
        .returning(RecoveryCode.id)
    )
    return gone.first() is not None


def count_recovery_codes(session: Session, user: User) -> int:
    """How many codes the user has left."""
    statement = select(func.count()).where(RecoveryCode.user_id == user.id)
    return session.scalars(statement).one()


def remove_recovery_codes(session: Session, user: User) -> None:
    """Make all codes of the user void."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))


def _new_code() -> str:
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return f"{code[:5]}-{code[5:]}"


def _plain(code: str) -> str:
    return code[: 4 * _LENGTH].lower().translate(_MISREAD)


def _hash(user: User, code: str) -> str:
    # Fifty bits alone could be found by trial by whoever has a copy of the database; the work on
    # each trial is what prevents that.
    salt = f"packslip recovery code {user.id}".encode()
    return hashlib.pbkdf2_hmac("sha256", _plain(code).encode(), salt, _ITERATIONS).hex()
