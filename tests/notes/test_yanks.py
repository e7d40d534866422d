"""The yank button."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.notes import make_note, unyank, yank
from tests.helpers.packages import add_releases

from packslip.accounts.models import Role, User
from packslip.db import write_transaction
from packslip.errors import InvalidError
from packslip.events.models import Action, Event
from packslip.notes import yanks
from packslip.notes.errors import ActNotAllowedError, NobodyToWriteError, StillYankedError
from packslip.notes.models import Note
from packslip.packages.effects import apply_acts
from packslip.packages.models import Act, Origin, Package, Release


@pytest.fixture
def ada(session: Session) -> User:
    ada = make_user(session, "ada")
    add_releases(session, "demo", {"1.0": [], "1.0+local": [], "2.0": []}, owner=ada)
    return ada


def release(session: Session, version: str = "1.0") -> Release:
    return session.scalars(select(Release).where(Release.version == version)).one()


def yanked(session: Session) -> dict[str, str | None]:
    session.rollback()
    found = select(Release).where(Release.yanked)
    return {one.version: one.yanked_reason for one in session.scalars(found)}


def test_the_button_yanks_one_release_by_a_note(session: Session, ada: User) -> None:
    with write_transaction(session):
        note = yank(session, release(session), " drops sessions ")
        other = yank(session, release(session, "2.0"))
    assert (note.author, note.title, note.act) == (ada, "drops sessions", Act.YANK)
    assert (note.version_range, other.version_range) == ("===1.0", "==2.0")
    assert yanked(session) == {"1.0": f"drops sessions (note {note.id})", "2.0": None}
    with write_transaction(session):
        again = yank(session, release(session), "worse")
        same = yank(session, release(session), "worse")
    assert (again.id, same.id, same.edition) == (note.id, note.id, 2)
    assert yanked(session)["1.0"] == f"worse (note {note.id})"
    with write_transaction(session):
        unyank(session, release(session))
        unyank(session, release(session))
    assert yanked(session) == {"2.0": None}
    assert note.lifted_at is not None


@pytest.mark.parametrize("reason", ["x" * 201, "two\nlines", "a\0b", "red\x1b[31m"])
def test_a_reason_that_is_no_line_is_refused(session: Session, ada: User, reason: str) -> None:
    with pytest.raises(InvalidError, match=r"^The reason") as caught, write_transaction(session):
        yank(session, release(session), reason)
    assert caught.value.field == "reason"
    assert session.scalars(select(Note)).all() == []


def test_a_wider_note_a_hold_and_upstreams_word_are_not_lifted_by_it(
    session: Session, ada: User
) -> None:
    note = make_note(session, ada, "old", act=Act.YANK, version_range="<2")
    hold = make_note(session, ada, "bad", act=Act.HOLD, version_range="==2.0")
    for version, words in (
        ("1.0", f"note {note.id} yanks demo 1.0 .<2.: lift or change"),
        ("2.0", f"note {hold.id} holds demo 2.0 .==2.0.: lift or change"),
    ):
        with pytest.raises(StillYankedError, match=words), write_transaction(session):
            unyank(session, release(session, version))
    with write_transaction(session):
        # Its own yank goes, and the hold stays.
        yank(session, release(session, "2.0"), "mine")
        unyank(session, release(session, "2.0"))
        assert yanks.yank_left(release(session, "2.0")) == (
            f"demo 2.0 is still yanked: bad (note {hold.id})"
        )
    with write_transaction(session):
        theirs = release(session, "1.0+local")
        theirs.upstream_yanked = True
        make = session.get_one(Package, "demo")
        make.origin = Origin.MIRRORED
        session.get_one(Note, note.id)
        yanks.lift_act(session, ACTOR, None, note)
        apply_acts(session, make)
    with pytest.raises(StillYankedError, match="where it comes from"), write_transaction(session):
        unyank(session, release(session, "1.0+local"))


def test_what_an_import_said_is_taken_back_by_those_who_look_after_the_package(
    session: Session, ada: User
) -> None:
    with write_transaction(session):
        theirs = release(session)
        theirs.upstream_yanked, theirs.upstream_yanked_reason = True, "broken"
        apply_acts(session, theirs.package)
    assert yanked(session) == {"1.0": "broken"}
    stranger = make_user(session, "bob")
    with pytest.raises(ActNotAllowedError), write_transaction(session):
        yanks.unyank_release(session, ACTOR, stranger, release(session))
    with write_transaction(session):
        assert yanks.unyank_release(session, ACTOR, ada, release(session)) == []
    assert yanked(session) == {}
    event = session.scalars(select(Event).order_by(Event.id.desc()).limit(1)).one()
    assert (event.action, event.data["before"]["reason"]) == (Action.RELEASE_UNYANK, "broken")
    assert release(session).package.serial == event.id


def test_the_command_line_writes_in_the_name_of_an_owner_or_admin(session: Session) -> None:
    package = add_releases(session, "demo", {"1.0": []})
    make_user(session, "member")
    with pytest.raises(NobodyToWriteError, match="--user"):
        yanks.author_for(session, package)
    admin = make_user(session, "admin", role=Role.ADMIN)
    assert yanks.author_for(session, package) == admin
    owner = make_user(session, "owner")
    other = add_releases(session, "other", owner=owner)
    assert yanks.author_for(session, other) == owner
    with write_transaction(session):
        session.get_one(User, owner.id).disabled_at = datetime.now(UTC)
    assert yanks.author_for(session, other) == admin
