"""What the mirror does in the background."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.app import make_app
from tests.helpers.distributions import core_metadata
from tests.helpers.upstream import JSON, ScriptedUpstream, answer, entry, scripted_upstream

from packslip.mirror.current import current_mirror
from packslip.mirror.describing import describe
from packslip.mirror.keeper import NAMES_TTL, renew_names
from packslip.packages.models import Package


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with scripted_upstream() as upstream:
        yield upstream


@pytest.fixture
def app(tmp_path: Path, database_url: str, upstream: ScriptedUpstream) -> Iterator[Flask]:
    app = make_app(tmp_path, database_url, PACKSLIP_UPSTREAM_URL=upstream.simple_url)
    with app.app_context():
        yield app


def test_a_list_of_names_is_taken_again_when_it_is_old(
    app: Flask, upstream: ScriptedUpstream
) -> None:
    del app
    [one] = current_mirror().upstreams
    names = current_mirror().names_of(one)
    upstream.script("/simple/", answer(b'{"projects": [{"name": "Demo"}]}', Content_Type=JSON))
    assert renew_names(one) == 1
    assert renew_names(one) is None
    assert "demo" in names
    [file] = current_mirror().folder.glob("names-*.sqlite3")
    past = (datetime.now(UTC) - NAMES_TTL - timedelta(minutes=1)).timestamp()
    os.utime(file, (past, past))
    upstream.forget()
    page = b'<a href="demo/">demo</a><a href="other/">Other</a>'
    upstream.script("/simple/", answer(page, Content_Type="text/html"))
    assert renew_names(one) == 2
    assert "other" in names


def test_a_package_gets_the_texts_of_its_latest_release(
    app: Flask, session: Session, upstream: ScriptedUpstream
) -> None:
    wheels = [f"demo-{version}-py3-none-any.whl" for version in ("1.0", "2.0")]
    upstream.page("demo", *(entry(name, **{"core-metadata": True}) for name in wheels))
    assert app.test_client().get("/simple/demo/").status_code == 200
    metadata = core_metadata(
        "Demo", "2.0", summary="Does it.", license_expression="MIT", metadata_version="2.4"
    )
    upstream.script(f"/files/{wheels[1]}.metadata", answer(metadata))
    assert describe(session, "demo")
    assert not describe(session, "demo")
    package = session.get_one(Package, "demo")
    assert (package.name, package.summary, package.license_id) == ("Demo", "Does it.", "MIT")
    found = app.test_client().get("/search/?q=does").text
    assert "/project/demo/" in found


def test_a_package_without_metadata_stays_without_texts(
    app: Flask, session: Session, upstream: ScriptedUpstream
) -> None:
    upstream.page("demo", entry("demo-1.0.tar.gz"))
    assert app.test_client().get("/simple/demo/").status_code == 200
    assert not describe(session, "demo")
