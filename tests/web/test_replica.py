"""What is read from a replica, and what never is.

A second database stands for it, which is as far behind as a test wants.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from tests.helpers.accounts import basic, make_token, make_user
from tests.helpers.app import close_apps, make_app
from tests.helpers.browsing import Browser
from tests.helpers.databases import PostgresDatabases
from tests.helpers.packages import add_file, add_package, add_release

from packslip.db import db, write_transaction
from packslip.web import replica


def publish(session: Session, name: str) -> None:
    add_file(session, add_release(session, add_package(session, name)), f"{name}-1.0.tar.gz")
    session.commit()


class Pair:
    """An application with a database that has `new`, and a replica that has only `old`."""

    def __init__(self, databases: PostgresDatabases, folder: Path) -> None:
        self.replica_url = databases.create()
        self.url = databases.create()
        self.app = make_app(folder, self.url, PACKSLIP_DATABASE_REPLICA_URL=self.replica_url)
        engine = create_engine(self.replica_url.replace("postgresql://", "postgresql+psycopg://"))
        with Session(engine) as session:
            publish(session, "old")
        engine.dispose()
        with self.app.app_context():
            publish(db.session(), "old")
            publish(db.session(), "new")

    def status(self, path: str, **headers: str) -> int:
        return self.app.test_client().get(path, headers=headers).status_code


@pytest.fixture
def pair(postgres_databases: PostgresDatabases, tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(postgres_databases, tmp_path)
    yield pair
    close_apps()
    for url in (pair.url, pair.replica_url):
        postgres_databases.drop(url)


def test_visitors_see_what_the_replica_has(pair: Pair) -> None:
    assert pair.status("/project/old/") == 200
    assert pair.status("/project/new/") == 404
    assert pair.status("/rss/project/new/releases.xml") == 404
    names = pair.app.test_client().get("/sitemap.xml").text
    assert "/project/old/" in names
    assert "/project/new/" not in names


def test_tools_never_do(pair: Pair) -> None:
    assert pair.status("/simple/new/") == 200
    assert pair.status("/pypi/new/json") == 200


def test_whoever_may_have_changed_something_does_not(pair: Pair) -> None:
    with pair.app.app_context():
        user = make_user(db.session())
        _, secret = make_token(db.session(), user)
        browser = Browser(pair.app)
        browser.log_in_as(user.id)
    assert browser.get("/project/new/").status_code == 200
    authorization = basic("__token__", secret)
    assert pair.status("/rss/project/new/releases.xml", Authorization=authorization) == 200


def test_a_request_that_writes_reads_what_it_wrote(pair: Pair) -> None:
    @pair.app.before_request
    def write() -> None:
        with write_transaction(db.session()):
            publish_now(db.session())

    def publish_now(session: Session) -> None:
        add_release(session, add_package(session, "just-now"))

    assert pair.status("/project/just-now/") == 200


def test_without_the_replica_the_database_answers(
    pair: Pair, postgres_databases: PostgresDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "LOOK_EVERY", 0.0)
    assert pair.status("/project/new/") == 404
    postgres_databases.drop(pair.replica_url)
    assert [pair.status("/project/new/") for _ in range(3)] == [200] * 3
    pair.replica_url = postgres_databases.create()


def test_a_replica_that_is_far_behind_is_not_read(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "MOST_BEHIND", -1)
    assert pair.status("/project/new/") == 200


def test_it_has_to_be_postgresql(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="PACKSLIP_DATABASE_REPLICA_URL must be an address"):
        make_app(tmp_path, f"sqlite:///{tmp_path}/x.db", PACKSLIP_DATABASE_REPLICA_URL="sqlite:///")
