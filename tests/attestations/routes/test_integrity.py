from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from tests.helpers.accounts import basic, make_token, make_user
from tests.helpers.app import make_app
from tests.helpers.attesting import attestation
from tests.helpers.distributions import build_wheel
from tests.helpers.forms import post_upload
from werkzeug.test import TestResponse

from packslip.attestations import verifying
from packslip.attestations.models import Attested
from packslip.db import db, write_transaction
from packslip.events.operations import Actor
from packslip.packages.models import File, Package
from packslip.publishers.kinds import Kind, conditions_for_workflow
from packslip.publishers.models import MintedToken
from packslip.publishers.operations import add_publisher
from packslip.setting_choices import Attestations, Read

ISSUER = "https://token.actions.githubusercontent.com"
BASE = "https://packages.example.com"
ADDRESS = "/integrity/demo/1.0/demo-1.0-py3-none-any.whl/provenance"
TYPE = "application/vnd.pypi.integrity.v1+json"
JSON = "/simple/demo/?format=application/vnd.pypi.simple.v1%2Bjson"


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    app = make_app(tmp_path, database_url, PACKSLIP_BASE_URL=BASE)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return build_wheel(tmp_path / "dist", "demo", "1.0")


def by_user(name: str = "ada") -> str:
    session = db.session()
    return make_token(session, make_user(session, name))[1]


def by_publisher(kind: Kind = Kind.GITHUB) -> str:
    """A token that stands for the release workflow of acme/demo."""
    session = db.session()
    user = make_user(session)
    issuer = ISSUER if kind is Kind.GITHUB else "https://git.example.com"
    with write_transaction(session):
        publisher = add_publisher(
            session,
            Actor("tester"),
            user,
            "demo",
            kind=kind,
            issuer=issuer,
            conditions=conditions_for_workflow("acme/demo", "release.yml"),
            trusted=[issuer],
        )
    token, secret = make_token(session, user)
    session.add(MintedToken(token_id=token.id, package_id="demo", publisher_id=publisher.id))
    session.commit()
    return secret


def upload(client: FlaskClient, secret: str, wheel: Path, told: Any = None) -> TestResponse:
    fields = {} if told is None else {"attestations": json.dumps(told)}
    return post_upload(client, secret, wheel, **fields)


def test_what_came_with_a_file_is_its_provenance(client: FlaskClient, wheel: Path) -> None:
    told = [attestation(wheel)]
    assert upload(client, by_publisher(), wheel, told).status_code == 200
    answer = client.get(ADDRESS)
    assert (answer.status_code, answer.content_type) == (200, TYPE)
    publisher = {
        "kind": "GitHub",
        "claims": None,
        "repository": "acme/demo",
        "workflow": "release.yml",
        "environment": None,
    }
    bundle = {"publisher": publisher, "attestations": told}
    assert answer.json == {"version": 1, "attestation_bundles": [bundle]}
    assert client.get(ADDRESS, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert client.get(ADDRESS.replace("1.0/", "1.0.0/")).json == answer.json
    page = client.get(JSON).json
    assert page is not None
    beside = urljoin("/simple/demo/", page["files"][0]["url"]) + ".provenance"
    assert client.get(beside).json == answer.json


def test_the_pages_name_it_under_a_secure_address(client: FlaskClient, wheel: Path) -> None:
    assert upload(client, by_user(), wheel, [attestation(wheel)]).status_code == 200
    page = client.get(JSON).json
    assert page is not None
    assert page["files"][0]["provenance"] == f"{BASE}{ADDRESS}"
    assert f'data-provenance="{BASE}{ADDRESS}"' in client.get("/simple/demo/").text
    shown = client.get("/project/demo/files/").text
    assert "Attested, not verified" in shown
    assert f'href="{ADDRESS}"' in shown


def test_without_one_there_is_none(client: FlaskClient, wheel: Path) -> None:
    assert upload(client, by_user(), wheel).status_code == 200
    for address in (ADDRESS, ADDRESS.replace("demo", "other"), ADDRESS.replace("1.0", "x")):
        answer = client.get(address, headers={"Accept": TYPE})
        assert answer.status_code == 404
        assert "There is no provenance" in answer.status
    page = client.get(JSON).json
    assert page is not None
    assert "provenance" not in page["files"][0]
    assert "ttested" not in client.get("/project/demo/files/").text


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        ("*/*", TYPE),
        ("application/json", "application/json"),
        (f"text/html, {TYPE};q=0.1", TYPE),
        ("text/html", None),
    ],
)
def test_it_comes_as_it_is_asked_for(
    client: FlaskClient, wheel: Path, accept: str, given: str | None
) -> None:
    upload(client, by_user(), wheel, [attestation(wheel)])
    answer = client.get(ADDRESS, headers={"Accept": accept})
    if given is None:
        assert answer.status_code == 406
    else:
        assert (answer.status_code, answer.content_type) == (200, given)


