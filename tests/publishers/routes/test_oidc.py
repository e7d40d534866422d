from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from tests.helpers.accounts import make_user
from tests.helpers.app import make_app
from tests.helpers.distributions import build_wheel
from tests.helpers.forms import post_upload
from tests.helpers.issuer import AUDIENCE, Issuer, github, issuing
from tests.helpers.packages import add_package
from werkzeug.test import TestResponse

from packslip.accounts.models import Token, User
from packslip.accounts.tokens import hash_token
from packslip.db import db, write_transaction
from packslip.events.operations import Actor
from packslip.packages.access import NotMaintainerError
from packslip.packages.models import Maintainer
from packslip.publishers.kinds import Kind, conditions_for_workflow
from packslip.publishers.models import Publisher
from packslip.publishers.operations import SamePublisherError, add_publisher, remove_publisher

ACTOR = Actor("tester")


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing() as issuer:
        yield issuer


@pytest.fixture
def index(database_url: str, tmp_path: Path, issuer: Issuer) -> Iterator[Flask]:
    app = make_app(tmp_path, database_url, PACKSLIP_OIDC_ISSUERS=issuer.address)
    with app.app_context():
        yield app


def trust(issuer: Issuer, package: str = "widget", user: str = "ada", **changed: str) -> Publisher:
    """Let the release workflow of a repository publish the package for a user."""
    session = db.session()
    with write_transaction(session):
        owner = session.scalars(select(User).filter_by(username=user)).first()
        return add_publisher(
            session,
            ACTOR,
            owner or make_user(session, user),
            package,
            kind=Kind.GITHUB,
            issuer=issuer.address,
            conditions=conditions_for_workflow(
                **{"repository": "acme/widget", "workflow": "release.yml"} | changed
            ),
            trusted=[issuer.address],
        )


def mint(client: FlaskClient, identity: Any) -> TestResponse:
    return client.post("/_/oidc/mint-token", json={"token": identity})


def upload(index: Flask, folder: Path, token: str, name: str) -> TestResponse:
    return post_upload(index.test_client(), token, build_wheel(folder / name, name, "1.0"))


def code_of(answer: TestResponse) -> str:
    assert answer.status_code == 422
    told = answer.get_json()
    assert told["message"] == "Token request failed"
    (error,) = told["errors"]
    assert error["description"]
    return str(error["code"])


def test_the_audience_is_the_name_of_the_host(index: Flask) -> None:
    answer = index.test_client().get("/_/oidc/audience")
    assert answer.get_json() == {"audience": AUDIENCE}


def test_an_identity_is_worth_one_token_for_its_packages_and_some_minutes(
    index: Flask, issuer: Issuer
) -> None:
    trust(issuer)
    trust(issuer, "Other_Widget")
    trust(issuer, "not-this", repository="acme/other")
    identity = issuer.sign(**github())
    told = mint(index.test_client(), identity).get_json()
    assert told["success"] is True
    token = db.session().scalars(select(Token)).one()
    assert token.hashed_secret == hash_token(told["token"])
    assert token.packages == ["other-widget", "widget"]
    assert (token.scope, token.user.username) == ("upload", "ada")
    assert token.expires_at is not None
    assert told["expires"] == token.expires_at.timestamp()
    assert 14 * 60 < (token.expires_at - token.created_at).total_seconds() <= 15 * 60
    assert code_of(mint(index.test_client(), identity)) == "invalid-reuse-token"


def test_a_repository_that_another_one_owns_now_is_not_trusted(
    index: Flask, issuer: Issuer
) -> None:
    trust(issuer)
    assert mint(index.test_client(), issuer.sign(**github())).status_code == 200
    taken_over = issuer.sign(**github(repository_owner_id="666"))
    assert code_of(mint(index.test_client(), taken_over)) == "invalid-publisher"


def test_who_is_not_trusted_gets_nothing_and_is_told_who_they_are(
    index: Flask, issuer: Issuer
) -> None:
    trust(issuer)
    answer = mint(index.test_client(), issuer.sign(**github("evil/widget")))
    assert code_of(answer) == "invalid-publisher"
    assert "repo:evil/widget:ref:refs/tags/v1" in answer.text
    assert db.session().scalars(select(Token)).first() is None


