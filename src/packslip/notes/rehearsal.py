"""What a change of what notes do would change: it is made, looked at, and taken back.

So what a page says beforehand is worked out by nothing else than what does it afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from packslip.db import write_transaction
from packslip.notes.models import Note
from packslip.packages.effects import (
    STATUSES,
    YANKING,
    PackageEffect,
    ReleaseEffect,
    list_acts,
    package_effect,
    release_effect,
)
from packslip.packages.models import Act, Origin, Package, Release, StandingAct
from packslip.packages.version_ranges import covers

_Effect = TypeVar("_Effect", ReleaseEffect, PackageEffect)

#: Stands for the number of a note that has none before it is saved.
NO_NUMBER = "N"


@dataclass(frozen=True)
class NoteState:
    """What a note does."""

    act: Act
    #: None for all releases.
    version_range: str | None
    title: str
    expires_at: datetime | None = None


@dataclass(frozen=True)
class ReleaseChange:
    """What is said of a release, and what would be."""

    version: str
    before: ReleaseEffect
    after: ReleaseEffect


@dataclass(frozen=True)
class Beside:
    """Another act that stands on some of the same releases, or on the same package."""

    note_id: int
    act: Act
    version_range: str | None
    title: str
    username: str
    #: Beside the act in question: `stronger`, `weaker`, `equal`, or `other`, when each has an
    #: effect of its own.
    rank: str


@dataclass(frozen=True)
class Rehearsed:
    """What would be so after the change."""

    package_id: str
    package_name: str
    origin: Origin
    #: What the note does, and what it would do; None for nothing.
    before: NoteState | None
    after: NoteState | None
    #: The versions that the act covers, or covered until then, the newest first.
    covered: Sequence[str]
    #: Those releases of which something else would be said, the newest first.
    changes: Sequence[ReleaseChange]
    status_before: PackageEffect
    status_after: PackageEffect
    others: Sequence[Beside]

    @property
    def state(self) -> NoteState:
        """What the note would do, or what ends."""
        state = self.after or self.before
        assert state is not None
        return state


class _TakenBackError(Exception):
    """Ends the transaction of a rehearsal."""

    def __init__(self, found: Rehearsed | None) -> None:
        self.found = found


def rehearse(session: Session, note_id: int | None, change: Callable[[], Note]) -> Rehearsed | None:
    """What would be so if the change were made; None when the note would act no otherwise.

    `change` changes the note of that number, or writes a new one, and gives it. It runs within a
    write transaction that is rolled back, so what was read before has to be read again.

    Raises:
        Exception: whatever `change` raises.
    """
    try:
        with write_transaction(session):
            raise _TakenBackError(_rehearse(session, note_id, change))
    except _TakenBackError as done:
        return done.found


def rehearse_lift(session: Session, note: Note) -> Rehearsed | None:
    """What would be so if the note acted no more. Nothing is written, not even for a moment."""
    was = session.get(StandingAct, note.id)
    if was is None or note.package_id is None:
        return None
    acts = [act for act in list_acts(session, note.package_id) if act.note_id != note.id]
    return _compare(session, note, was, None, acts)


def rehearse_resume(session: Session, note: Note, username: str) -> Rehearsed | None:
    """What would be so if the note acted again, by that person. Nothing is written."""
    if note.package_id is None:
        return None
    row = StandingAct(
        note_id=note.id,
        package_id=note.package_id,
        version_range=note.version_range,
        act=note.act,
        title=note.title,
        username=username,
        expires_at=note.expires_at,
    )
    acts = sorted([*list_acts(session, note.package_id), row], key=lambda act: act.note_id)
    return _compare(session, note, None, row, acts)


def _rehearse(
    session: Session, note_id: int | None, change: Callable[[], Note]
) -> Rehearsed | None:
    old = None if note_id is None else session.get(StandingAct, note_id)
    # Not the row itself, which the change writes to.
    was = None if old is None else _copy(old)
    note = change()
    session.flush()
    row = session.get(StandingAct, note.id)
    acts = [] if note.package_id is None else list_acts(session, note.package_id)
    return _compare(session, note, was, row, acts, hide=note.id if note_id is None else None)


def _compare(
    session: Session,
    note: Note,
    was: StandingAct | None,
    row: StandingAct | None,
    acts: Sequence[StandingAct],
    *,
    hide: int | None = None,
) -> Rehearsed | None:
    """What is said with the row that was, beside what is said when all of these act."""
    before, after = _state(was), _state(row)
    package = None if note.package_id is None else session.get(Package, note.package_id)
    state = after or before
    if package is None or state is None or before == after:
        return None
    others = [act for act in acts if act.note_id != note.id]
    earlier = sorted([*others, *([was] if was else [])], key=lambda act: act.note_id)
    releases = _releases(session, package.id)
    ranges = [one.version_range for one in (was, row) if one is not None]
    covered = [one.version for one in releases if covers(state.version_range, one.version)]
    touched = [one for one in releases if any(covers(some, one.version) for some in ranges)]
    changes = [
        ReleaseChange(
            one.version, release_effect(earlier, one), _unnumbered(release_effect(acts, one), hide)
        )
        for one in touched
    ]
    return Rehearsed(
        package_id=package.id,
        package_name=package.name,
        origin=Origin(package.origin),
        before=before,
        after=after,
        covered=covered,
        changes=[one for one in changes if one.before != one.after],
        status_before=package_effect(earlier, package),
        status_after=_unnumbered(package_effect(acts, package), hide),
        others=[
            _beside(act, state.act)
            for act in others
            if act.act in STATUSES or any(covers(act.version_range, one) for one in covered)
        ],
    )


def _releases(session: Session, package_id: str) -> Sequence[Release]:
    return session.scalars(
        select(Release)
        .where(Release.package_id == package_id)
        .order_by(Release.sort_key.desc())
        .options(defer(Release.core_metadata))
    ).all()


def _copy(act: StandingAct) -> StandingAct:
    return StandingAct(
        note_id=act.note_id,
        package_id=act.package_id,
        version_range=act.version_range,
        act=act.act,
        title=act.title,
        username=act.username,
        expires_at=act.expires_at,
    )


def _state(act: StandingAct | None) -> NoteState | None:
    if act is None:
        return None
    return NoteState(Act(act.act), act.version_range, act.title, act.expires_at)


def _beside(act: StandingAct, mine: Act) -> Beside:
    rank = "other"
    for kinds in (YANKING, tuple(STATUSES)):
        if act.act in kinds and mine in kinds:
            distance = kinds.index(Act(act.act)) - kinds.index(mine)
            rank = "equal" if distance == 0 else "weaker" if distance > 0 else "stronger"
    return Beside(act.note_id, Act(act.act), act.version_range, act.title, act.username, rank)


def _unnumbered(effect: _Effect, note_id: int | None) -> _Effect:
    """The effect without the number of a note that does not keep it."""
    if note_id is None:
        return effect
    number, nothing = f"(note {note_id})", f"(note {NO_NUMBER})"
    texts: dict[str, Any] = {
        name: value.replace(number, nothing)
        for name, value in vars(effect).items()
        if isinstance(value, str)
    }
    return replace(effect, **texts)
