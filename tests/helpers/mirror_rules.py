"""A mirrored package, and what the rules of the mirror say of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR
from tests.helpers.mirrored import add_mirrored_file
from tests.helpers.packages import add_package, add_release

from packslip.accounts.models import User
from packslip.db import write_transaction
from packslip.events.models import Action
from packslip.events.operations import record
from packslip.mirror.alarms import raise_alarm
from packslip.mirror.rule_operations import add_rule
from packslip.mirror.rules import Kind, Rule
from packslip.mirror.telling import MIRROR
from packslip.site.exceptions import ask_exception

YANKED = {"versions": ["1.0"]}


@dataclass(frozen=True)
class Ruled:
    """What was made: numbers of a rule, of an exception, and of a note that asks for one."""

    rule: int
    exception: int
    request: int


def add_rules(session: Session, user: User, name: str) -> Ruled:
    """A mirrored package of which a release waits, and for which the user asks an exception."""
    now = datetime.now(UTC)
    package = add_package(session, name, origin="mirrored")
    for version, days in (("1.0", 400), ("2.0", 0)):
        release = add_release(session, package, version)
        filename = f"{name.replace('-', '_')}-{version}.tar.gz"
        add_mirrored_file(session, release, filename, now - timedelta(days=days))
    waiting = Rule(kind=Kind.COOLDOWN, days=7, reason="Most that is bad is found within a week.")
    lifted = Rule(
        kind=Kind.EXCEPTION,
        packages=("certifi",),
        expires_at=now + timedelta(days=30),
        reason="Certificates have to be new.",
    )
    with write_transaction(session):
        rule, exception = (add_rule(session, ACTOR, None, one) for one in (waiting, lifted))
        note = ask_exception(
            session, ACTOR, user, name, versions="==2.0", why="A hole is mended in it."
        )
        raise_alarm(
            session, record(session, MIRROR, Action.MIRROR_YANK, package_id=name, data=YANKED)
        )
    return Ruled(rule.id, exception.id, note.id)
