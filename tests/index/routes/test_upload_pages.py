"""Uploads on a page: what waits, what is published, and what nobody else can reach."""

from __future__ import annotations

import dataclasses
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.browsing import Browser, csrf_token_of, forms_of
from tests.helpers.distributions import build_sdist, build_wheel
from tests.helpers.forms import FORM_TYPE, encode_form, file_part, text_part
from tests.helpers.packages import add_releases
from tests.helpers.publishing import stored, upload
from werkzeug.test import TestResponse

from packslip.accounts.models import User
from packslip.db import write_transaction
from packslip.errors import StorageFullError
from packslip.events.models import Event
from packslip.index import staged_uploads
from packslip.index.models import StagedUpload
from packslip.packages.models import File, Package
from packslip.web import context
from packslip.web.context import current_settings, current_storage


@pytest.fixture
def ada(session: Session) -> User:
    return make_user(session)


@pytest.fixture
def browser(app: Flask, ada: User) -> Browser:
    return browser_of(app, ada)


def browser_of(app: Flask, user: User) -> Browser:
    browser = Browser(app)
    browser.log_in_as(user.id)
    return browser


def send(browser: Browser, *paths: Path, **options: Any) -> TestResponse:
    token = csrf_token_of(browser.get("/upload").text)
    files = [(io.BytesIO(path.read_bytes()), path.name) for path in paths]
    return browser.post("/upload", {"csrf_token": token, "files": files}, **options)


def waiting(session: Session) -> list[StagedUpload]:
    session.rollback()
    query = select(StagedUpload).order_by(StagedUpload.filename)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def decide(browser: Browser, what: str, *ids: str) -> TestResponse:
    token = csrf_token_of(browser.get("/upload").text)
    return browser.post(f"/upload/{what}", {"csrf_token": token, "upload": list(ids)})


def test_what_is_confirmed_is_published_as_any_upload(
    app: Flask, session: Session, ada: User, browser: Browser, tmp_path: Path
) -> None:
    wheel = build_wheel(tmp_path, "Demo", "1.0", description="Hello *you*.", summary="A demo")
    sdist = build_sdist(tmp_path, "Demo", "1.0")
    assert send(browser, wheel, sdist).location == "/upload#waiting"
    assert session.scalar(select(Package)) is None
    assert stored(app) == [one.id for one in sorted(waiting(session), key=lambda one: one.id)]

    page = browser.get("/upload").text
    assert page.count("can be published") == 2
    assert "Demo is new here: you become its owner." in page
    assert "Any system, Python 3." in page
    preview = browser.get(f"/upload/{waiting(session)[0].id}").text
    assert "<p>Hello <em>you</em>.</p>" in preview

    done = decide(browser, "confirm", *(one.id for one in waiting(session)))
    assert done.location == "/project/demo/1.0/", done.text
    assert "2 files were published." in browser.get(done.location).text
    assert waiting(session) == []
    assert stored(app) == sorted(
        [*(path.name for path in (wheel, sdist)), *(f"{p.name}.metadata" for p in (wheel, sdist))]
    )
    assert {file.uploader_id for file in session.scalars(select(File))} == {ada.id}
    events = session.scalars(select(Event).where(Event.action == "file.upload")).all()
    assert {(one.actor_id, one.token_id, one.ip_address) for one in events} == {
        (ada.id, None, "127.0.0.1")
    }

    send(browser, wheel)
    assert "The very same file is here already" in browser.get("/upload").text
    done = decide(browser, "confirm", waiting(session)[0].id)
    assert "1 file was here already." in browser.get(done.location).text


