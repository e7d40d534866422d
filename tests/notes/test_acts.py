"""What notes do, in one transaction with the note, and what readers get next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.at_once import at_once
from tests.helpers.notes import fields, make_note
from tests.helpers.packages import add_file, add_release, add_releases

from packslip.accounts.models import Role, User
from packslip.db import write_transaction
from packslip.events.models import Event
from packslip.notes import acts
from packslip.notes.errors import (
    ActNotAllowedError,
    NotActingError,
    NoteFieldError,
    StillActingError,
    UnknownNoteError,
)
from packslip.notes.expiry import current_sweeper
from packslip.notes.models import Note, Visibility
from packslip.notes.operations import create_note, delete_note, edit_note
from packslip.packages.effects import apply_acts
from packslip.packages.models import Act, MaintainerRole, Package, StandingAct
from packslip.packages.operations import set_maintainer
from packslip.packages.removal import remove_package
from packslip.web.context import current_storage

FILES = {"1.0": ["demo-1.0-py3-none-any.whl"]}
JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}


@pytest.fixture
def ada(session: Session) -> User:
    """An admin."""
    add_releases(session, "demo", FILES)
    return make_user(session, "ada", role=Role.ADMIN)


def page(client: FlaskClient) -> dict[str, Any]:
    answer: dict[str, Any] = client.get("/simple/demo/", headers=JSON).json
    return answer


def yanked(client: FlaskClient) -> list[str | bool]:
    return [file["yanked"] for file in page(client)["files"]]


def lift(session: Session, user: User | None, note: Note) -> None:
    with write_transaction(session):
        acts.lift_act(session, ACTOR, user, note)


def store(session: Session, note: Note) -> str:
    """Give the file of demo bytes and metadata, and give its address."""
    file = session.get_one(Package, "demo").releases[0].files[0]
    current_storage().put_bytes(file.storage_key or "", b"bytes")
    current_storage().put_bytes(f"{file.storage_key}.metadata", b"Name: demo\n")
    with write_transaction(session):
        session.merge(file).metadata_sha256 = "0" * 64
    return "/files/" + (file.storage_key or "")


def outdate(session: Session) -> None:
    """Let all acts that expire have expired."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    with write_transaction(session):
        for model in (StandingAct, Note):
            expiring = update(model).where(model.expires_at.is_not(None))
            session.execute(expiring.values(expires_at=past))
        session.execute(update(Package).values(acts_until=past))


def last_events(session: Session) -> list[str]:
    session.rollback()
    wanted = select(Event.action).where(Event.package_id == "demo").order_by(Event.id)
    return list(session.scalars(wanted))


def test_a_yank_is_in_the_next_answer_and_so_is_its_end(
    client: FlaskClient, session: Session, ada: User
) -> None:
    assert yanked(client) == [False]
    serial = page(client)["meta"]["_last-serial"]
    note = make_note(session, ada, "drops sessions", act=Act.YANK, version_range="==1.0")
    assert yanked(client) == [f"drops sessions (note {note.id})"]
    assert page(client)["meta"]["_last-serial"] > serial
    lift(session, ada, note)
    assert (yanked(client), note.act, note.is_acting) == ([False], Act.YANK, False)
    assert note.lifted_by_id == ada.id
    assert last_events(session) == ["note.create", "act.begin", "act.lift"]
    begun = session.scalars(select(Event).where(Event.action == "act.begin")).one()
    assert begun.data["before"] is None
    assert (begun.data["after"]["act"], begun.data["version_range"]) == ("yank", "==1.0")
    with write_transaction(session):
        acts.resume_act(session, ACTOR, ada, note)
    assert yanked(client) == [f"drops sessions (note {note.id})"]


def test_nothing_takes_effect_when_the_transaction_fails(
    client: FlaskClient, session: Session, ada: User
) -> None:
    with pytest.raises(ZeroDivisionError), write_transaction(session):
        create_note(session, ACTOR, ada, fields("bad", act=Act.HOLD))
        assert session.get_one(Package, "demo").releases[0].yanked
        raise ZeroDivisionError
    assert yanked(client) == [False]
    assert session.scalars(select(Note)).all() == []
    assert session.scalars(select(StandingAct)).all() == []


