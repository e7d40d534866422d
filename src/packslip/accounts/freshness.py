"""Whether whoever is logged in has shown lately that they are still the same person.

A browser may be left alone for an hour; what would lock its owner out asks for the password again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import session

from packslip.accounts.current import current_login

#: How long a log-in, or a password that was given again, counts.
FRESH = timedelta(minutes=15)

_PROOF = "proof"


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


def note_proof() -> None:
    """Remember that the user has just given the password again."""
    login = current_login()
    if login is not None:
        session[_PROOF] = {"login": login.id, "at": datetime.now(UTC).timestamp()}