def test_every_fault_is_shown_and_nothing_of_it_kept(
    app: Flask, session: Session, ada: User, browser: Browser, tmp_path: Path
) -> None:
    upload(session, current_storage(), ada, build_wheel(tmp_path / "a", "mine", "1.0"))
    archived = add_releases(session, "closed", owner=ada)
    archived.status, archived.status_reason = "archived", "Use mine."
    session.commit()
    bob = make_user(session, "bob")
    for name in ("his", "numpy-1l"):
        upload(session, current_storage(), bob, build_sdist(tmp_path / "b", name, "0.1"))
    faulty = {"metadata_version": "2.4", "requires_python": "three", "classifier": ["Odd :: x"]}
    paths = [
        build_wheel(tmp_path, "bad", "1.0", license_expression="MITT", **faulty),
        build_wheel(tmp_path, "mine", "1.0", summary="Other bytes"),
        build_wheel(tmp_path, "his", "1.0"),
        build_wheel(tmp_path, "closed", "1.0"),
        build_wheel(tmp_path, "json", "1.0"),
        build_wheel(tmp_path, "other", "1.0", files={"../../x.py": ""}),
        build_wheel(tmp_path, "bomb", "1.0", files={"x": bytes(80 * 1024**2)}),
        build_wheel(tmp_path, "h1s", "1.0"),
        build_sdist(tmp_path, "numpy11", "1.0.dev1"),
    ]
    send(browser, *paths)
    page = browser.get("/upload").text
    for reason in (
        "Invalid metadata: Requires-Python three is not valid",
        "Invalid metadata: Classifier Odd :: x is not a known one",
        "Invalid metadata: License-Expression is not valid",
        "File already exists: mine-1.0-py3-none-any.whl, with other bytes.",
        "The user &#39;ada&#39; may not upload to the package &#39;his&#39;",
        "The package &#39;closed&#39; is archived and takes no files: Use mine.",
        "The package name &#39;json&#39; is not free",
        "member ../../x.py has a name that leads out of the archive",
        "The archive expands to many times its size",
        "The package name &#39;h1s&#39; is not free: it looks like &#39;his&#39;",
        "Its name is easily taken for that of another one: numpy-1l.",
        "It is a pre-release",
        "No Requires-Python",
    ):
        assert reason in page, reason
    assert page.count("can be published") == 1
    held = {one.filename for one in waiting(session) if one.size}
    assert held == {
        path.name for path in paths if path.name[:3] in {"min", "his", "h1s", "clo", "jso", "num"}
    }
    faulty_id = next(one.id for one in waiting(session) if not one.size)
    assert decide(browser, "confirm", faulty_id).status_code == 404


def test_confirming_checks_everything_again_and_publishes_all_or_nothing(
    app: Flask, session: Session, ada: User, browser: Browser, tmp_path: Path
) -> None:
    one, two = build_wheel(tmp_path, "alpha", "1.0"), build_wheel(tmp_path, "beta", "1.0")
    send(browser, one, two)
    ids = [one.id for one in waiting(session)]
    other = build_wheel(tmp_path / "other", "beta", "1.0", summary="Quicker")
    upload(session, current_storage(), make_user(session, "bob"), other)
    before = [name for name in stored(app) if name not in ids]

    refused = decide(browser, "confirm", *ids)
    assert refused.status_code == 403
    assert "may not upload to the package &#39;beta&#39;" in refused.text
    assert "Nothing was published." in refused.text
    assert session.scalars(select(Package.id)).all() == ["beta"]
    assert [name for name in stored(app) if name not in ids] == before

    assert decide(browser, "confirm", ids[0]).location == "/project/alpha/1.0/"
    assert [one.id for one in waiting(session)] == ids[1:]
    assert decide(browser, "confirm", ids[0]).status_code == 404


def test_a_second_click_leads_where_the_first_one_led(
    app: Flask, session: Session, browser: Browser, tmp_path: Path
) -> None:
    send(browser, build_wheel(tmp_path, "demo", "1.0"), build_sdist(tmp_path, "demo", "1.0"))
    (form,) = [one for one in forms_of(browser.get("/upload").text) if "confirm" in one.action]
    sent = {
        "csrf_token": form.fields["csrf_token"],
        "upload": [one.id for one in waiting(session)],
        "digest": [one.sha256 for one in waiting(session)],
    }
    assert sent["digest"][-1] == form.fields["digest"]
    for said in ("2 files were published.", "2 files were here already."):
        done = browser.post("/upload/confirm", sent)
        assert (done.status_code, done.location) == (303, "/project/demo/1.0/")
        assert said in browser.get(done.location).text
    # What one published oneself is no way to what somebody else did.
    stranger = browser_of(app, make_user(session, "bob", role="admin"))
    token = csrf_token_of(stranger.get("/upload").text)
    assert stranger.post("/upload/confirm", sent | {"csrf_token": token}).status_code == 404
    for digests in ([], ["0" * 64], [*sent["digest"], "0" * 64], ["\0"], ["x"]):
        assert browser.post("/upload/confirm", sent | {"digest": digests}).status_code == 404


def test_uploads_of_somebody_else_do_not_exist(
    app: Flask, session: Session, browser: Browser, tmp_path: Path
) -> None:
    send(browser, build_wheel(tmp_path, "demo", "1.0"))
    (found,) = waiting(session)
    stranger = browser_of(app, make_user(session, "bob", role="admin"))
    assert "demo-1.0" not in stranger.get("/upload").text
    for answer in (
        stranger.get(f"/upload/{found.id}"),
        stranger.get("/upload/" + "0" * 32),
        decide(stranger, "confirm", found.id),
        decide(stranger, "discard", found.id),
    ):
        assert answer.status_code == 404
        assert "does not wait any more" in answer.text
    assert Browser(app).get("/upload").location == "/account/login?next=/upload"
    assert stored(app) == [found.id]
    assert decide(browser, "discard", found.id).status_code == 303
    assert (stored(app), waiting(session)) == ([], [])


