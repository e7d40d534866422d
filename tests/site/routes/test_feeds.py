"""Feeds."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree as ET

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from tests.helpers.packages import add_package, add_release
from tests.helpers.upstream_pages import mirror, upstream_file

BASE = "http://packages.example.com"


def items(client: FlaskClient, path: str) -> list[dict[str, str | None]]:
    response = client.get(path)
    assert response.mimetype == "application/rss+xml"
    root = ET.fromstring(response.text)
    assert root.get("version") == "2.0"
    return [{child.tag: child.text for child in item} for item in root.iter("item")]


def test_updates_list_the_newest_releases_first(client: FlaskClient, session: Session) -> None:
    package = add_package(session, "Demo", summary="One & <two>")
    add_release(session, package, "1.0")
    add_release(session, package, "2.0")
    found = items(client, "/rss/updates.xml")
    assert [item["title"] for item in found] == ["Demo 2.0", "Demo 1.0"]
    assert found[0]["link"] == f"{BASE}/project/demo/2.0/"
    assert found[0]["description"] == "One & <two>"
    assert parsedate_to_datetime(str(found[0]["pubDate"])).tzinfo is not None


def test_new_packages_are_listed(client: FlaskClient, session: Session) -> None:
    for name in ("alpha", "beta"):
        add_package(session, name)
    assert [item["title"] for item in items(client, "/rss/packages.xml")] == ["beta", "alpha"]


def test_one_package_has_a_feed_of_its_releases(client: FlaskClient, session: Session) -> None:
    add_release(session, add_package(session, "alpha"), "1.0")
    add_release(session, add_package(session, "beta"), "2.0")
    found = items(client, "/rss/project/alpha/releases.xml")
    assert [item["title"] for item in found] == ["alpha 1.0"]
    assert client.get("/rss/project/gamma/releases.xml").status_code == 404


def test_what_upstream_publishes_is_told_on_its_own_pages_alone(
    client: FlaskClient, session: Session
) -> None:
    add_release(session, add_package(session, "ours"), "1.0")
    days = [datetime(2024, 5, day, tzinfo=UTC) for day in (1, 2, 3)]
    # In the order of their versions, which is not that in which they came.
    theirs = [
        upstream_file(f"theirs-{version}.tar.gz", uploaded_at=day)
        for version, day in zip(("1.0", "2.0", "1.1"), days, strict=True)
    ]
    mirror(session, "theirs", *theirs)
    session.commit()
    assert [item["title"] for item in items(client, "/rss/updates.xml")] == ["ours 1.0"]
    assert [item["title"] for item in items(client, "/rss/packages.xml")] == ["ours"]
    home = client.get("/").text
    assert "ours 1.0" in home
    assert "theirs" not in home
    sitemap = client.get("/sitemap.xml").text
    assert "/project/ours/" in sitemap
    assert "theirs" not in sitemap
    found = items(client, "/rss/project/theirs/releases.xml")
    assert [item["title"] for item in found] == ["theirs 1.1", "theirs 2.0", "theirs 1.0"]
    assert [parsedate_to_datetime(str(item["pubDate"])) for item in found] == [
        days[2],
        days[1],
        days[0],
    ]


def test_characters_that_xml_does_not_know_are_left_out(
    client: FlaskClient, session: Session
) -> None:
    add_release(session, add_package(session, summary="bell\x07 \x1b[31mred"))
    assert items(client, "/rss/updates.xml")[0]["description"] == "bell [31mred"