def test_it_is_read_by_who_reads_the_package(
    database_url: str, tmp_path: Path, wheel: Path
) -> None:
    app = make_app(tmp_path, database_url, PACKSLIP_READ=Read.MEMBERS.value)
    with app.app_context():
        client, secret = app.test_client(), by_user()
        assert upload(client, secret, wheel, [attestation(wheel)]).status_code == 200
        assert client.get(ADDRESS).status_code == 401
        session = db.session()
        read = make_token(session, make_user(session, "bob"), scope="read", packages=["other"])[1]
        allowed = {"Authorization": basic("__token__", secret)}
        assert client.get(ADDRESS, headers=allowed).status_code == 200
        limited = {"Authorization": basic("__token__", read)}
        assert client.get(ADDRESS, headers=limited).status_code == 403
        db.session.remove()
        db.engine.dispose()


def test_nothing_of_a_quarantined_package_is_told(client: FlaskClient, wheel: Path) -> None:
    upload(client, by_user(), wheel, [attestation(wheel)])
    session = db.session()
    with write_transaction(session):
        session.get_one(Package, "demo").status = "quarantined"
    assert client.get(ADDRESS).status_code == 404


def test_faulty_ones_leave_nothing_of_the_upload(client: FlaskClient, wheel: Path) -> None:
    answer = upload(client, by_user(), wheel, [attestation(wheel, predicateType="other")])
    assert answer.status_code == 400
    assert answer.status.startswith("400 The attestations are refused: ")
    assert db.session().scalar(select(File)) is None


def test_the_same_file_again_changes_nothing(client: FlaskClient, wheel: Path) -> None:
    secret = by_user()
    upload(client, secret, wheel)
    assert upload(client, secret, wheel, [attestation(wheel)]).status_code == 200
    assert client.get(ADDRESS).status_code == 404


def test_they_go_with_the_file(client: FlaskClient, wheel: Path) -> None:
    upload(client, by_user(), wheel, [attestation(wheel)])
    session = db.session()
    with write_transaction(session):
        session.delete(session.scalars(select(File)).one())
    assert session.scalar(select(Attested)) is None


@pytest.fixture
def verified(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """An index that verifies."""
    app = make_app(tmp_path, database_url, PACKSLIP_ATTESTATIONS=Attestations.VERIFY.value)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def test_an_index_that_verifies_takes_what_its_publisher_signed(
    verified: Flask, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(verifying, "verify", lambda *given: asked.append(given))
    client, told = verified.test_client(), [attestation(wheel)]
    assert upload(client, by_publisher(), wheel, told).status_code == 200
    [(attestations, publisher, filename, _)] = asked
    assert (attestations, filename) == (told, wheel.name)
    assert (publisher["repository"], publisher["workflow"]) == ("acme/demo", "release.yml")
    shown = client.get("/project/demo/files/").text
    assert "Attested and verified: published by GitHub acme/demo, release.yml" in shown


def test_an_index_that_verifies_refuses_the_others(verified: Flask, wheel: Path) -> None:
    client = verified.test_client()
    answer = upload(client, by_publisher(), wheel, [attestation(wheel)])
    assert answer.status_code == 400
    assert "The attestations are refused: " in answer.status
    answer = upload(client, by_user("bob"), wheel, [attestation(wheel)])
    assert "only of trusted publishers" in answer.status
    assert db.session().scalar(select(File)) is None
    assert upload(client, by_user("carol"), wheel).status_code == 200


def test_those_that_cannot_be_verified_are_refused(verified: Flask, wheel: Path) -> None:
    answer = upload(verified.test_client(), by_publisher(Kind.FORGEJO), wheel, [attestation(wheel)])
    assert answer.status_code == 400
    assert "Forgejo" in answer.status
