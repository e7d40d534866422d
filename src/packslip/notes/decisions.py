"""The decision log: when packages came, and what was decided about them, by whom.

It is made of events. What an event says of a note is for those alone who may read that note now.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from packaging.utils import canonicalize_name
from sqlalchemy import BigInteger, ColumnElement, Select, and_, cast, false, or_, select
from sqlalchemy.orm import Session

from packslip.errors import InvalidError
from packslip.events.filters import read_filter
from packslip.events.models import Action, Event
from packslip.notes.models import Note
from packslip.notes.readers import NoteReader, readable_by
from packslip.packages.models import Act

#: Entries on a page.
PAGE = 50

#: Entries that are exported, the newest.
MOST = 10_000

#: What each action is called in the log. Acts that begin are called by what they do.
_WORDS: Mapping[str, str] = {
    Action.PACKAGE_CREATE: "first seen",
    Action.PACKAGE_IMPORT: "imported",
    Action.PACKAGE_REMOVE: "removed",
    Action.RELEASE_CREATE: "released",
    Action.RELEASE_YANK: "yanked upstream",
    Action.RELEASE_UNYANK: "yank taken back",
    Action.RELEASE_REMOVE: "removed",
    Action.FILE_REMOVE: "removed",
    Action.NOTE_CREATE: "noted",
    Action.NOTE_SHARE: "noted",
    Action.ACT_BEGIN: "acted",
    Action.ACT_CHANGE: "changed",
    Action.ACT_LIFT: "lifted",
    Action.ACT_EXPIRE: "expired",
    Action.MIRROR_ADD: "first seen upstream",
    Action.MIRROR_RELEASE: "released upstream",
    Action.MIRROR_UPDATE: "new files upstream",
    Action.MIRROR_MISS: "gone upstream",
    Action.MIRROR_ALTER: "changed upstream and refused",
    Action.MIRROR_YANK: "yanked upstream",
    Action.MIRROR_UNYANK: "yank taken back upstream",
    Action.MIRROR_CHANGE_STATUS: "another status upstream",
    Action.MIRROR_CLAIM: "taken over from upstream",
    Action.MIRROR_FORGET: "forgotten",
}

_BEGUN: Mapping[str, str] = {
    Act.WARN: "warned",
    Act.YANK: "yanked",
    Act.HOLD: "held",
    Act.DEPRECATE: "deprecated",
    Act.ARCHIVE: "archived",
    Act.QUARANTINE: "quarantined",
}

#: The actions that tell of a note.
OF_NOTES = frozenset(action for action in _WORDS if action.startswith(("note.", "act.")))

#: What a note does, and what becomes of that.
OF_ACTS = (Action.ACT_BEGIN, Action.ACT_CHANGE, Action.ACT_LIFT, Action.ACT_EXPIRE)


class UnknownActError(InvalidError):
    """Notes do no such thing."""

    field = "act"

    def __init__(self, act: str) -> None:
        acts = ", ".join(one for one in Act if one != Act.NONE)
        super().__init__(f"{act!r} is no act: {acts}.")


@dataclass(frozen=True, kw_only=True)
class DecisionFilter:
    """Which entries are wanted: those that fit all that is given."""

    #: A normalised name.
    package: str | None = None
    act: Act | None = None
    #: At that moment or later.
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """An entry of the log."""

    #: The number of the event.
    id: int
    at: datetime
    #: A word or two, such as `held`.
    what: str
    who: str
    package: str | None
    #: The version that it is about, or the range of versions, or the file.
    about: str | None
    act: str | None
    note_id: int | None
    #: The title of the note as it was, or another reason.
    title: str


def read_decision_filter(*, package: str = "", act: str = "", since: str = "") -> DecisionFilter:
    """The filter that is meant; what is empty does not filter.

    Raises:
        UnknownActError: notes do no such thing.
        MomentError: `since` is neither a day nor a moment.
    """
    act = act.strip().lower()
    if act and act not in _BEGUN:
        raise UnknownActError(act)
    return DecisionFilter(
        package=canonicalize_name(package.strip()) or None,
        act=Act(act) if act else None,
        since=read_filter(since=since).since,
    )


def list_decisions(
    session: Session,
    reader: NoteReader,
    wanted: DecisionFilter,
    *,
    before: int | None = None,
    limit: int = PAGE,
    actions: Collection[str] = frozenset(_WORDS),
) -> Sequence[Decision]:
    """The newest entries that this reader may see, the newest first; before that number alone.

    Entries about notes that the reader may not see, or that are not there any more, are left out
    as if there were none.
    """
    statement = _wanted(reader, wanted, actions)
    if before is not None:
        statement = statement.where(Event.id < before)
    events = session.scalars(statement.order_by(Event.id.desc()).limit(limit))
    return [decision_of(event) for event in events]


def decision_of(event: Event) -> Decision:
    """The event as an entry of the log."""
    data = event.data
    act = data.get("act")
    what = _WORDS.get(event.action, event.action)
    if event.action == Action.ACT_BEGIN:
        what = _BEGUN.get(str(act), what)
    several = data.get("versions") or data.get("filenames") or ()
    about = data.get("filename") or data.get("version") or data.get("version_range")
    return Decision(
        id=event.id,
        at=event.created_at,
        what=what,
        who=event.actor_name,
        package=event.package_id,
        about=about or ", ".join(several) or None,
        act=act,
        note_id=data.get("note_id"),
        title=_title(data),
    )


def _wanted(reader: NoteReader, wanted: DecisionFilter, actions: Collection[str]) -> Select[Event]:
    # Other news from upstream, such as of a description, are no decisions.
    is_news = or_(
        Event.action != Action.MIRROR_UPDATE, Event.data["versions"].as_string().is_not(None)
    )
    statement = select(Event).where(Event.action.in_(sorted(actions)), is_news, _is_for(reader))
    if wanted.package is not None:
        # PostgreSQL refuses to look for some characters, and nothing is called so.
        is_it = Event.package_id == wanted.package if wanted.package.isprintable() else false()
        statement = statement.where(is_it)
    if wanted.act is not None:
        now, was = Event.data["act"], Event.data["before", "act"]
        does = or_(now.as_string() == wanted.act, was.as_string() == wanted.act)
        statement = statement.where(Event.action.in_(OF_ACTS), does)
    if wanted.since is not None:
        statement = statement.where(Event.created_at >= wanted.since)
    return statement


def _is_for(reader: NoteReader) -> ColumnElement[bool]:
    readable = select(Note.id).where(readable_by(reader))
    is_about_note = Event.action.in_(sorted(OF_NOTES))
    note_id = cast(Event.data["note_id"].as_string(), BigInteger)
    seen = or_(~is_about_note, note_id.in_(readable))
    if reader.packages is None:
        return seen
    return and_(seen, Event.package_id.in_(sorted(reader.packages)))


def _title(data: Mapping[str, Any]) -> str:
    after = data.get("after")
    reason = after.get("reason") if isinstance(after, dict) else after
    return str(data.get("title") or data.get("reason") or reason or "")
