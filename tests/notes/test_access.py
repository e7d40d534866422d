"""Who may do which act: every act, role, origin and visibility."""

from __future__ import annotations

import itertools

from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.notes import fields
from tests.helpers.packages import add_package, add_release

from packslip.accounts.models import Role
from packslip.db import write_transaction
from packslip.errors import PackslipError
from packslip.notes.access import allowed_acts
from packslip.notes.errors import ActNotAllowedError, NoteFieldError
from packslip.notes.models import Visibility
from packslip.notes.operations import create_note
from packslip.packages.models import Act, MaintainerRole, Origin
from packslip.packages.operations import set_maintainer

CARING = {Act.WARN, Act.YANK, Act.DEPRECATE, Act.ARCHIVE}
GUARDING = {Act.HOLD, Act.QUARANTINE}

#: What each person may do beside attaching a note, by the origin of the package.
ALLOWED = {
    (Origin.HOSTED, "owner"): CARING,
    (Origin.HOSTED, "maintainer"): CARING,
    (Origin.HOSTED, "member"): set(),
    (Origin.HOSTED, "curator"): GUARDING,
    (Origin.HOSTED, "admin"): CARING | GUARDING,
    (Origin.MIRRORED, "owner"): set(),
    (Origin.MIRRORED, "maintainer"): set(),
    (Origin.MIRRORED, "member"): set(),
    (Origin.MIRRORED, "curator"): CARING | GUARDING,
    (Origin.MIRRORED, "admin"): CARING | GUARDING,
}


def test_every_act_role_origin_and_visibility(session: Session) -> None:
    people = {
        "owner": make_user(session, "owner"),
        "maintainer": make_user(session, "maintainer"),
        "member": make_user(session, "member"),
        "curator": make_user(session, "curator", role=Role.CURATOR),
        "admin": make_user(session, "admin", role=Role.ADMIN),
    }
    for origin in Origin:
        package = add_package(session, origin, origin=origin)
        add_release(session, package)
        with write_transaction(session):
            for role in MaintainerRole:
                set_maintainer(session, ACTOR, package, people[role], role)
    for (origin, who), act, visibility in itertools.product(ALLOWED, Act, Visibility):
        expected: type[PackslipError] | None = None
        if act != Act.NONE and visibility == Visibility.PRIVATE:
            expected = NoteFieldError
        elif act != Act.NONE and act not in ALLOWED[origin, who]:
            expected = ActNotAllowedError
        wanted = fields(act=act, visibility=visibility, package=origin)
        try:
            with write_transaction(session):
                create_note(session, ACTOR, people[who], wanted)
                session.rollback()
            found = None
        except PackslipError as error:
            found = type(error)
        assert found == expected, (origin, who, act, visibility)
    for (origin, who), allowed in ALLOWED.items():
        package = session.get_one(type(package), origin)
        assert set(allowed_acts(session, people[who], package)) == allowed | {Act.NONE}
    assert allowed_acts(session, None, package) == []
