"""`packslip mirror load`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tests.helpers.app import make_app
from tests.helpers.bundles import (
    CHECKED_AT,
    archive,
    bundled_file,
    bundled_package,
    member,
    members,
)
from tests.helpers.packages import add_package
from tests.helpers.upstream_pages import mirror, upstream_file

from packslip.db import db
from packslip.errors import StorageFullError
from packslip.events.models import Action, Event
from packslip.mirror.bundles.manifests import BundledPackage
from packslip.mirror.commands import mirror_commands
from packslip.mirror.models import MirrorFile, MirrorPage
from packslip.mirror.taking import Source, take_page
from packslip.mirror.upstream_pages import UpstreamPage
from packslip.packages.models import File, Package, Release
from packslip.storage.local import LocalStorage

WHEEL, SDIST = "demo-1.0-py3-none-any.whl", "demo-1.0.tar.gz"
METADATA = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nSummary: Shows things\n"
CONTENTS = {
    WHEEL: b"a wheel",
    f"{WHEEL}.metadata": METADATA,
    SDIST: b"an sdist",
    "other-2.0.tar.gz": b"another one",
}
PLAIN_JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}


def demo(**values: Any) -> BundledPackage:
    wheel = bundled_file(WHEEL, CONTENTS[WHEEL], METADATA)
    return bundled_package("demo", bundled_file(SDIST, CONTENTS[SDIST]), wheel, **values)


def other() -> BundledPackage:
    return bundled_package("other", bundled_file("other-2.0.tar.gz", b"another one"))


def load(app: Flask, data: bytes, *options: str) -> Result:
    path = Path(app.config["PACKSLIP_DATA"]) / "carried.tar"
    path.write_bytes(data)
    return app.test_cli_runner().invoke(mirror_commands, ["load", str(path), *options])


def bundle(*packages: BundledPackage, contents: Mapping[str, bytes] = CONTENTS) -> bytes:
    return archive(members(contents, *packages))


def report(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def stored(app: Flask) -> list[str]:
    """What the storage has, by name."""
    folder = Path(app.config["PACKSLIP_DATA"])
    return sorted(path.name for path in folder.glob("files/??/??/*/*"))


def page(client: FlaskClient, name: str = "demo") -> dict[str, dict[str, Any]]:
    found = client.get(f"/simple/{name}/", headers=PLAIN_JSON).get_json()
    return {
        file["filename"]: {**file, "path": urljoin(f"/simple/{name}/", file["url"])}
        for file in found["files"]
    }


@contextmanager
def count_events(session: Session) -> Iterator[list[str]]:
    """The actions of the events that are recorded in the block, once it ends."""
    session.rollback()
    last = session.scalar(select(func.max(Event.id))) or 0
    found: list[str] = []
    yield found
    session.rollback()
    found += session.scalars(select(Event.action).where(Event.id > last).order_by(Event.id))


def test_what_a_bundle_has_is_served_without_an_upstream(
    app: Flask, session: Session, client: FlaskClient
) -> None:
    result = load(app, bundle(demo(), other()), "--json")
    assert (result.exit_code, report(result)) == (
        0,
        {"packages": 2, "added": 3, "present": 0, "refused": []},
    )
    files = page(client)
    assert set(files) == {WHEEL, SDIST}
    assert files[WHEEL]["size"] == len(CONTENTS[WHEEL])
    assert files[WHEEL]["core-metadata"]["sha256"]
    for end, data in (("", CONTENTS[WHEEL]), (".metadata", METADATA)):
        assert client.get(files[WHEEL]["path"] + end).data == data
    assert "Shows things" in client.get("/project/demo/").text
    assert "mirrored from upstream, by a bundle" in client.get("/project/demo/").text
    assert "Shows things" in client.get("/search/?q=demo").text
    assert set(session.scalars(select(MirrorFile.pinned))) == {True}
    assert session.get_one(MirrorPage, "demo").checked_at == CHECKED_AT
    assert session.scalar(select(func.sum(Release.size))) == sum(
        len(CONTENTS[name]) for name in (WHEEL, SDIST, "other-2.0.tar.gz")
    )
    with count_events(session) as events:
        again = load(app, bundle(demo(), other()), "--json")
    assert report(again) == {"packages": 2, "added": 0, "present": 3, "refused": []}
    assert events == []


def test_files_that_no_bundle_had_are_404_and_say_so(
    app: Flask, session: Session, client: FlaskClient
) -> None:
    load(app, bundle(demo()))
    known = page(client)[SDIST]["path"]
    file = session.scalars(select(File).where(File.filename == SDIST)).one()
    file.storage_key = None
    session.commit()
    assert set(page(client)) == {WHEEL}
    for address in (known, f"/files/00/00/{'0' * 60}/demo-2.0.tar.gz"):
        for answer in (client.get(address), client.head(address)):
            assert (answer.status_code, "was not in the bundle" in answer.status) == (404, True)
    assert load(app, bundle(demo())).exit_code == 0
    assert set(page(client)) == {WHEEL, SDIST}


def test_hosted_and_reserved_names_are_refused_and_the_rest_is_taken(
    tmp_path: Path, database_url: str
) -> None:
    app = make_app(tmp_path, database_url, PACKSLIP_RESERVED_NAMES="acme-*")
    with app.app_context():
        add_package(db.session, "other")
        db.session.commit()
        acme = bundled_package("acme-x", bundled_file("acme_x-1.0.tar.gz", b"x"))
        contents = {**CONTENTS, "acme_x-1.0.tar.gz": b"x"}
        result = load(app, bundle(acme, demo(), other(), contents=contents), "--json")
        assert result.exit_code == 1
        refused = {one["package"]: one["reason"] for one in report(result)["refused"]}
        assert "reserved" in refused["acme-x"]
        assert "hosted" in refused["other"]
        assert report(result)["added"] == 2
        assert stored(app) == [WHEEL, f"{WHEEL}.metadata", SDIST]
        assert set(db.session.scalars(select(Package.id))) == {"demo", "other"}


def test_wrong_bytes_are_refused_and_the_rest_is_taken(app: Flask, session: Session) -> None:
    result = load(app, bundle(demo(), contents={**CONTENTS, SDIST: b"AN SDIST"}))
    assert result.exit_code == 1
    assert SDIST in result.stdout
    assert "SHA-256" in result.stdout
    assert stored(app) == [WHEEL, f"{WHEEL}.metadata"]
    assert session.scalars(select(File.filename)).all() == [WHEEL]
    assert load(app, bundle(demo())).exit_code == 0


def test_what_is_cut_short_leaves_nothing_half(app: Flask, session: Session) -> None:
    contents = {**CONTENTS, WHEEL: b"w" * 5000}
    wheel = bundled_file(WHEEL, contents[WHEEL], METADATA)
    large = bundled_package("demo", bundled_file(SDIST, CONTENTS[SDIST]), wheel)
    found = members(contents, other(), large)
    # Longer than all that is listed, so that it is not told at once.
    broken = [*found[:-1], member("x", b"x" * 6000)]
    result = load(app, archive(broken))
    assert result.exit_code == 1
    assert "where files/demo/" in str(result.exception)
    assert stored(app) == ["other-2.0.tar.gz"]
    assert session.scalars(select(Package.id)).all() == ["other"]
    assert load(app, archive(found)).exit_code == 0
    assert len(stored(app)) == 4


def test_where_there_is_no_room_nothing_is_left_half(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = LocalStorage.put

    def full(self: LocalStorage, key: str, staged: Any) -> None:
        if key.endswith(WHEEL):
            raise StorageFullError("There is no room left in the storage.")
        put(self, key, staged)

    monkeypatch.setattr(LocalStorage, "put", full)
    result = load(app, bundle(demo()))
    assert isinstance(result.exception, StorageFullError)
    assert stored(app) == []
    assert session.scalars(select(Package.id)).all() == []


def test_what_came_from_upstream_stays_and_is_added_to(app: Flask, session: Session) -> None:
    old = upstream_file("demo-0.9.tar.gz")
    altered = upstream_file(SDIST, digests={"sha256": "f" * 64})
    mirror(session, "demo", old, altered)
    session.get_one(MirrorPage, "demo").etag = '"1"'
    session.commit()
    later = datetime.now(UTC) + timedelta(days=1)
    result = load(app, bundle(demo(checked_at=later)), "--json")
    assert result.exit_code == 1
    (refused,) = report(result)["refused"]
    assert refused["filename"] == SDIST
    assert report(result)["added"] == 1
    row = session.get_one(MirrorPage, "demo", populate_existing=True)
    assert (row.upstream, row.etag) == ("upstream", '"1"')
    assert row.checked_at is not None
    assert row.checked_at < later
    found = {
        file.filename: (mirrored.vanished_at, mirrored.refused is not None, mirrored.pinned)
        for file, mirrored in session.execute(
            select(File, MirrorFile).join(MirrorFile, MirrorFile.file_id == File.id)
        )
    }
    assert found == {
        "demo-0.9.tar.gz": (None, False, False),
        SDIST: (None, True, False),
        WHEEL: (None, False, True),
    }
    assert session.scalars(select(Event).where(Event.action == Action.MIRROR_ALTER)).one()
    # A package of another upstream is another one.
    result = load(app, bundle(demo(upstream="partner")))
    assert (result.exit_code, "partner" in result.stdout) == (1, True)


def test_an_upstream_goes_on_from_what_a_bundle_brought(app: Flask, session: Session) -> None:
    load(app, bundle(demo()))
    listed = UpstreamPage(files=tuple(file.said for file in demo().files), versions=("1.0",))
    with count_events(session) as events:
        take_page(session, demo().name, listed, Source("upstream"))
    assert events == []
    assert session.get_one(MirrorPage, "demo").upstream == "upstream"
    assert None not in session.scalars(select(File.storage_key)).all()


def test_what_was_said_later_counts_whichever_bundle_comes_first(
    app: Flask, session: Session
) -> None:
    wheel = bundled_file(WHEEL, CONTENTS[WHEEL], METADATA, yanked="Broken")
    yanked = bundled_package("demo", wheel, checked_at=CHECKED_AT + timedelta(days=1))
    load(app, bundle(yanked))
    assert session.scalars(select(Release.yanked_reason)).one() == "Broken"
    # An earlier bundle has a file more, and brings only that.
    load(app, bundle(demo()))
    session.rollback()
    assert set(session.scalars(select(MirrorFile.yanked))) == {None, "Broken"}
    assert len(stored(app)) == 3
    load(app, bundle(demo(checked_at=CHECKED_AT + timedelta(days=2), status="deprecated")))
    session.rollback()
    assert set(session.scalars(select(MirrorFile.yanked))) == {None}
    assert session.scalars(select(Package.status)).one() == "deprecated"


def test_rules_hold_for_what_a_bundle_brought(app: Flask, client: FlaskClient) -> None:
    load(app, bundle(demo()))
    runner = app.test_cli_runner()
    result = runner.invoke(mirror_commands, ["rule", "add", "deny", "--type", "sdist"])
    assert result.exit_code == 0
    assert set(page(client)) == {WHEEL}


def test_that_upstream_quarantined_a_package_is_carried_without_its_files(
    app: Flask, session: Session, client: FlaskClient
) -> None:
    later = CHECKED_AT + timedelta(days=1)
    empty = bundled_package("demo", checked_at=later, status="quarantined")
    assert report(load(app, bundle(empty), "--json"))["packages"] == 0
    assert session.scalars(select(Package.id)).all() == []
    session.rollback()
    load(app, bundle(demo()))
    address = page(client)[SDIST]["path"]
    assert report(load(app, bundle(empty), "--json"))["packages"] == 1
    assert client.get(address).status_code == 403
    assert page(client) == {}
    assert set(session.scalars(select(MirrorFile.vanished_at))) == {None}
