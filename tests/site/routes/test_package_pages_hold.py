"""What holds for every page of a package, whatever its texts are and however many."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from tests.helpers.packages import add_file, add_package, add_release
from tests.helpers.statements import statements

from packslip.accounts.models import User
from packslip.packages.models import Maintainer, Package, Requirement

HOSTILE = "<script>alert(1)</script>"
MARKDOWN = "text/markdown"

PAGES = (
    "/project/demo/",
    "/project/demo/1.0/",
    "/project/demo/releases/",
    "/project/demo/files/",
    "/project/demo/1.0/files/",
    "/project/demo/dependencies/",
    "/project/demo/1.0/dependencies/",
    "/project/demo/downloads/",
)


def add_described(session: Session, package: Package, version: str = "1.0", **said: Any) -> None:
    release = add_release(session, package, version, core_metadata={"name": "demo"} | said)
    add_file(session, release, f"demo-{version}.tar.gz")


@pytest.mark.parametrize("path", PAGES)
def test_texts_from_a_package_are_never_markup(
    client: FlaskClient, session: Session, path: str
) -> None:
    package = add_package(
        session,
        name="demo",
        summary=HOSTILE,
        description=HOSTILE,
        status_reason=HOSTILE,
        status="archived",
    )
    package.name = HOSTILE
    package.maintainers.append(Maintainer(user=User(username="ada", name=HOSTILE)))
    release = add_release(
        session,
        package,
        yanked=True,
        yanked_reason=HOSTILE,
        core_metadata={
            "name": "demo",
            "summary": HOSTILE,
            "description": f"{HOSTILE}\n\n[x](javascript:alert(1)) <a onclick=x>y</a>",
            "description_content_type": MARKDOWN,
            "author": HOSTILE,
            "author_email": f'"{HOSTILE}" <a@b.example>, x?bcc=y@b.example',
            "maintainer": HOSTILE,
            "license": HOSTILE,
            "keywords": [HOSTILE],
            "classifier": [f"{HOSTILE} :: {number}" for number in range(10_000)],
            "project_url": [f"{HOSTILE}, https://x.example/{HOSTILE}", "x, javascript:alert(1)"],
            "home_page": "javascript:alert(1)",
            "requires_python": HOSTILE,
            "requires_dist": [HOSTILE, f'lib; extra == "{HOSTILE}"'] + ["lib"] * 10_000,
            "provides_extra": [HOSTILE],
        },
    )
    add_file(session, release, "demo-1.0.tar.gz", requires_python=HOSTILE, tags=HOSTILE)
    session.add(Requirement(package_id="demo", required_id="demo", text=HOSTILE))
    session.commit()
    page = client.get(path).text
    assert HOSTILE not in page
    assert 'href="javascript:' not in page
    assert "onclick" not in page
    assert "mailto:x?" not in page
    assert len(page) < 200_000


def test_statements_do_not_grow_and_read_no_texts_that_are_not_shown(
    client: FlaskClient, session: Session
) -> None:
    package = add_package(session)
    add_described(session, package, requires_dist=["lib"])
    session.add(Maintainer(user=User(username="ada"), package=package))
    session.commit()
    before = {path: statements(client, path) for path in PAGES}
    for number in range(20):
        user = User(username=f"user{number}")
        session.add(Maintainer(user=user, package=package))
        add_described(session, package, f"0.{number}", requires_dist=[f"lib{n}" for n in range(9)])
        release = add_release(session, package, f"0.{number}.1")
        add_file(session, release, f"demo-0.{number}.1.tar.gz", uploader=user)
    session.commit()
    for path in PAGES:
        after = statements(client, path)
        assert len(after) == len(before[path]), path
        assert len(after) <= 13, path
        assert not any("packages.description," in one for one in after), path
    for path in ("/project/demo/releases/", "/project/demo/files/", "/project/demo/downloads/"):
        assert not any("releases.metadata" in one for one in statements(client, path)), path
