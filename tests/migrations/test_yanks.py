"""Yanks from before notes acted become notes, or stay upstream's word."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.packages import add_releases
from tests.migrations.test_commands import flask_db, opened

from packslip.db import write_transaction
from packslip.events.models import Action, Event
from packslip.events.operations import Actor, record
from packslip.notes.acts import lift_act
from packslip.notes.models import Note, NoteRevision
from packslip.packages.effects import apply_acts
from packslip.packages.models import Package, Release

#: By version: the reason, and who yanked for it.
YANKS = {
    "1.0": ("by bob", "bob"),
    "1.1": (None, "command"),
    "1.2": ("imported", "import"),
    "1.3": ("imported with the release", None),
    "1.4": ("x" * 200, "bob"),
}


def test_yanks_become_notes_and_nothing_is_lost(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url) as session:
        ada, bob = make_user(session, "ada"), make_user(session, "bob")
        package = add_releases(session, "demo", dict.fromkeys(YANKS, ()), owner=ada)
        ownerless = add_releases(session, "ownerless", {"1.0": ()})
        actors = {"bob": Actor("bob", user_id=bob.id)}
        with write_transaction(session):
            package.status, package.status_reason = "archived", "Use other."
            for release in [*package.releases, *ownerless.releases]:
                reason, who = YANKS[release.version]
                release.yanked, release.yanked_reason = True, reason
                if who is None:
                    continue
                actor = Actor.command() if release.package is ownerless else actors.get(who)
                data = {"version": release.version, "before": {"yanked": False, "reason": None}}
                record(
                    session,
                    actor or Actor.command(),
                    Action.RELEASE_YANK,
                    package_id=release.package_id,
                    data={**data, "after": {"yanked": True, "reason": reason}},
                )
                if who == "import":
                    done = Action.PACKAGE_IMPORT
                    record(session, Actor.command(), done, package_id="demo")
                else:
                    data = {"version": release.version}
                    made = Action.RELEASE_CREATE
                    record(session, ACTOR, made, package_id=release.package_id, data=data)
    flask_db(tmp_path, database_url, "downgrade", "0008")
    flask_db(tmp_path, database_url, "upgrade")
    with opened(tmp_path, database_url) as session:
        notes = {note.version_range: note for note in session.scalars(select(Note))}
        assert {
            text: (note.author.username, note.title, note.act) for text, note in notes.items()
        } == {
            "==1.0": ("bob", "by bob", "yank"),
            "==1.1": ("ada", "", "yank"),
            "==1.4": ("bob", "x" * 200, "yank"),
        }
        assert len(session.scalars(select(NoteRevision)).all()) == 3
        package = session.get_one(Package, "demo")
        assert (package.upstream_status, package.upstream_status_reason) == (
            "archived",
            "Use other.",
        )
        reasons = {one.version: one.yanked_reason for one in package.releases}
        number = notes["==1.0"].id
        assert reasons["1.0"] == f"by bob (note {number})"
        assert (reasons["1.1"], reasons["1.2"]) == (None, "imported")
        assert len(reasons["1.4"] or "") == 200
        last = session.scalars(
            select(Event).where(Event.package_id == "demo").order_by(Event.id.desc())
        ).first()
        assert last is not None
        assert (last.action, package.serial) == ("act.begin", last.id)
        upstream = select(Release.package_id, Release.version).where(Release.upstream_yanked)
        assert sorted(map(tuple, session.execute(upstream))) == [
            ("demo", "1.2"),
            ("demo", "1.3"),
            ("ownerless", "1.0"),
        ]
        with write_transaction(session):
            # What stands is what is worked out of it.
            assert not apply_acts(session, session.get_one(Package, "demo"))
            lift_act(session, ACTOR, None, session.get_one(Note, number))
        package = session.get_one(Package, "demo")
        assert {one.version for one in package.releases if not one.yanked} == {"1.0"}
