"""Random values that an answer has to fit, so that no answer can be used twice."""

from __future__ import annotations

import base64
import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from packslip.accounts.models import Challenge
from packslip.db import add_if_new

#: How long the browser and the person may take.
LIFETIME = timedelta(minutes=5)


def new_challenge(session: Session) -> bytes:
    """A challenge that `take_challenge` will know once, for some minutes."""
    now = datetime.now(UTC)
    session.execute(delete(Challenge).where(Challenge.expires_at <= now))
    challenge = secrets.token_bytes(32)
    session.add(Challenge(value=encode(challenge), expires_at=now + LIFETIME))
    session.flush()
    return challenge


def take_challenge(session: Session, value: str) -> bytes | None:
    """The challenge that is written like this, if it was given and not yet taken or expired."""
    # What is deleted decides, so that of two requests at once only one gets it.
    row = session.execute(
        delete(Challenge).where(Challenge.value == value).returning(Challenge.expires_at)
    ).first()
    if row is None or row.expires_at <= datetime.now(UTC):
        return None
    return decode(value)


def use_up(session: Session, value: str, until: datetime) -> bool:
    """Whether a value that was kept elsewhere is used for the first time.

    It is known as used `until` then; whoever asks has to refuse it afterwards.
    """
    session.execute(delete(Challenge).where(Challenge.expires_at <= datetime.now(UTC)))
    # No challenge that `take_challenge` could know holds a space.
    return add_if_new(session, Challenge(value=f"used {value}"[:100], expires_at=until))


def encode(raw: bytes) -> str:
    """Base64url without padding, as browsers write it."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """What `encode` was given."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
