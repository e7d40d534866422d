"""The home page."""

from __future__ import annotations

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from tests.helpers.downloads import add_downloads
from tests.helpers.packages import add_file, add_package, add_release


def test_an_empty_index_explains_itself(client: FlaskClient) -> None:
    page = client.get("/").text
    assert "Nothing is here yet" in page
    assert "uv publish --publish-url http://packages.example.com/legacy/" in page
    assert "http://packages.example.com/legacy/" in page


def test_the_home_page_counts_and_lists_the_newest(client: FlaskClient, session: Session) -> None:
    for name in ("alpha", "beta"):
        release = add_release(session, add_package(session, name))
        add_file(session, release, f"{name}-1.0.tar.gz")
    add_downloads(session, {"package_id": "alpha"})
    session.commit()
    page = client.get("/").text
    assert "<strong>2</strong> packages" in page
    assert "<strong>1</strong> download<" in page
    assert page.index("/project/beta/1.0/") < page.index("/project/alpha/1.0/")
