"""Pages of packages that come from upstream, and uploads under their names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.app import make_app
from tests.helpers.browsing import Browser, csrf_token_of
from tests.helpers.distributions import build_wheel
from tests.helpers.packages import add_package
from tests.helpers.upstream import ScriptedUpstream, answer, entry, scripted_upstream
from tests.helpers.upstream_pages import mirror, upstream_file

from packslip.accounts.models import Role
from packslip.db import db, write_transaction
from packslip.index.models import StagedUpload
from packslip.mirror.describing import describe
from packslip.mirror.keeper import Keeper, current_keeper
from packslip.mirror.models import MirrorFile, MirrorPage
from packslip.mirror.news import NEWS_AFTER, look_for_news
from packslip.mirror.rule_operations import add_rule
from packslip.mirror.rules import Kind, Rule
from packslip.packages.models import File, Origin, Package, Release
from packslip.simple_api.negotiate import Form
from packslip.site.mirrored import age

METADATA = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nSummary: The old one\n"


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with scripted_upstream() as upstream:
        yield upstream


@pytest.fixture
def app(tmp_path: Path, database_url: str, upstream: ScriptedUpstream) -> Iterator[Flask]:
    app = make_app(tmp_path, database_url, PACKSLIP_UPSTREAM_URL=upstream.simple_url)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def test_pages_tell_whence_a_package_comes_and_how_old_that_is(
    app: Flask, session: Session
) -> None:
    mirror(session, "demo", upstream_file("demo-1.0.tar.gz"))
    browser = Browser(app)
    assert "mirrored from upstream" in browser.get("/project/demo/").text
    past = datetime.now(UTC) - timedelta(hours=3)
    with write_transaction(session):
        session.execute(update(MirrorPage).values(checked_at=past, failed_at=datetime.now(UTC)))
    for path in ("", "files/", "notes/", "downloads/"):
        page = browser.get(f"/project/demo/{path}").text
        assert ">3 hours ago</time>; upstream could not be asked at 20" in page
    add_package(session, "ours")
    session.commit()
    assert "As of" not in browser.get("/project/ours/").text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (7199, "1 hour ago"),
        (9**7, "55 days ago"),
    ],
)
def test_ages_are_told_in_the_largest_unit(seconds: int, words: str) -> None:
    now = datetime.now(UTC)
    assert age(now - timedelta(seconds=seconds), now) == words


def test_files_say_what_is_wrong_with_them(app: Flask, session: Session) -> None:
    names = ["demo-1.0.tar.gz", *(f"demo-1.0-{n}-py3-none-any.whl" for n in range(1, 5))]
    mirror(session, "demo", *(upstream_file(name) for name in names))
    files = session.scalars(select(File).order_by(File.filename.desc())).all()
    ids = {file.filename: file.id for file in files}
    now = datetime.now(UTC)
    with write_transaction(session):
        for name, values in zip(
            names[1:],
            (
                {"vanished_at": now},
                {"refused": "Upstream changed it."},
                {"refused": "It was wrong.", "retry_at": now - timedelta(hours=1)},
                {"vanished_at": now, "refused": "Upstream changed it."},
            ),
            strict=True,
        ):
            session.execute(
                update(MirrorFile).where(MirrorFile.file_id == ids[name]).values(**values)
            )
        session.get_one(File, ids[names[4]]).storage_key = "kept"
    items = {
        name: item
        for item in Browser(app).get("/project/demo/files/").text.split("<li>")
        for name in names
        if f"{name}<" in item
    }
    assert {name for name in names if f'/{name}">' in items[name]} == {names[0], *names[3:]}
    assert "mark" not in items[names[0]] + items[names[3]]
    assert "gone upstream</p>" in items[names[1]]
    assert "refused: Upstream changed it." in items[names[2]]
    assert "gone upstream, kept here" in items[names[4]]
    assert "what was kept before is served: Upstream changed it." in items[names[4]]


def test_a_page_that_upstream_could_not_be_asked_for_says_so(
    app: Flask, session: Session, upstream: ScriptedUpstream
) -> None:
    upstream.script("/simple/down/", answer(status="400 Bad Request"))
    page = Browser(app).get("/project/down/")
    assert (page.status_code, "could not get this from" in page.text) == (502, True)
    add_package(session, "demos")
    session.commit()
    page = Browser(app).get("/project/demo/")
    assert (page.status_code, 'href="/project/demos/"' in page.text) == (404, True)
    assert Browser(app).get("/project/no%20name/").status_code == 404
    assert upstream.paths()[-1] == "/simple/demo/"


def test_the_latest_that_installers_get_is_what_the_page_installs(
    app: Flask, session: Session
) -> None:
    now = datetime.now(UTC)
    came = now - timedelta(days=1)
    mirror(
        session,
        "demo",
        *(
            upstream_file(f"demo-{version}.tar.gz", uploaded_at=now - timedelta(days=days))
            for version, days in (("1.0", 90), ("1.1", 60), ("2.0", 1), ("3.0a1", 80))
        ),
    )
    browser = Browser(app)
    assert '<span class="version">2.0</span>' in browser.get("/project/demo/").text
    with write_transaction(session):
        add_rule(session, ACTOR, None, Rule(kind=Kind.COOLDOWN, days=7))
    for path in ("", "files/", "notes/", "downloads/"):
        page = browser.get(f"/project/demo/{path}").text
        assert '<span class="version">1.1</span>' in page, path
        assert '<span class="badge">latest</span>' in page
    page = browser.get("/project/demo/").text
    until = came + timedelta(days=7)
    assert "demo 2.0</a> is withheld until <time" in page
    assert f"{until:%Y-%m-%d %H:%M} UTC</time>" in page
    page = browser.get("/project/demo/2.0/").text
    assert "pip install" not in page
    assert '<span class="mark">cannot be installed</span>' in page
    assert "demo 2.0 cannot be installed from this index before" in page
    assert 'ask for no version get <a href="/project/demo/">demo 1.1</a>' in page
    documents = {path: browser.get(f"/pypi/demo/{path}json").json for path in ("", "2.0/")}
    assert documents[""]["info"]["version"] == "1.1"
    releases = documents[""]["releases"]
    assert {version for version, files in releases.items() if not files} == {"2.0"}
    assert documents["2.0/"]["urls"] == []
    simple = browser.get("/simple/demo/", query_string={"format": Form.JSON.value}).json
    assert {file["filename"] for file in simple["files"]} == {
        file["filename"] for files in releases.values() for file in files
    }


def test_dates_that_upstream_does_not_give_are_not_made_up(app: Flask, session: Session) -> None:
    day = datetime(2024, 5, 6, 7, 8, tzinfo=UTC)
    mirror(session, "demo", upstream_file("demo-1.0.tar.gz", uploaded_at=day))
    mirror(session, "other", upstream_file("other-1.0.tar.gz"))
    browser = Browser(app)
    assert "first seen" not in browser.get("/project/demo/files/").text
    assert "first seen" not in browser.get("/project/demo/releases/").text
    assert "first seen <time" in browser.get("/project/other/files/").text
    assert "first seen here" in browser.get("/project/other/releases/").text
    [told], [untold] = (
        browser.get(f"/pypi/{name}/json").json["urls"] for name in ("demo", "other")
    )
    assert told["upload_time"] == "2024-05-06T07:08:00"
    assert (untold["upload_time"], untold["upload_time_iso_8601"]) == (None, None)


def test_when_nothing_comes_through_the_page_installs_nothing(app: Flask, session: Session) -> None:
    mirror(session, "demo", upstream_file("demo-1.0.tar.gz"), upstream_file("demo-2.0.tar.gz"))
    with write_transaction(session):
        latest = session.scalars(select(File.id).where(File.filename == "demo-2.0.tar.gz")).one()
        vanished = update(MirrorFile).where(MirrorFile.file_id == latest)
        session.execute(vanished.values(vanished_at=datetime.now(UTC)))
    browser = Browser(app)
    assert '<span class="version">1.0</span>' in browser.get("/project/demo/").text
    assert browser.get("/pypi/demo/json").json["info"]["version"] == "1.0"
    with write_transaction(session):
        add_rule(session, ACTOR, None, Rule(kind=Kind.DENY, packages=("demo",)))
    page = browser.get("/project/demo/").text
    assert "pip install" not in page
    assert '<span class="badge">latest</span>' not in page
    assert "demo 2.0 cannot be installed from this index" in page
    assert browser.get("/pypi/demo/json").json["urls"] == []


def test_what_somebody_wants_to_hear_of_is_asked_for_without_a_client(
    app: Flask, session: Session, upstream: ScriptedUpstream
) -> None:
    for name in ("demo", "other"):
        mirror(session, name, upstream_file(f"{name}-1.0.tar.gz"))
        upstream.page(name, entry(f"{name}-1.0.tar.gz"), entry(f"{name}-2.0.tar.gz"))
    browser = Browser(app)
    browser.log_in_as(make_user(session, "ada").id)
    for name in ("demo", "other"):
        browser.submit(f"/project/{name}/", "/account/watches/add")
    answer = browser.submit("/project/demo/", "/account/watches/releases")
    assert answer.location == "/project/demo/"
    assert "No mail of new releases" in browser.get("/account/watches/").text
    assert look_for_news(session) == 0
    with write_transaction(session):
        session.execute(update(MirrorPage).values(checked_at=datetime.now(UTC) - NEWS_AFTER))
    assert look_for_news(session) == 1
    assert upstream.paths() == ["/simple/demo/"]
    session.rollback()
    assert session.get_one(Package, "demo").latest_version == "2.0"
    browser.submit("/account/watches/", "/account/watches/releases")
    assert "No mail of new releases" not in browser.get("/project/demo/").text
    with write_transaction(session):
        session.execute(update(MirrorPage).values(checked_at=datetime.now(UTC) - NEWS_AFTER))
    assert look_for_news(session) == 0


def test_an_older_release_is_described_once_somebody_looks_at_it(
    app: Flask, session: Session, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = [f"demo-{version}-py3-none-any.whl" for version in ("1.0", "2.0")]
    upstream.page("demo", *(entry(name, **{"core-metadata": True}) for name in wheels))
    upstream.script(f"/files/{wheels[0]}.metadata", answer(METADATA))
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(Keeper, "describe_release_soon", lambda _, *wanted: asked.append(wanted))
    Browser(app).get("/project/demo/1.0/")
    assert asked == [("demo", "1.0")]
    assert describe(session, "demo", "1.0")
    session.rollback()
    told = select(Release.core_metadata).where(Release.version == "1.0")
    assert session.scalars(told).one()["summary"] == "The old one"
    assert "The old one" in Browser(app).get("/project/demo/1.0/").text
    assert asked == [("demo", "1.0")]


def test_a_release_is_asked_for_once_an_hour_and_not_beside_many(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[object] = []
    monkeypatch.setattr(Keeper, "_run", lambda _: None)
    keeper = current_keeper()
    keeper.describe_release_soon("demo", "1.0")
    keeper.start()
    for version in ("1.0", "1.0", *map(str, range(200))):
        keeper.describe_release_soon("demo", version)
    while not keeper._waiting.empty():
        done.append(keeper._waiting.get())
    assert (len(done), done.count(("demo", "1.0"))) == (100, 1)


def test_an_upload_under_a_name_of_upstream_is_a_fault_but_for_admins(
    app: Flask, session: Session, tmp_path: Path
) -> None:
    mirror(session, "demo", upstream_file("demo-1.0-py3-none-any.whl"))
    path = build_wheel(tmp_path, "demo", "1.0")
    for name, role in (("ada", Role.MEMBER), ("eve", Role.ADMIN)):
        browser = Browser(app)
        user_id = make_user(session, name, role=role).id
        browser.log_in_as(user_id)
        token = csrf_token_of(browser.get("/upload").text)
        with path.open("rb") as file:
            browser.post("/upload", {"csrf_token": token, "files": [(file, path.name)]})
        session.rollback()
        mine = select(StagedUpload.id).where(StagedUpload.user_id == user_id)
        [upload_id] = session.scalars(mine)
        page = browser.get("/upload").text
        confirmed = browser.post("/upload/confirm", {"csrf_token": token, "upload": [upload_id]})
        if role == Role.MEMBER:
            assert "belongs to a package of upstream, which is mirrored here" in page
            assert "can be published" not in page
            assert confirmed.status_code != 303
        else:
            assert "Publishing takes it over" in page
            assert "can be published" in page
            assert confirmed.location == "/project/demo/1.0/"
    session.rollback()
    assert session.get_one(Package, "demo").origin == Origin.HOSTED
