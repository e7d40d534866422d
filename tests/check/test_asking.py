"""Lock files that name packages which only upstream has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.app import make_app
from tests.helpers.packages import add_package
from tests.helpers.upstream import ScriptedUpstream, answer, entry, scripted_upstream

from packslip.check import asking
from packslip.check.findings import Kind
from packslip.check.queries import check_lock
from packslip.check.readers.reading import read_lock
from packslip.check.viewers import OPERATOR, Viewer
from packslip.db import db


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with scripted_upstream() as upstream:
        yield upstream


@pytest.fixture
def app(tmp_path: Path, database_url: str, upstream: ScriptedUpstream) -> Iterator[Flask]:
    url = upstream.simple_url
    app = make_app(
        tmp_path, database_url, PACKSLIP_UPSTREAM_URL=url, PACKSLIP_RESERVED_NAMES="acme-*"
    )
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def check(session: Session, text: str, viewer: Viewer = OPERATOR) -> dict[str, list[Kind]]:
    checked = check_lock(session, read_lock("requirements.txt", text.encode()), viewer)
    return {one.pin.name: [finding.kind for finding in one.findings] for one in checked.pins}


def test_packages_that_only_upstream_has_are_compared_with_its_digests(
    session: Session, upstream: ScriptedUpstream
) -> None:
    add_package(session, "ours")
    session.commit()
    digests = {"sha256": "a" * 64, "sha512": "b" * 128}
    upstream.page("demo", entry("demo-1.0.tar.gz", hashes=digests))
    upstream.page("other", entry("other-1.0.tar.gz", hashes=digests))
    found = check(
        session,
        f"demo==1.0 --hash=sha512:{'b' * 128}\nother==1.0 --hash=sha256:{'c' * 64}\n"
        "none==1\nours==1\nacme-tool==1\n",
    )
    assert found == {
        "demo": [],
        "other": [Kind.HASH],
        "none": [Kind.UNKNOWN_PACKAGE],
        "ours": [Kind.UNKNOWN_PACKAGE],
        "acme-tool": [Kind.UNKNOWN_PACKAGE],
    }
    assert sorted(upstream.paths()) == ["/simple/demo/", "/simple/none/", "/simple/other/"]
    upstream.forget()
    assert check(session, "demo==1.0\n") == {"demo": []}
    assert check(session, "hidden==1\n", Viewer(None, packages={"demo"}))
    assert upstream.paths() == []


def test_what_upstream_could_not_be_asked_is_not_said_to_be_unknown(
    session: Session, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.script("/simple/down/", answer(status="503 Service Unavailable"))
    [pin] = check_lock(session, read_lock("requirements.txt", b"down==1\n"), OPERATOR).pins
    assert "could not get this from" in pin.findings[0].text
    monkeypatch.setattr(asking, "PATIENCE", -1)
    [pin] = check_lock(session, read_lock("requirements.txt", b"late==1\n"), OPERATOR).pins
    assert "not asked yet" in pin.findings[0].text
