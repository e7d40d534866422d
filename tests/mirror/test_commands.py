"""`packslip mirror status`, `names`, `forget`, `verify` and `claim`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.app import make_app
from tests.helpers.mirroring import WHEEL, add_mirrored_file
from tests.helpers.packages import add_package
from tests.helpers.upstream import JSON, ScriptedUpstream, answer, scripted_upstream

from packslip.db import db, write_transaction
from packslip.events.models import Action, Event
from packslip.mirror.commands import mirror_commands
from packslip.mirror.models import MirrorFile, MirrorPage, PageState
from packslip.notes.fields import NoteFields
from packslip.notes.models import Note, Visibility
from packslip.notes.operations import create_note
from packslip.packages.models import Act, File, Origin, Package
from packslip.packages.queries import find_maintainer
from packslip.storage.protocol import content_key, kept_metadata_key
from packslip.web.context import current_storage

DATA, METADATA = b"the bytes of a wheel", b"Metadata-Version: 2.1\n"


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with scripted_upstream() as upstream:
        yield upstream


@pytest.fixture
def app(tmp_path: Path, database_url: str, upstream: ScriptedUpstream) -> Iterator[Flask]:
    url = upstream.simple_url.replace("http://", "http://us:secret@")
    app = make_app(tmp_path, database_url, PACKSLIP_UPSTREAM_URL=url, PACKSLIP_MIRROR_SIZE="1GiB")
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(mirror_commands, arguments)


def kept(session: Session) -> tuple[File, str, str]:
    """A file of which bytes and metadata are kept, and the keys of both."""
    key = content_key(sha256(DATA).hexdigest(), WHEEL)
    current_storage().put_bytes(key, DATA)
    digest = sha256(METADATA).hexdigest()
    metadata_key = kept_metadata_key(digest, WHEEL)
    current_storage().put_bytes(metadata_key, METADATA)
    file = add_mirrored_file(
        session,
        "http://127.0.0.1:9/demo.whl",
        DATA,
        storage_key=key,
        metadata_sha256=digest,
        mirrored={"kept_at": datetime.now(UTC), "metadata_kept": True},
    )
    return file, key, metadata_key


def test_status_tells_what_is_kept_and_what_goes_wrong_but_no_credentials(
    app: Flask, session: Session, upstream: ScriptedUpstream
) -> None:
    kept(session)
    mirrored = {"refused": "Wrong.", "vanished_at": datetime.now(UTC)}
    add_mirrored_file(
        session, "http://127.0.0.1:9/x", filename="demo-1.0.tar.gz", mirrored=mirrored
    )
    page = {"failed_at": datetime.now(UTC), "failure": "It is down."}
    session.add(MirrorPage(package_id="down", state=PageState.UNKNOWN, **page))
    add_package(session, "ours")
    session.commit()
    names = {"meta": {"api-version": "1.1"}, "projects": [{"name": n} for n in ("Ours", "demo")]}
    upstream.script("/simple/", answer(json.dumps(names).encode(), Content_Type=JSON))
    assert run(app, "names").stdout == "upstream: 2 names\n"
    found = run(app, "status", "--json")
    status = json.loads(found.stdout)
    [one] = status["upstreams"]
    assert (one["url"], one["names"]["count"]) == (upstream.simple_url, 2)
    numbers = ("packages", "files", "kept_files", "kept_size", "limit", "vanished_files")
    assert [status[name] for name in numbers] == [1, 2, 1, len(DATA), 1024**3, 1]
    assert [page["package"] for page in status["failing_pages"]] == ["down"]
    assert [file["filename"] for file in status["refused_files"]] == ["demo-1.0.tar.gz"]
    assert status["shared_names"] == [{"package": "ours", "upstream": "upstream"}]
    table = run(app, "status").stdout
    assert "It is down." in table
    assert "secret" not in found.stdout + table


def test_names_that_cannot_be_had_are_a_failure(app: Flask, upstream: ScriptedUpstream) -> None:
    found = run(app, "names")
    assert (found.exit_code, "no list of its packages" in found.stderr) == (1, True)


@pytest.mark.parametrize("damage", ["changed", "shorter", "missing"])
def test_verify_finds_what_is_damaged_and_drops_it_when_told_to(
    app: Flask, session: Session, damage: str
) -> None:
    file, key, metadata_key = kept(session)
    assert run(app, "verify").exit_code == 0
    for one, data in ((key, DATA), (metadata_key, METADATA)):
        current_storage().delete(one)
        if damage != "missing":
            current_storage().put_bytes(one, data[:-1] + b"!" * (damage == "changed"))
    found = run(app, "verify", "Demo", "--json")
    assert found.exit_code == 1
    faults = json.loads(found.stdout)["faults"]
    assert [(one["filename"], one["is_repaired"]) for one in faults] == [
        (WHEEL, False),
        (f"{WHEEL}.metadata", False),
    ]
    found = run(app, "verify", "--repair")
    assert found.exit_code == 1
    assert found.stdout.count("\tyes\n") == 2
    session.expire_all()
    assert session.get_one(File, file.id).storage_key is None
    assert not session.get_one(MirrorFile, file.id).metadata_kept
    assert not current_storage().exists(key)
    assert not current_storage().exists(metadata_key)
    assert run(app, "verify").exit_code == 0


def test_forgetting_leaves_nothing_but_notes_and_the_event(app: Flask, session: Session) -> None:
    _, key, metadata_key = kept(session)
    author = make_user(session, "eve", role="admin")
    with write_transaction(session):
        fields = NoteFields(title="Read it", package="demo", visibility=Visibility.TEAM)
        note_id = create_note(session, ACTOR, author, fields).id
    assert run(app, "forget", "Demo").exit_code == 2
    done = run(app, "forget", "Demo", "--yes")
    assert done.stdout == "Forgot demo.\n"
    session.expire_all()
    assert session.scalar(select(Package)) is None
    assert session.scalar(select(MirrorPage)) is None
    assert session.scalar(select(MirrorFile)) is None
    assert session.get_one(Note, note_id).package_id is None
    assert not current_storage().exists(key)
    assert not current_storage().exists(metadata_key)
    event = session.scalars(select(Event).where(Event.action == Action.MIRROR_FORGET)).one()
    assert (event.package_id, event.data) == ("demo", {"files": 1})


def test_what_is_hosted_or_acted_on_is_not_forgotten(app: Flask, session: Session) -> None:
    kept(session)
    add_package(session, "ours")
    session.commit()
    author = make_user(session, "eve", role="admin")
    with write_transaction(session):
        fields = NoteFields(
            title="Malware", package="demo", visibility=Visibility.TEAM, act=Act.QUARANTINE
        )
        create_note(session, ACTOR, author, fields)
    with write_transaction(session):
        until = datetime.now(UTC) + timedelta(minutes=1)
        session.add(MirrorPage(package_id="busy", lease_until=until))
    assert "Please try again" in str(run(app, "forget", "busy", "--yes").exception)
    for name, reason in (("ours", "is hosted here"), ("demo", "Lift it"), ("none", "no package")):
        assert reason in str(run(app, "forget", name, "--yes").exception)
    assert {one.id for one in session.scalars(select(Package))} == {"demo", "ours"}


def test_a_name_is_claimed_whether_it_is_known_or_not(app: Flask, session: Session) -> None:
    _, key, _ = kept(session)
    owner = make_user(session)
    for name in ("demo", "New_Thing"):
        done = run(app, "claim", name, "--owner", "ada", "--yes")
        assert done.exit_code == 0, done.exception
    session.expire_all()
    packages = session.scalars(select(Package).order_by(Package.id)).all()
    assert [(one.id, one.name, one.origin) for one in packages] == [
        ("demo", "demo", Origin.HOSTED),
        ("new-thing", "New_Thing", Origin.HOSTED),
    ]
    assert all(find_maintainer(session, one.id, owner) for one in packages)
    assert session.scalar(select(File)) is None
    assert not current_storage().exists(key)
    again = run(app, "claim", "demo", "--owner", "ada", "--yes")
    assert "hosted here already" in str(again.exception)
    assert app.test_client().get("/project/new-thing/").status_code == 200
