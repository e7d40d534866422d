"""Notes as rows, and what they do."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.notes.models import Note, Visibility
from packslip.packages.models import StandingAct


def add_note(
    session: Session, user: User, package_id: str, title: str, act: str = "none", **values: Any
) -> Note:
    """A note of the team about a package; one that acts stands among the acts, without effect."""
    defaults: dict[str, Any] = {"body": "Its **text**.", "visibility": Visibility.TEAM}
    note = Note(title=title, package_id=package_id, user_id=user.id, act=act, **defaults | values)
    session.add(note)
    session.flush()
    if act != "none" and note.lifted_at is None:
        session.add(
            StandingAct(
                note_id=note.id,
                package_id=package_id,
                version_range=note.version_range,
                act=act,
                title=title,
                username=user.username,
            )
        )
    session.commit()
    return note
