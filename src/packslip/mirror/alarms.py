"""Alarms: what upstream changes is told to whoever watches, and is drafted as a note for curators.

They are raised in the transaction that records the event, so that there is one if and only if the
event stands, whichever process it happens in and whenever that dies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.db import add_if_new, is_key
from packslip.errors import ConflictError, NotFoundError
from packslip.events.models import Action, Event
from packslip.events.operations import Actor, record
from packslip.mirror.alarm_models import AlarmKind, MirrorAlarm
from packslip.mirror.models import MirrorPage
from packslip.packages.models import File, Release
from packslip.subscriptions.announcements import announce

#: The events that raise one.
KINDS: Mapping[str, AlarmKind] = {
    Action.MIRROR_ALTER: AlarmKind.ALTERED,
    Action.MIRROR_REFUSE_FILE: AlarmKind.WRONG,
    Action.MIRROR_MISS: AlarmKind.VANISHED,
    Action.MIRROR_YANK: AlarmKind.YANKED,
    Action.MIRROR_CHANGE_STATUS: AlarmKind.STATUS,
}

#: Versions and files that an alarm names at most.
MOST = 50

#: Alarms that are listed at once.
LISTED = 50


class UnknownAlarmError(NotFoundError):
    """There is no such alarm, or it is settled."""

    def __init__(self, alarm_id: int) -> None:
        super().__init__(f"There is no alarm {alarm_id} that is still to be looked at.")


class GrownAlarmError(ConflictError):
    """More happened since somebody read the alarm."""

    def __init__(self, alarm_id: int) -> None:
        super().__init__(f"More happened since alarm {alarm_id} was shown. Please read it again.")


def raise_alarm(session: Session, event: Event) -> None:
    """Draft a note about what the event tells, and tell who watches, inside of its transaction.

    What happens again on the same day is added to the draft, and mailed to nobody a second time
    before somebody has settled it. Other events than those in `KINDS` raise none.
    """
    kind = KINDS.get(event.action)
    if kind is None or event.package_id is None:
        return
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    details = _details(session, event)
    page = session.get(MirrorPage, event.package_id)
    alarm = MirrorAlarm(
        package_id=event.package_id,
        kind=kind,
        day=day,
        upstream=None if page is None else page.upstream,
        details=details,
        event_id=event.id,
    )
    is_first = add_if_new(session, alarm)
    if not is_first:
        is_first = _add(session, event, kind, day, details)
    announce(session, event, by_mail=is_first)


def open_alarms(session: Session, package_id: str | None = None) -> Sequence[MirrorAlarm]:
    """Those that nobody has settled, the latest first, of one package or of all."""
    wanted = select(MirrorAlarm).where(MirrorAlarm.settled_at.is_(None))
    if package_id is not None:
        wanted = wanted.where(MirrorAlarm.package_id == package_id)
    return session.scalars(wanted.order_by(MirrorAlarm.event_id.desc()).limit(LISTED)).all()


def take_alarm(session: Session, alarm_id: int, event_id: int) -> MirrorAlarm:
    """An alarm to be settled, which has told of that event as its latest; it is locked.

    Raises:
        UnknownAlarmError: there is none, or somebody has settled it.
        GrownAlarmError: more happened since.
    """
    alarm = session.get(MirrorAlarm, alarm_id, with_for_update=True) if is_key(alarm_id) else None
    if alarm is None or alarm.settled_at is not None:
        raise UnknownAlarmError(alarm_id)
    if alarm.event_id != event_id:
        raise GrownAlarmError(alarm_id)
    return alarm


def settle_alarm(
    session: Session, actor: Actor, alarm: MirrorAlarm, note_id: int | None = None
) -> None:
    """Note that nobody has to look at it any more; there is a note about it, or need be none."""
    alarm.settled_at, alarm.settled_by, alarm.note_id = datetime.now(UTC), actor.name, note_id
    session.flush()
    if note_id is None:
        data = {"kind": alarm.kind, "day": alarm.day, "event_id": alarm.event_id}
        action = Action.ALARM_DISMISS
        record(session, actor, action, package_id=alarm.package_id, data=data)


def _add(
    session: Session, event: Event, kind: AlarmKind, day: str, details: dict[str, object]
) -> bool:
    """Add to the alarm of the day; tell whether somebody had settled what was in it."""
    alarm = session.scalars(
        select(MirrorAlarm)
        .where(
            MirrorAlarm.package_id == event.package_id,
            MirrorAlarm.kind == kind,
            MirrorAlarm.day == day,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    was_settled = alarm.settled_at is not None
    if was_settled:
        # What somebody has looked at is not told again.
        alarm.settled_at = alarm.settled_by = alarm.note_id = None
        alarm.details, alarm.count = details, 1
    else:
        alarm.details = _together(alarm.details, details)
        alarm.count += 1
    alarm.event_id = event.id
    session.flush()
    return was_settled


def _details(session: Session, event: Event) -> dict[str, object]:
    said = event.data
    filenames = list(said.get("filenames") or filter(None, [said.get("filename")]))
    versions = list(said.get("versions") or filter(None, [said.get("version")]))
    if filenames and not versions:
        found = session.scalars(
            select(Release.version)
            .join(File, File.release_id == Release.id)
            .where(Release.package_id == event.package_id, File.filename.in_(filenames))
            .order_by(Release.sort_key.desc())
        )
        versions = list(dict.fromkeys(found))
    details: dict[str, object] = {"versions": versions[:MOST], "filenames": filenames[:MOST]}
    return details | {name: said[name] for name in ("before", "after") if name in said}


def _together(before: Mapping[str, object], now: Mapping[str, object]) -> dict[str, object]:
    merged = {**before, **now}
    for name in ("versions", "filenames"):
        texts: Iterable[object] = [*_list(before.get(name)), *_list(now.get(name))]
        merged[name] = list(dict.fromkeys(texts))[:MOST]
    if "before" in before:
        merged["before"] = before["before"]
    return merged


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
