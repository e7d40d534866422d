"""What somebody typed and has not saved: a draft for each note, and one for a new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.notes.models import Note, NoteDraft

#: The key of the draft of a note that was never saved.
NEW = "new"

#: Characters of a draft's text; what is longer could not be saved as a note either.
MAX_BODY = 300_000

_MAX_FIELD = 500

#: What has a column of its own.
_OWN = ("title", "body", "edition")


def key_of(note: Note | None) -> str:
    """The key of the draft of that note, or of a new one."""
    return NEW if note is None else str(note.id)


def find_draft(session: Session, user: User, key: str) -> NoteDraft | None:
    """The user's own draft."""
    return session.get(NoteDraft, (user.id, key))


def keep_draft(session: Session, user: User, key: str, values: Mapping[str, str | None]) -> None:
    """Keep the values of the editor's form, in the place of what was kept before.

    What is too long is cut. A form that is empty leaves no draft.
    """
    rest = {name: _cut(value) for name, value in values.items() if name not in _OWN}
    title, body = _cut(values.get("title")), _clean(values.get("body"))[:MAX_BODY]
    if not title.strip() and not body.strip() and key == NEW:
        drop_draft(session, user, key)
        return
    draft = find_draft(session, user, key)
    if draft is None:
        draft = NoteDraft(user_id=user.id, key=key)
        session.add(draft)
    edition = values.get("edition") or ""
    draft.title, draft.body, draft.fields = title, body, rest
    draft.edition = int(edition[:9]) if edition.isascii() and edition.isdigit() else None
    session.flush()


def drop_draft(session: Session, user: User, key: str) -> None:
    """Forget the user's draft, if there is one."""
    draft = find_draft(session, user, key)
    if draft is not None:
        session.delete(draft)
        session.flush()


def values_of(draft: NoteDraft) -> dict[str, Any]:
    """The draft as values of the editor's form."""
    values = {**draft.fields, "title": draft.title, "body": draft.body}
    return values if draft.edition is None else {**values, "edition": str(draft.edition)}


def says_the_same(draft: NoteDraft, values: Mapping[str, Any]) -> bool:
    """Whether the draft holds nothing but those values."""
    mine = values_of(draft)
    return all(
        _plain(mine.get(name)) == _plain(values.get(name)) for name in mine if name != "edition"
    )


def _cut(value: str | None) -> str:
    return _clean(value)[:_MAX_FIELD]


def _clean(value: str | None) -> str:
    # PostgreSQL keeps no NUL. Forms send lines as CR LF.
    return (value or "").replace("\r\n", "\n").replace("\0", "\ufffd")


def _plain(value: Any) -> str:
    return str(value or "").replace("\r\n", "\n").strip()
