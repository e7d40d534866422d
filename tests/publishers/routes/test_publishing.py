"""The pages on which trusted publishers are added."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.app import make_app
from tests.helpers.browsing import Browser, csrf_token_of
from tests.helpers.packages import add_releases

from packslip.accounts.models import Role
from packslip.db import db, write_transaction
from packslip.packages import operations
from packslip.packages.models import MaintainerRole
from packslip.publishers.models import Publisher

ISSUER = "https://token.actions.githubusercontent.com"
PAGE = "/project/demo/settings/publishing/"
PENDING = "/account/publishing/"
RUN = {"kind": "github", "issuer": ISSUER, "repository": "acme/demo", "workflow": "release.yml"}


@pytest.fixture
def index(tmp_path: Path, database_url: str) -> Iterator[Flask]:
    app = make_app(tmp_path, database_url)
    with app.app_context():
        session = db.session()
        ada = make_user(session, "ada")
        package = add_releases(session, "Demo", {"1.0": []}, owner=ada)
        make_user(session, "carl", role=Role.ADMIN)
        with write_transaction(session):
            bob = make_user(session, "bob")
            operations.set_maintainer(session, ACTOR, package, bob, MaintainerRole.MAINTAINER)
        yield app


def as_(app: Flask, username: str) -> Browser:
    browser = Browser(app)
    ids = {"ada": 1, "carl": 2, "bob": 3}
    browser.log_in_as(ids[username])
    return browser


def publishers() -> list[Publisher]:
    db.session().rollback()
    return list(db.session().scalars(select(Publisher)))


def test_an_owner_adds_a_publisher_and_removes_it(index: Flask) -> None:
    ada = as_(index, "ada")
    answer = ada.submit(PAGE, f"{PAGE}add", **RUN)
    assert (answer.status_code, answer.location) == (303, PAGE)
    (publisher,) = publishers()
    assert (publisher.package_id, publisher.user.username) == ("demo", "ada")
    assert publisher.conditions == {"repository": "acme/demo", "workflow": "release.yml"}
    page = ada.get(PAGE).text
    assert "acme/demo (release.yml)" in page
    assert "With the rights of ada" in page
    assert ada.submit(PAGE, f"{PAGE}remove").status_code == 303
    assert publishers() == []


def test_who_only_looks_after_a_package_does_not_say_who_publishes_it(index: Flask) -> None:
    bob = as_(index, "bob")
    assert bob.get(PAGE).status_code == 403
    token = csrf_token_of(bob.get(PENDING).text)
    assert bob.post(f"{PAGE}add", RUN | {"csrf_token": token}).status_code == 403
    assert "settings/publishing" not in bob.get("/project/demo/settings/").text
    assert "settings/publishing" in as_(index, "ada").get("/project/demo/settings/").text
    assert publishers() == []


def test_an_admin_who_may_not_upload_lends_no_rights_to_a_publisher(index: Flask) -> None:
    answer = as_(index, "carl").submit(PAGE, f"{PAGE}add", **RUN)
    assert answer.status_code == 403
    assert "may not upload" in answer.text
    assert publishers() == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"repository": "demo"}, "Name the repository as owner/name."),
        ({"workflow": "../release.yml"}, "Name the workflow"),
        ({"issuer": "https://evil.example.com"}, "is not trusted here"),
        ({"issuer": "https://gitlab.com"}, "issues identities of another kind"),
        ({"kind": "other", "subject": ""}, "Say which sub"),
        ({"kind": "nothing"}, "Not a valid choice"),
    ],
)
def test_a_form_that_is_wrong_is_shown_again(
    index: Flask, changed: dict[str, str], told: str
) -> None:
    answer = as_(index, "ada").submit(PAGE, f"{PAGE}add", **RUN | changed)
    assert answer.status_code == 400
    assert told in answer.text
    assert publishers() == []


def test_a_publisher_of_a_package_to_come_is_added_and_removed(index: Flask) -> None:
    bob = as_(index, "bob")
    answer = bob.submit(PENDING, f"{PENDING}add", package="New_Thing", **RUN)
    assert (answer.status_code, answer.location) == (303, PENDING)
    (publisher,) = publishers()
    assert (publisher.package_id, publisher.user.username) == ("new-thing", "bob")
    assert "new-thing" in bob.get(PENDING).text
    ada = as_(index, "ada")
    page = ada.get(PENDING).text
    assert "new-thing" not in page
    sent = {"publisher": str(publisher.id), "csrf_token": csrf_token_of(page)}
    assert ada.post(f"{PENDING}remove", sent).status_code == 404
    assert bob.submit(PENDING, f"{PENDING}remove").status_code == 303
    assert publishers() == []


@pytest.mark.parametrize(
    ("package", "status", "told"),
    [
        ("Demo", 400, "its owners add publishers to its settings"),
        ("not/one", 400, "cannot be a package"),
        ("a" * 241, 400, "cannot be a package"),
        ("", 400, "Name the package."),
    ],
)
def test_a_name_that_is_none_or_not_free_is_told(
    index: Flask, package: str, status: int, told: str
) -> None:
    answer = as_(index, "bob").submit(PENDING, f"{PENDING}add", package=package, **RUN)
    assert answer.status_code == status
    assert told in answer.text
    assert publishers() == []
