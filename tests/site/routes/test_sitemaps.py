"""Sitemaps and robots.txt."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree as ET

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from tests.helpers.search import add_found

from packslip.site.routes import sitemaps

BASE = "http://packages.example.com"
SPACE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def addresses(client: FlaskClient, path: str, kind: str) -> list[str]:
    root = ET.fromstring(client.get(path).text)
    assert root.tag == SPACE + kind
    return [str(loc.text) for loc in root.iter(f"{SPACE}loc")]


def test_every_address_of_the_sitemap_answers(client: FlaskClient, session: Session) -> None:
    for name in ("alpha", "beta"):
        add_found(session, name, license="a & b //c")
    found = addresses(client, "/sitemap.xml", "urlset")
    assert {f"{BASE}/", f"{BASE}/project/alpha/", f"{BASE}/browse/"} < set(found)
    assert len(found) == len(set(found)) == 9
    for address in found:
        assert client.get(address.removeprefix(BASE)).status_code == 200


def test_many_addresses_stand_in_several_sitemaps(
    client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        add_found(session, f"demo-{number}", license="MIT")
    whole = addresses(client, "/sitemap.xml", "urlset")
    # The pages that are no package's end within a sitemap, or with one.
    for most in (4, 7):
        monkeypatch.setattr(sitemaps, "MAX_ADDRESSES", most)
        parts = addresses(client, "/sitemap.xml", "sitemapindex")
        assert len(parts) == -(-len(whole) // most)
        pieces = [addresses(client, part.removeprefix(BASE), "urlset") for part in parts]
        assert max(map(len, pieces)) == most
        assert list(itertools.chain.from_iterable(pieces)) == whole
        assert client.get(f"/sitemap-{len(parts) + 1}.xml").status_code == 404


def test_robots_stay_out(client: FlaskClient) -> None:
    response = client.get("/robots.txt")
    assert response.mimetype == "text/plain"
    assert "Disallow: /" in response.text
