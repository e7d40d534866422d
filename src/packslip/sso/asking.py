"""What this browser asked the provider, kept until the answer comes: once, and not for long.

The cookie ties it to the browser; a row in the database makes sure that no copy of the cookie can
be used a second time.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import session as cookie

from packslip import db
from packslip.accounts.challenges import use_up

#: How long somebody may take at the provider.
PATIENCE = timedelta(minutes=10)

#: So many windows of one browser may be under way at the provider.
_MOST = 3

_ASKED = "sso"


@dataclass(frozen=True)
class Asked:
    """What the provider was asked, which its answer has to fit."""

    state: str
    nonce: str
    #: PKCE's secret, with which alone the code can be exchanged.
    verifier: str


@dataclass(frozen=True)
class Asking:
    """What was asked, and what for."""

    asked: Asked
    #: Where the browser goes after a log-in: a safe path, or nothing.
    goal: str
    #: The session to whose user the answer is to be linked; None for a log-in.
    link_to: int | None


def remember(goal: str, link_to: int | None = None) -> Asked:
    """A new question, which `recall` knows once in this browser."""
    asked = Asked(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
    )
    others = list(_all().items())[-(_MOST - 1) :]
    entry = {
        "nonce": asked.nonce,
        "verifier": asked.verifier,
        # A path that makes the cookie too large for browsers would lose all of it.
        "next": goal if len(goal) <= 500 else "",
        "link": link_to,
        "at": datetime.now(UTC).timestamp(),
    }
    cookie[_ASKED] = {**dict(others), asked.state: entry}
    return asked


def recall(state: str) -> Asking | None:
    """What this browser asked under that state; None when it did not, or has had the answer."""
    all_asked = _all()
    found = all_asked.pop(state, None)
    if found is None:
        return None
    cookie[_ASKED] = all_asked
    until = datetime.fromtimestamp(found["at"], UTC) + PATIENCE
    if datetime.now(UTC) >= until:
        return None
    with db.write_transaction(db.session()) as session:
        if not use_up(session, state, until):
            return None
    return Asking(Asked(state, found["nonce"], found["verifier"]), found["next"], found["link"])


def _all() -> dict[str, Any]:
    found = cookie.get(_ASKED)
    return dict(found) if isinstance(found, dict) else {}
