"""Users and tokens for tests; each is committed."""

from __future__ import annotations

import base64
from typing import Any

from sqlalchemy.orm import Session

from packslip.accounts import operations
from packslip.accounts.models import Token, User
from packslip.db import write_transaction
from packslip.events.operations import Actor

ACTOR = Actor("tester")


def make_user(session: Session, username: str = "ada", **values: Any) -> User:
    """A user; without `hashed_password` one who has none."""
    values.setdefault("email", f"{username}@example.com")
    with write_transaction(session):
        return operations.create_user(session, ACTOR, username=username, **values)


def make_token(session: Session, user: User, **values: Any) -> tuple[Token, str]:
    """A token of the user, for uploads if nothing else is said, and its secret."""
    with write_transaction(session):
        return operations.create_token(session, ACTOR, user, **values)


def basic(username: str, password: str, encoding: str = "utf-8") -> str:
    """The Authorization header of HTTP Basic."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode(encoding)).decode()