def test_a_held_file_is_refused_with_the_whole_reason_and_its_metadata_is_served(
    client: FlaskClient, session: Session, ada: User
) -> None:
    note = make_note(session, ada, "drops séssions", act=Act.HOLD)
    address = store(session, note)
    answer = client.get(address)
    reason = f"On hold by ada: drops séssions (note {note.id})"
    assert answer.status == f"403 {reason.replace('é', '?')}"
    assert answer.text.strip() == reason
    assert answer.headers["Cache-Control"] == "no-store"
    assert client.get(f"{address}.metadata").data == b"Name: demo\n"
    assert yanked(client) == [f"drops séssions (note {note.id})"]
    lift(session, None, note)
    assert client.get(address).data == b"bytes"


def test_a_quarantined_package_offers_nothing(
    client: FlaskClient, session: Session, ada: User
) -> None:
    note = make_note(session, ada, "malware", act=Act.QUARANTINE)
    address = store(session, note)
    assert page(client)["files"] == []
    reason = f"malware (note {note.id})"
    assert page(client)["project-status"] == {"status": "quarantined", "reason": reason}
    assert f'content="{reason}"' in client.get("/simple/demo/").text
    for path in (address, f"{address}.metadata"):
        assert client.get(path).status == f"403 The package 'demo' is quarantined: {reason}"


def test_an_expired_act_is_lifted_before_the_next_answer(
    client: FlaskClient, session: Session, ada: User
) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    make_note(session, ada, "stays", act=Act.YANK)
    note = make_note(session, ada, "goes", act=Act.HOLD, expires_at=later)
    address = store(session, note)
    assert client.get(address).status_code == 403
    for path in (address, "/simple/demo/", "/pypi/demo/json"):
        outdate(session)
        assert client.get(path).status_code == 200
        assert yanked(client) == ["stays (note 1)"]
        session.expire_all()
        assert not note.is_acting
        assert session.get_one(Package, "demo").acts_until is None
        with write_transaction(session):
            session.get_one(Note, note.id).expires_at = later
            session.flush()
            acts.resume_act(session, ACTOR, None, note)
    events = session.scalars(select(Event).where(Event.action == "act.expire")).all()
    assert {event.actor_name for event in events} == {"this index"}
    assert len(events) == 3


def test_many_who_find_an_expired_act_lift_it_once(app: Flask, session: Session, ada: User) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    make_note(session, ada, "goes", act=Act.YANK, expires_at=later)
    outdate(session)
    session.rollback()
    found = at_once(app, *[lambda own: len(acts.expire_acts(own, "demo"))] * 3)
    assert sorted(found) == [0, 0, 1]
    current_sweeper().sweep()
    assert last_events(session).count("act.expire") == 1


def test_the_sweeper_lifts_ends_and_removes(session: Session, ada: User) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    note = make_note(session, ada, "goes", act=Act.YANK, expires_at=later)
    old, recent = make_note(session, ada, "old"), make_note(session, ada, "recent")
    with write_transaction(session):
        for one, days in ((old, 31), (recent, 29)):
            session.get_one(Note, one.id).deleted_at = datetime.now(UTC) - timedelta(days=days)
    outdate(session)
    session.rollback()
    current_sweeper().sweep()
    session.expire_all()
    assert not note.is_acting
    assert session.scalars(select(Note.title).order_by(Note.id)).all() == ["goes", "recent"]


def test_a_note_outlives_the_package_that_it_acted_on(session: Session, ada: User) -> None:
    note = make_note(session, ada, "bad", act=Act.HOLD)
    with write_transaction(session):
        remove_package(session, ACTOR, session.get_one(Package, "demo"))
    session.expire_all()
    assert (note.package_id, note.is_acting) == (None, False)
    assert session.scalars(select(StandingAct)).all() == []
    session.rollback()
    current_sweeper().sweep()
    session.expire_all()
    assert note.lifted_at is not None
    # Another package of the name has nothing to do with it, and the text can be worked on.
    add_releases(session, "demo", {"1.0": []})
    assert not session.get_one(Package, "demo").releases[0].yanked
    with write_transaction(session):
        edit_note(
            session,
            ACTOR,
            ada,
            note,
            fields("bad", act=Act.HOLD, package=None, body="x"),
            edition=1,
        )


