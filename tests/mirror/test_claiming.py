"""Names of upstream's packages need an admin's word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from packaging.utils import NormalizedName
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.app import make_app
from tests.helpers.packages import add_package
from tests.helpers.upstream_pages import mirror, upstream_file

from packslip.accounts.models import Role, User
from packslip.db import write_transaction
from packslip.events.models import Action, Event
from packslip.index.queries import package_page
from packslip.mirror.claiming import UpstreamNameError, take_name
from packslip.mirror.current import current_mirror
from packslip.mirror.models import MirrorPage
from packslip.packages.models import Origin, Package
from packslip.packages.queries import UnknownPackageError, find_maintainer

DEMO = NormalizedName("demo")


@pytest.fixture
def app(tmp_path: Path, database_url: str) -> Iterator[Flask]:
    app = make_app(
        tmp_path,
        database_url,
        PACKSLIP_UPSTREAM_URL="https://packages.example.com/simple/",
        PACKSLIP_RESERVED_NAMES="acme-*",
    )
    with app.app_context():
        yield app


def take(session: Session, user: User, name: str = "demo") -> None:
    with write_transaction(session):
        take_name(session, user, ACTOR, name)


def test_a_member_cannot_upload_under_a_mirrored_name(session: Session) -> None:
    mirror(session, "demo", upstream_file("demo-1.0.tar.gz"))
    with pytest.raises(UpstreamNameError, match="belongs to a package of upstream"):
        take(session, make_user(session))


def test_a_name_that_only_the_list_of_names_has_is_refused_too(session: Session) -> None:
    [upstream] = current_mirror().upstreams
    current_mirror().names_of(upstream).replace(["demo", "acme-demo"])
    member = make_user(session)
    with pytest.raises(UpstreamNameError):
        take(session, member)
    for free in ("other", "acme-demo"):
        take(session, member, free)
    take(session, make_user(session, "root", role=Role.ADMIN))


def test_a_hosted_package_is_nobodys_else_whatever_upstream_has(session: Session) -> None:
    add_package(session)
    session.commit()
    [upstream] = current_mirror().upstreams
    current_mirror().names_of(upstream).replace(["demo"])
    take(session, make_user(session))


def test_an_admin_takes_the_name_over_and_nothing_of_upstream_stays(session: Session) -> None:
    mirror(session, "demo", upstream_file("demo-1.0.tar.gz"), status="deprecated")
    admin = make_user(session, "root", role=Role.ADMIN)
    take(session, admin)
    package = session.get_one(Package, "demo")
    assert (package.origin, package.status, package.releases) == (Origin.HOSTED, "active", [])
    assert find_maintainer(session, "demo", admin) is not None
    assert session.get(MirrorPage, "demo") is None
    assert session.scalar(select(Event.action).order_by(Event.id.desc())) == Action.MIRROR_CLAIM
    with pytest.raises(UnknownPackageError):
        package_page(session, DEMO, with_unkept=True)
