"""Two people who saved one note: what each has, and what differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from packslip.notes.differences import Line, difference
from packslip.notes.forms import values_of
from packslip.notes.models import Note, NoteRevision

_FACTS = {
    "title": "Title",
    "visibility": "Who sees it",
    "package": "Package",
    "version_range": "Versions",
    "act": "What it does",
    "fixed_in": "Fixed in",
    "review_at": "Look at it again on",
    "expires_at": "Ends by itself at",
}


@dataclass(frozen=True)
class Conflict:
    """What somebody else saved meanwhile, beside what was to be saved."""

    who: str
    at: datetime
    body: str
    #: From their text to the other one.
    lines: Sequence[Line]
    #: What, theirs, yours: of the fields that differ.
    facts: Sequence[tuple[str, str, str]]


def conflict_with(note: Note, newest: NoteRevision, yours: Mapping[str, str | None]) -> Conflict:
    """What is in the way of saving `yours`, which has the fields of the editor's form."""
    theirs = values_of(note)
    facts = [
        (words, theirs[name] or "", (yours.get(name) or "").strip())
        for name, words in _FACTS.items()
        if (theirs[name] or "") != (yours.get(name) or "").strip()
    ]
    body = (yours.get("body") or "").replace("\r\n", "\n")
    return Conflict(
        who="Somebody" if newest.user is None else newest.user.username,
        at=newest.created_at,
        body=note.body,
        lines=difference(note.body, body),
        facts=facts,
    )