def test_while_it_acts_a_note_is_neither_hidden_deleted_nor_taken_away(
    session: Session, ada: User
) -> None:
    add_releases(session, "other")
    note = make_note(session, ada, "bad", act=Act.YANK)
    for values in ({"package": "other"}, {"visibility": Visibility.PRIVATE}):
        changed = fields("bad", **{"act": Act.YANK} | values)
        with pytest.raises(StillActingError, match="lift it first"), write_transaction(session):
            edit_note(session, ACTOR, ada, note, changed, edition=1)
    with pytest.raises(StillActingError), write_transaction(session):
        delete_note(session, ACTOR, ada, note)
    lift(session, ada, note)
    with pytest.raises(NotActingError):
        lift(session, ada, note)
    private = fields("bad", act=Act.YANK, visibility=Visibility.PRIVATE)
    with write_transaction(session):
        assert not edit_note(session, ACTOR, ada, note, private, edition=1).is_acting
    with write_transaction(session):
        delete_note(session, ACTOR, ada, note)


def test_the_author_has_no_more_rights_over_an_act_than_others(
    client: FlaskClient, session: Session, ada: User
) -> None:
    bob, curator = make_user(session, "bob"), make_user(session, "carl", role=Role.CURATOR)
    with write_transaction(session):
        package = session.get_one(Package, "demo")
        set_maintainer(session, ACTOR, package, bob, MaintainerRole.MAINTAINER)
    note = make_note(session, bob, "bad", act=Act.HOLD)
    with pytest.raises(ActNotAllowedError):
        lift(session, bob, note)
    for changed in (fields("worse", act=Act.HOLD), fields("bad"), fields("bad", act=Act.YANK)):
        with pytest.raises((ActNotAllowedError, StillActingError)), write_transaction(session):
            edit_note(session, ACTOR, bob, note, changed, edition=1)
    with write_transaction(session):
        edit_note(session, ACTOR, bob, note, fields("bad", act=Act.HOLD, body="why"), edition=1)
    # Whoever may do the act may change it, but shows the text to nobody else.
    with write_transaction(session):
        edit_note(session, ACTOR, curator, note, fields("worse", act=Act.HOLD), edition=2)
    assert yanked(client) == ["worse (note 1)"]
    public = fields("worse", act=Act.HOLD, visibility=Visibility.PUBLIC)
    with pytest.raises(Exception, match="Only who wrote"), write_transaction(session):
        edit_note(session, ACTOR, curator, note, public, edition=3)
    lift(session, curator, note)


def test_a_range_catches_releases_that_come_later(session: Session, ada: User) -> None:
    note = make_note(session, ada, "bad", act=Act.YANK, version_range=">=1.1")
    release = add_release(session, session.get_one(Package, "demo"), "1.2")
    add_file(session, release, "demo-1.2-py3-none-any.whl")
    with write_transaction(session):
        assert apply_acts(session, session.get_one(Package, "demo"), [release])
    assert release.yanked_reason == f"bad (note {note.id})"
    assert not session.get_one(Package, "demo").releases[-1].yanked


def test_two_who_lift_at_once_lift_once(app: Flask, session: Session, ada: User) -> None:
    note = make_note(session, ada, "bad", act=Act.YANK)
    note_id, user_id = note.id, ada.id
    session.rollback()

    def change(own: Session) -> str:
        found = own.get_one(Note, note_id)
        return acts.lift_act(own, ACTOR, own.get_one(User, user_id), found).title

    found = at_once(app, change, change)
    assert [one for one in found if one == "bad"] == ["bad"]
    assert any(isinstance(one, NotActingError) for one in found)


def test_an_act_of_somebody_disabled_stays_and_they_change_nothing(
    client: FlaskClient, session: Session, ada: User
) -> None:
    bob = make_user(session, "bob", role=Role.CURATOR)
    note = make_note(session, bob, "bad", act=Act.HOLD)
    with write_transaction(session):
        session.get_one(User, bob.id).disabled_at = datetime.now(UTC)
    assert yanked(client) == ["bad (note 1)"]
    with pytest.raises((UnknownNoteError, ActNotAllowedError)):
        lift(session, bob, note)
    lift(session, ada, note)
    with pytest.raises(NoteFieldError), write_transaction(session):
        session.get_one(Note, note.id).expires_at = datetime(2020, 1, 1, tzinfo=UTC)
        acts.resume_act(session, ACTOR, ada, note)
