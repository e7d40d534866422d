from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.mirrored import add_mirrored_file
from tests.helpers.notes_about import add_note
from tests.helpers.packages import add_package, add_release, add_releases

from packslip.check.findings import Kind
from packslip.check.queries import check_lock
from packslip.check.readers.reading import read_lock
from packslip.check.viewers import OPERATOR, Viewer
from packslip.db import db, write_transaction
from packslip.mirror.rule_operations import add_rule
from packslip.mirror.rules import Kind as RuleKind
from packslip.mirror.rules import Rule
from packslip.packages.latest import refresh_texts
from packslip.packages.models import Package, Release

NOBODY = Viewer(None)


def check(session: Session, text: str, viewer: Viewer = NOBODY) -> dict[str, list[Any]]:
    checked = check_lock(session, read_lock("requirements.txt", text.encode()), viewer)
    return {
        one.pin.name: [(finding.kind, finding.text) for finding in one.findings]
        for one in checked.pins
    }


def add(session: Session, name: str, *versions: str, **values: Any) -> Package:
    package = add_releases(
        session, name, {version: [f"{name}-{version}.tar.gz"] for version in versions}
    )
    for key, value in values.items():
        setattr(package, key, value)
    refresh_texts(session, package)
    session.commit()
    return package


def test_what_the_index_knows_is_told(session: Session) -> None:
    add(session, "demo", "1.0", "1.1", "2.0rc1")
    old = add(session, "old", "1.0", upstream_status="archived", upstream_status_reason="no more")
    old.releases[0].upstream_yanked = True
    add_package(session, "empty")
    session.commit()

    found = check(
        session,
        f"demo==1.0.0 --hash=sha256:{'0' * 64}\nold==1.0\nempty==1\nnone==1\n",
    )
    assert found == {
        "demo": [
            (Kind.HASH, "None of its hashes is that of a file that the index holds."),
            (Kind.NEWER, "1.1 is there."),
        ],
        "old": [
            (Kind.YANK, "Yanked, without a reason."),
            (Kind.ARCHIVE, "Upstream says archived: no more"),
        ],
        "empty": [(Kind.UNKNOWN_PACKAGE, "This index has no such package.")],
        "none": [(Kind.UNKNOWN_PACKAGE, "This index has no such package.")],
    }
    assert check(session, "demo==1.1\n") == {"demo": []}
    # A pre-release can be raised to another one, though not to a yanked one.
    assert check(session, "demo==2.0a1\n")["demo"] == [
        (Kind.UNKNOWN_VERSION, "This index has no such release."),
        (Kind.NEWER, "2.0rc1 is there."),
    ]
    session.query(Release).filter_by(version="2.0rc1").update({"yanked": True})
    assert check(session, "demo==1.1rc1\n")["demo"][-1] == (Kind.NEWER, "1.1 is there.")


def test_notes_are_told_to_those_who_may_see_them(session: Session) -> None:
    add(session, "demo", "1.0", "2.0")
    ada, bob = make_user(session, "ada"), make_user(session, "bob")
    add_note(session, ada, "demo", "Mine", visibility="private")
    add_note(session, ada, "demo", "Ours")
    add_note(session, ada, "demo", "Everybody's", visibility="public", version_range=">=2")
    add_note(session, ada, "demo", "Drops sessions", "hold", version_range="<2")
    add_note(session, ada, "demo", "Thrown away", deleted_at=ada.created_at)

    hold, ours = (Kind.HOLD, "Drops sessions"), (Kind.NOTE, "Ours")
    newer = (Kind.NEWER, "2.0 is there.")
    mine, public = (Kind.NOTE, "Mine"), (Kind.NOTE, "Everybody's")
    assert check(session, "demo==1.0\n")["demo"] == [hold, newer]
    assert check(session, "demo==2.0\n")["demo"] == [public]
    assert check(session, "demo==1.0\n", Viewer(bob))["demo"] == [hold, newer, ours]
    assert check(session, "demo==1.0\n", OPERATOR)["demo"] == [hold, newer, ours]
    assert check(session, "demo==2.0\n", Viewer(ada))["demo"] == [mine, ours, public]
    # For a token that is limited to other packages there is none of this.
    assert check(session, "demo==1.0\n", Viewer(bob, packages={"other"}))["demo"] == [
        (Kind.UNKNOWN_PACKAGE, "This index has no such package.")
    ]


def test_five_hundred_pins_take_as_many_statements_as_one(app: Flask, session: Session) -> None:
    found: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: found.append(args[2]))
    add(session, "demo", "1.0")

    def count(number: int) -> int:
        pins = "demo==1.0\n" + "".join(f"other{at}==1.{at}rc1\n" for at in range(number))
        found.clear()
        check(session, pins)
        return sum(statement.startswith("SELECT") for statement in found)

    assert count(500) == count(1) <= 5


def test_a_release_that_rules_withhold_is_not_named_as_newer(session: Session) -> None:
    package = add_package(session, "demo", origin="mirrored")
    now = datetime.now(UTC)
    for version, days in (("1.0", 90), ("1.5", 30), ("1.6rc1", 30), ("2.0", 1)):
        release = add_release(session, package, version)
        at = now - timedelta(days=days)
        file = add_mirrored_file(session, release, f"demo-{version}.tar.gz", at)
        file.storage_key = f"demo-{version}.tar.gz"
    refresh_texts(session, package)
    session.commit()
    assert check(session, "demo==1.0\n")["demo"] == [(Kind.NEWER, "2.0 is there.")]
    with write_transaction(session):
        add_rule(session, ACTOR, None, Rule(kind=RuleKind.COOLDOWN, days=7))
    assert check(session, "demo==1.0\n")["demo"] == [(Kind.NEWER, "1.5 is there.")]
    assert check(session, "demo==1.6a1\n")["demo"][-1] == (Kind.NEWER, "1.6rc1 is there.")
    assert check(session, "demo==1.5\n")["demo"] == []
