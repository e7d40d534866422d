"""Every link of the site leads somewhere, for whoever sees it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_token, make_user
from tests.helpers.app import make_app
from tests.helpers.browsing import Browser
from tests.helpers.databases import SQLiteDatabases
from tests.helpers.distributions import build_sdist, build_wheel
from tests.helpers.downloads import add_downloads
from tests.helpers.links import Crawl
from tests.helpers.packages import add_package
from tests.helpers.publishing import upload

from packslip.accounts.models import Role, User
from packslip.db import db, write_transaction
from packslip.notes.yanks import yank_release
from packslip.packages.maintainer_invitations import invite_maintainer
from packslip.packages.models import Maintainer, MaintainerRole, Package
from packslip.packages.queries import get_release
from packslip.web.context import current_storage

#: Names of licences and languages that are hard to write into an address.
ODD = ("http://licences.example.com/a?b=c#d", "../..", "C++ / C#, 100% Ωmega & <co>")

STARTS = ("/", "/sitemap.xml", "/robots.txt", "/user/ada/")


def fill(session: Session, folder: Path) -> dict[str, User]:
    """People, and packages that have all that pages show."""
    ada = make_user(session, "ada", name="Ada King")
    gone, root = make_user(session, "gone"), make_user(session, "root", role=Role.ADMIN)
    storage = current_storage()
    odd = build_wheel(
        folder,
        "odd",
        "1.0",
        license=ODD[0],
        classifier=[f"Programming Language :: {name}" for name in ODD],
        requires_dist=["rich>=1", "elsewhere"],
    )
    upload(session, storage, ada, odd)
    rich = {
        "summary": "All that there is",
        "description": "# Rich\n\n[dead](nowhere.html) ![remote](https://images.example.com/x.png)",
        "description_content_type": "text/markdown",
        "license_expression": "MIT",
        "classifier": ["Programming Language :: Python :: 3", "Topic :: Utilities"],
        "project_url": ["Homepage, https://example.com"],
        "requires_dist": ["odd", "empty ; extra == 'more'"],
        "provides_extra": ["more"],
        "author_email": "Ada <ada@example.com>",
    }
    for version in ("1.0", "1.1", "2.0rc1"):
        upload(session, storage, ada, build_wheel(folder, "rich", version, **rich))
    upload(session, storage, ada, build_sdist(folder, "rich", "1.1", **rich))
    add_package(session, "empty", status="archived", status_reason="unused")
    with write_transaction(session):
        package = session.get_one(Package, "rich")
        yank_release(session, ACTOR, ada, get_release(session, package, "1.0"), "broken")
        session.add(Maintainer(user=gone, package=package, role=MaintainerRole.MAINTAINER))
        gone.disabled_at = datetime.now(UTC)
        add_downloads(
            session,
            {"created_at": datetime.now(UTC), "package_id": "rich", "release_id": 3,
             "user_id": root.id},
        )  # fmt: skip
        empty = session.get_one(Package, "empty")
        invite_maintainer(session, ACTOR, empty, ada, MaintainerRole.OWNER, invited_by=root)
    make_token(session, ada, packages=["rich"])
    return {"ada": ada, "root": root}


@pytest.fixture(params=["public", "members"])
def app(request: pytest.FixtureRequest, tmp_path: Path, sqlite_databases: SQLiteDatabases) -> Flask:
    database = sqlite_databases.create(tmp_path)
    return make_app(tmp_path, database, PACKSLIP_READ=request.param)


def test_every_link_leads_somewhere(app: Flask, tmp_path: Path) -> None:
    folder = tmp_path / "distributions"
    folder.mkdir()
    with app.app_context():
        keys = {name: user.id for name, user in fill(db.session(), folder).items()}
        is_public = app.config["PACKSLIP_READ"] == "public"
    visited: dict[str, set[str]] = {}
    for name in ("nobody", "ada", "root") if is_public else ("nobody",):
        browser = Browser(app)
        if name in keys:
            browser.log_in_as(keys[name])
        crawl = Crawl(browser)
        crawl.run(*(STARTS if is_public else ("/", "/robots.txt")))
        assert crawl.faults == [], name
        visited[name] = set(crawl.ids)
    if is_public:
        assert {"/stats/", "/browse/licenses/MIT/", "/project/rich/1.0/"} <= visited["nobody"]
        assert "/user/gone/" not in visited["root"]
        assert "/project/rich/settings/removal/" in visited["ada"] - visited["nobody"]
        assert "/admin/users/gone" in str(visited["root"] - visited["ada"])
