"""The metadata of files that come from upstream."""

from __future__ import annotations

import random
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.distributions import build_wheel
from tests.helpers.fetching import get
from tests.helpers.mirroring import (
    WHEEL,
    FileUpstream,
    Manner,
    actions,
    add_mirrored_file,
    change,
    file_upstream,
    path_of,
    settle,
)

from packslip.db import write_transaction
from packslip.events.models import Event
from packslip.mirror.alarm_words import text_of
from packslip.mirror.alarms import open_alarms
from packslip.mirror.fetches import current_fetches
from packslip.packages.metadata import inspect_metadata
from packslip.packages.models import File, Package, Release
from packslip.storage.protocol import kept_metadata_key
from packslip.web.context import current_storage

SMALL = b"0123456789"
METADATA = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"


@pytest.fixture
def upstream(app: Flask) -> Iterator[FileUpstream]:
    with file_upstream() as found:
        change(app, upstream_url=f"{found.url}/simple/")
        yield found
        current_fetches().stop()


def test_metadata_is_passed_on_and_kept(
    session: Session, client: FlaskClient, upstream: FileUpstream
) -> None:
    url = upstream.add(SMALL)
    upstream.add(METADATA, f"{WHEEL}.metadata")
    file = add_mirrored_file(session, url, SMALL, mirrored={"metadata_offered": "true"})
    for _ in range(2):
        answer = get(client, f"{path_of(file)}.metadata")
        assert (answer.status_code, answer.data) == (200, METADATA)
    assert upstream.requests == [(f"/{WHEEL}.metadata", None)]
    session.rollback()
    assert session.get_one(File, file.id).metadata_sha256 == sha256(METADATA).hexdigest()


def test_other_metadata_than_was_announced_is_refused_for_a_while(
    session: Session, client: FlaskClient, upstream: FileUpstream
) -> None:
    url = upstream.add(SMALL)
    upstream.add(METADATA, f"{WHEEL}.metadata")
    announced = sha256(b"other").hexdigest()
    file = add_mirrored_file(session, url, SMALL, mirrored={"metadata_offered": announced})
    for _ in range(2):
        answer = get(client, f"{path_of(file)}.metadata")
        assert answer.status.startswith(f"502 Upstream sent wrong bytes for {WHEEL}.metadata")
    assert len(upstream.requests) == 1
    assert actions(session).count("mirror.refuse-file") == 1


@pytest.mark.parametrize("ranges", [True, False])
def test_metadata_that_upstream_does_not_offer_is_made_from_the_wheel(
    session: Session, client: FlaskClient, upstream: FileUpstream, tmp_path: Path, ranges: bool
) -> None:
    code = {"demo/data.bin": random.Random(1).randbytes(900_000), "demo/__init__.py": ""}
    data = build_wheel(tmp_path, "demo", "1.0", files=code).read_bytes()
    file = add_mirrored_file(session, upstream.add(data, WHEEL, Manner(ranges=ranges)), data)
    answer = get(client, f"{path_of(file)}.metadata")
    assert b"Name: demo\n" in answer.data
    settle(session)
    row = session.get_one(File, file.id)
    assert row.metadata_sha256 == sha256(answer.data).hexdigest()
    assert row.metadata_is_static
    assert (row.storage_key is None) is ranges
    assert len(upstream.requests) <= 2


def test_metadata_of_wrong_parts_is_replaced_when_the_whole_wheel_comes(
    session: Session, client: FlaskClient, upstream: FileUpstream, tmp_path: Path
) -> None:
    code = {"demo/data.bin": random.Random(1).randbytes(200_000)}
    right, wrong = (
        build_wheel(tmp_path / name, "demo", "1.0", files=code, Summary=name).read_bytes()
        for name in ("right", "wrong")
    )
    url = upstream.add(right, WHEEL, Manner(data=wrong), Manner(data=wrong), Manner())
    file = add_mirrored_file(session, url, right, size=0)
    path = f"{path_of(file)}.metadata"
    made = get(client, path).data
    assert b"Summary: wrong" in made
    assert len(upstream.requests) < 3
    upstream.manners[f"/{WHEEL}"] = [Manner()]
    with write_transaction(session):
        release = session.get_one(Release, file.release_id)
        metadata = inspect_metadata(made)[0]
        assert metadata is not None
        release.core_metadata = metadata.as_json()
    assert get(client, path_of(file)).data == right
    settle(session)
    assert b"Summary: right" in get(client, path).data
    session.rollback()
    assert session.get_one(Release, file.release_id).core_metadata["summary"] == "right"
    event = session.scalars(select(Event).where(Event.action == "mirror.refuse-file")).one()
    assert event.data["filename"] == f"{WHEEL}.metadata"
    assert session.get_one(Package, "demo").serial == event.id
    [alarm] = open_alarms(session, "demo")
    assert "made of parts of a wheel" in text_of(alarm)
    wrong_key = kept_metadata_key(sha256(made).hexdigest(), WHEEL)
    assert not current_storage().exists(wrong_key)


def test_right_metadata_of_parts_stays_when_the_whole_wheel_comes(
    session: Session, client: FlaskClient, upstream: FileUpstream, tmp_path: Path
) -> None:
    code = {"demo/data.bin": random.Random(1).randbytes(200_000)}
    data = build_wheel(tmp_path, "demo", "1.0", files=code).read_bytes()
    file = add_mirrored_file(session, upstream.add(data), data)
    made = get(client, f"{path_of(file)}.metadata").data
    get(client, path_of(file))
    settle(session)
    assert get(client, f"{path_of(file)}.metadata").data == made
    assert "mirror.refuse-file" not in actions(session)


def test_a_source_distribution_without_metadata_has_none(
    session: Session, client: FlaskClient, upstream: FileUpstream
) -> None:
    url = upstream.add(SMALL, "demo-1.0.tar.gz")
    file = add_mirrored_file(session, url, SMALL, "demo-1.0.tar.gz")
    assert get(client, f"{path_of(file)}.metadata").status_code == 404
    assert not upstream.requests
