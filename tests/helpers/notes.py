"""Notes, and what they do."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR

from packslip.accounts.models import User
from packslip.db import write_transaction
from packslip.notes import yanks
from packslip.notes.fields import NoteFields
from packslip.notes.models import Note, Visibility
from packslip.notes.operations import create_note
from packslip.packages.models import Act, Release


def fields(title: str = "A note", **values: Any) -> NoteFields:
    """What is written into a note; one that acts is seen by the team, on demo."""
    if values.get("act", Act.NONE) != Act.NONE:
        values = {"visibility": Visibility.TEAM, "package": "demo"} | values
    return NoteFields(title=title, **values)


def make_note(session: Session, author: User, title: str = "A note", **values: Any) -> Note:
    """A note of the author, who needs no rights for it; it is committed."""
    with write_transaction(session):
        return create_note(session, ACTOR, author, fields(title, **values), operator=True)


def yank(session: Session, release: Release, reason: str = "") -> Note:
    """Yank the release in the name of the first user there is, within a write transaction."""
    author = session.scalar(select(User).order_by(User.id).limit(1))
    if author is None:
        author = User(username="yanker")
        session.add(author)
        session.flush()
    return yanks.yank_release(session, ACTOR, author, release, reason, operator=True)


def unyank(session: Session, release: Release) -> None:
    """Take it back, within a write transaction."""
    yanks.unyank_release(session, ACTOR, None, release)
