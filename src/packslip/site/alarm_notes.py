"""Notes that are made of alarms: what upstream changed, and somebody looked into."""

from __future__ import annotations

from sqlalchemy.orm import Session

from packslip.accounts.models import Role, User
from packslip.errors import NotAllowedError
from packslip.events.operations import Actor
from packslip.mirror.alarm_words import body_of, range_of, title_of
from packslip.mirror.alarms import settle_alarm, take_alarm
from packslip.notes.fields import NoteFields
from packslip.notes.models import Note, Visibility
from packslip.notes.operations import create_note


class AlarmNotAllowedError(NotAllowedError):
    """The user does not decide about mirrored packages."""

    def __init__(self) -> None:
        super().__init__("Curators and admins look into what upstream changes.")


def may_look_into(user: User | None) -> bool:
    """Whether the user looks into alarms."""
    return user is not None and user.role in {Role.CURATOR, Role.ADMIN}


def make_note(session: Session, actor: Actor, user: User, alarm_id: int, event_id: int) -> Note:
    """Make a note of an alarm, as it was with that event: for the team, and without an act.

    Raises:
        AlarmNotAllowedError: the user does not decide about it.
        UnknownAlarmError, GrownAlarmError: it is not any more what was shown.
    """
    _require(user)
    alarm = take_alarm(session, alarm_id, event_id)
    fields = NoteFields(
        title=title_of(alarm),
        body=body_of(alarm),
        visibility=Visibility.TEAM,
        package=alarm.package_id,
        version_range=range_of(alarm),
    )
    note = create_note(session, actor, user, fields)
    settle_alarm(session, actor, alarm, note.id)
    return note


def dismiss(session: Session, actor: Actor, user: User, alarm_id: int, event_id: int) -> None:
    """Settle an alarm without a note.

    Raises:
        AlarmNotAllowedError: the user does not decide about it.
        UnknownAlarmError, GrownAlarmError: it is not any more what was shown.
    """
    _require(user)
    settle_alarm(session, actor, take_alarm(session, alarm_id, event_id))


def _require(user: User) -> None:
    if not may_look_into(user):
        raise AlarmNotAllowedError
