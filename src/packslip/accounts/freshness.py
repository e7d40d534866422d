"""Whether whoever is logged in has shown lately that they are still the same person.

A browser may be left alone for an hour; what would lock its owner out asks for the password again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import request, session

from packslip import db
from packslip.accounts.current import current_login
from packslip.accounts.identity import WrongCredentialsError, check_password
from packslip.accounts.models import User
from packslip.errors import NotAllowedError

#: How long a log-in, or a password that was given again, counts.
FRESH = timedelta(minutes=15)

_PROOF = "proof"


class WrongPasswordError(NotAllowedError):
    """The password is not the user's."""

    def __init__(self) -> None:
        super().__init__("This is not your password.")


def is_fresh() -> bool:
    """Whether this browser's session is new, or its user gave the password a short while ago."""
    login = current_login()
    if login is None:
        return False
    now = datetime.now(UTC)
    if now - login.created_at < FRESH:
        return True
    proof = session.get(_PROOF)
    if not isinstance(proof, dict) or proof.get("login") != login.id:
        return False
    return bool(now.timestamp() - proof["at"] < FRESH.total_seconds())


def prove(user: User, password: str) -> None:
    """Remember that the user has given the password again just now, if it is theirs.

    Call it outside of write transactions, see `packslip.accounts.identity.check_password`.

    Raises:
        WrongPasswordError: it is not.
        TooManyFailuresError: there were too many failures lately; it was not looked at.
    """
    try:
        check_password(db.session(), user, password, request.remote_addr)
    except WrongCredentialsError:
        raise WrongPasswordError from None
    login = current_login()
    if login is not None:
        session[_PROOF] = {"login": login.id, "at": datetime.now(UTC).timestamp()}