def test_an_identity_that_was_refused_can_be_used_once_it_is_trusted(
    index: Flask, issuer: Issuer
) -> None:
    identity = issuer.sign(**github())
    assert code_of(mint(index.test_client(), identity)) == "invalid-publisher"
    trust(issuer)
    assert mint(index.test_client(), identity).status_code == 200


def test_each_package_is_published_with_the_rights_of_who_trusted_the_run(
    index: Flask, issuer: Issuer, tmp_path: Path
) -> None:
    trust(issuer, "by-ada")
    trust(issuer, "by-bob", user="bob")
    token = mint(index.test_client(), issuer.sign(**github())).get_json()["token"]
    for name in ("by-ada", "by-bob"):
        assert upload(index, tmp_path, token, name).status_code == 200
    session = db.session()
    owners = {
        one.package_id: one.user.username for one in session.scalars(select(Maintainer)).all()
    }
    assert owners == {"by-ada": "ada", "by-bob": "bob"}
    assert upload(index, tmp_path, token, "of-nobody").status_code == 403


def test_a_publisher_has_no_more_rights_than_its_user(
    index: Flask, issuer: Issuer, tmp_path: Path
) -> None:
    session = db.session()
    trust(issuer, "later")
    with write_transaction(session):
        owner = make_user(session, "owner")
        package = add_package(session, "later")
        session.add(Maintainer(user=owner, package=package, role="owner"))
    assert code_of(mint(index.test_client(), issuer.sign(**github()))) == "invalid-publisher"
    with pytest.raises(NotMaintainerError):
        trust(issuer, "later", environment="release")
    trust(issuer, "later", user="owner", environment="release")
    assert mint(index.test_client(), issuer.sign(**github())).status_code == 200
    with write_transaction(session):
        session.get_one(User, owner.id).disabled_at = datetime.now(UTC)
    assert code_of(mint(index.test_client(), issuer.sign(**github()))) == "invalid-publisher"


def test_a_name_to_come_is_not_promised_to_two_through_one_repository(
    index: Flask, issuer: Issuer
) -> None:
    trust(issuer)
    for environment in ("", "release"):
        with pytest.raises(SamePublisherError):
            trust(issuer, user="mallory", repository="Acme/Widget", environment=environment)
    trust(issuer, user="bob", repository="bob/widget")


def test_a_publisher_that_is_removed_takes_its_tokens_along(
    index: Flask, issuer: Issuer, tmp_path: Path
) -> None:
    publisher = trust(issuer)
    token = mint(index.test_client(), issuer.sign(**github())).get_json()["token"]
    session = db.session()
    with write_transaction(session):
        remove_publisher(session, ACTOR, session.get_one(Publisher, publisher.id))
    assert upload(index, tmp_path, token, "widget").status_code == 403
    assert code_of(mint(index.test_client(), issuer.sign(**github()))) == "invalid-publisher"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"token": 1}', b'{"token": "x"}', b'{"other": "x"}', b"\xff"]
)
def test_what_is_no_request_for_a_token_is_told(index: Flask, body: bytes) -> None:
    answer = index.test_client().post("/_/oidc/mint-token", data=body)
    assert code_of(answer) in {"invalid-payload", "invalid-token"}


def test_the_addresses_are_discovered(index: Flask) -> None:
    client = index.test_client()
    told = client.get("/.well-known/pytp?discover=%2Flegacy%2F").get_json()
    assert told["audience-endpoint"] == f"http://{AUDIENCE}/_/oidc/audience"
    assert told["token-mint-endpoint"] == f"http://{AUDIENCE}/_/oidc/mint-token"
    assert client.get("/.well-known/pytp?discover=%2Fother%2F").status_code == 404
    asked = {"Accept": "text/html"}
    answer = client.get("/.well-known/pytp?discover=%2Flegacy%2F", headers=asked)
    assert answer.status_code == 406


def test_without_a_trusted_issuer_there_is_nothing(tmp_path: Path, database_url: str) -> None:
    client = make_app(tmp_path, database_url, PACKSLIP_OIDC_ISSUERS="").test_client()
    assert client.get("/_/oidc/audience").status_code == 404
    assert mint(client, "x.y.z").status_code == 404
    assert client.get("/.well-known/pytp?discover=%2Flegacy%2F").status_code == 404