def test_what_was_forged_is_refused_before_its_files_are_read(
    app: Flask, session: Session, browser: Browser, tmp_path: Path
) -> None:
    token = csrf_token_of(browser.get("/upload").text)
    wheel = build_wheel(tmp_path, "demo", "1.0")
    file = file_part(wheel.read_bytes(), "files", wheel.name)
    for parts in (
        [file],
        [file, text_part("csrf_token", token)],
        [text_part("csrf_token", "x"), file],
    ):
        answer = browser.post("/upload", encode_form(*parts), content_type=FORM_TYPE)
        assert answer.status_code == 400, answer.text
    for headers in ({"Origin": "https://evil.example.com"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = send(browser, wheel, headers=headers)
        assert answer.status_code == 403
    assert (
        Browser(app).post("/upload", encode_form(file), content_type=FORM_TYPE).status_code == 303
    )
    assert browser.post("/upload/confirm", {"upload": "x"}).status_code == 400
    assert (stored(app), waiting(session)) == ([], [])


def test_too_much_is_refused_with_a_page(
    app: Flask,
    session: Session,
    browser: Browser,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small, again, third = (build_sdist(tmp_path, "demo", f"1.{number}") for number in range(3))
    limit = max(path.stat().st_size for path in (small, again, third))
    large = tmp_path / "demo-2.0.tar.gz"
    large.write_bytes(bytes(limit + 1))
    settings = dataclasses.replace(current_settings(), max_upload=limit)
    context.attach(app, settings, current_storage())
    answer = send(browser, small, large)
    assert (answer.status_code, answer.mimetype) == (413, "text/html")
    assert f"The file demo-2.0.tar.gz is too large: this index takes files of at most {limit}" in (
        answer.text
    )
    assert (stored(app), waiting(session)) == ([], [])

    assert send(browser, small).status_code == send(browser, again).status_code == 303
    # The same name takes the place of the one before, and no more room.
    assert send(browser, small).status_code == 303
    assert len(waiting(session)) == len(stored(app)) == 2
    answer = send(browser, third)
    assert answer.status_code == 413
    assert "Publish or discard some of them first." in answer.text
    monkeypatch.setattr(staged_uploads, "MOST_FILES", 2)
    (tmp_path / "no").write_bytes(b"x")
    assert send(browser, tmp_path / "no").status_code == 413
    assert len(waiting(session)) == len(stored(app)) == 2


def test_what_waited_too_long_or_was_cut_off_is_swept(
    app: Flask, session: Session, browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = current_storage()
    send(browser, build_wheel(tmp_path, "demo", "1.0"))
    (found,) = waiting(session)
    assert staged_uploads.sweep(session, storage) == 0
    hour = timedelta(hours=1)
    assert timedelta() < hour - (found.expires_at - datetime.now(UTC)) < timedelta(minutes=2)
    with write_transaction(session):
        session.execute(update(StagedUpload).values(expires_at=datetime.now(UTC)))
    assert "demo-1.0" not in browser.get("/upload").text
    assert decide(browser, "confirm", found.id).status_code == 404
    assert stored(app) == [found.id]
    assert staged_uploads.sweep(session, storage) == 1
    assert (stored(app), waiting(session)) == ([], [])

    # As if the process had been killed between the bytes and the word that they are there.
    with monkeypatch.context() as patch:
        patch.setattr(staged_uploads, "_note_arrived", _fail)
        patch.setattr(staged_uploads, "discard", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            send(browser, build_wheel(tmp_path, "demo", "1.0"))
    assert "demo-1.0" not in browser.get("/upload").text
    assert stored(app) == [one.id for one in waiting(session)] != []
    with write_transaction(session):
        session.execute(update(StagedUpload).values(expires_at=datetime.now(UTC)))
    assert staged_uploads.sweep(session, storage) == 1
    assert (stored(app), waiting(session)) == ([], [])

    # Without room nothing is left at all.
    def full(key: str, staged: object) -> None:
        raise StorageFullError("There is no room left in the storage.")

    monkeypatch.setattr(storage, "put", full)
    assert send(browser, build_wheel(tmp_path, "demo", "1.0")).status_code == 507
    assert (stored(app), waiting(session)) == ([], [])


def _fail(*_: object) -> None:
    raise KeyboardInterrupt
