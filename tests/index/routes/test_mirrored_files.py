"""Files that come from upstream while they are sent."""

from __future__ import annotations

import errno
import os
import random
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from tests.helpers.fetching import downloads, get
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
from tests.helpers.upstream import answer as whole_answer
from tests.helpers.upstream import scripted_upstream

from packslip.errors import PackslipError, StorageFullError
from packslip.mirror import current, following, parts, transfer
from packslip.mirror.fetches import current_fetches
from packslip.mirror.models import MirrorFile
from packslip.mirror.parts import HEAD
from packslip.packages.models import File, Package, Release
from packslip.web.context import current_settings, current_storage

SMALL = b"0123456789"
DATA = random.Random(7).randbytes(700_000)
OTHER = random.Random(8).randbytes(700_000)


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "PAUSE", 0.01)


@pytest.fixture
def upstream(app: Flask) -> Iterator[FileUpstream]:
    with file_upstream() as found:
        change(app, upstream_url=f"{found.url}/simple/")
        yield found
        current_fetches().stop()


def part_files() -> list[Path]:
    return list((current_settings().data / "mirror").glob("*.part"))


def test_a_file_is_fetched_when_it_is_asked_for_first_and_kept(
    session: Session, client: FlaskClient, upstream: FileUpstream
) -> None:
    file = add_mirrored_file(session, upstream.add(DATA), DATA)
    first = get(client, path_of(file))
    assert (first.status_code, first.data) == (200, DATA)
    assert first.headers["Content-Length"] == str(len(DATA))
    assert first.headers["ETag"] == f'"{sha256(DATA).hexdigest()}"'
    settle(session)
    again = get(client, path_of(file), Range="bytes=1-3")
    assert (again.status_code, again.data) == (206, DATA[1:4])
    assert len(upstream.requests) == 1
    assert not part_files()
    mirrored = session.get_one(MirrorFile, file.id)
    assert mirrored.kept_at is not None
    assert mirrored.used_at is not None
    assert [row.file for row in downloads(session)] == [WHEEL]


def test_one_request_goes_upstream_however_many_clients_ask(
    app: Flask, session: Session, upstream: FileUpstream
) -> None:
    pause = Manner(wait_after=200_000)
    path = path_of(add_mirrored_file(session, upstream.add(DATA, WHEEL, pause), DATA))
    began = threading.Barrier(6)

    def ask(_: int) -> bytes:
        response = app.test_client().get(path)
        body = iter(response.iter_encoded())
        head = next(body)
        # All of them have the beginning before upstream has sent the end.
        began.wait(20)
        pause.wait_for.set()
        return head + b"".join(body)

    session.rollback()
    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(ask, range(6))) == {DATA}
    assert len(upstream.requests) == 1
    settle(session)
    assert len(downloads(session)) == 6


def test_a_client_that_goes_away_does_not_end_the_fetch(
    session: Session, client: FlaskClient, upstream: FileUpstream
) -> None:
    pause = Manner(wait_after=200_000)
    file = add_mirrored_file(session, upstream.add(DATA, WHEEL, pause), DATA)
    client.get(path_of(file)).close()
    pause.wait_for.set()
    settle(session)
    assert session.get_one(File, file.id).storage_key is not None
    assert not downloads(session)


@pytest.mark.parametrize("data", [SMALL, DATA])
def test_wrong_bytes_are_never_whole_and_not_asked_for_again_soon(
    session: Session, client: FlaskClient, upstream: FileUpstream, data: bytes
) -> None:
    bad = data[::-1]
    file = add_mirrored_file(session, upstream.add(bad), data)
    if data is SMALL:
        answer = get(client, path_of(file))
        assert answer.status.startswith(f"502 Upstream sent wrong bytes for {WHEEL}: its sha256")
    else:
        answer, got = client.get(path_of(file)), b""
        with pytest.raises(PackslipError):
            for block in answer.iter_encoded():
                got += block
        assert len(got) < len(data)
        answer.close()
    settle(session)
    refused = get(client, path_of(file))
    assert refused.status.startswith(f"502 The mirror refuses {WHEEL}: Upstream sent other bytes")
    settle(session)
    assert len(upstream.requests) == 1
    assert actions(session).count("mirror.refuse-file") == 1
    assert not downloads(session)
    assert session.get_one(File, file.id).storage_key is None
    # Later, it is tried again; upstream may have mended it.
    session.get_one(MirrorFile, file.id).retry_at = file.uploaded_at
    session.commit()
    upstream.add(data)
    assert get(client, path_of(file)).data == data
    settle(session)
    assert session.get_one(MirrorFile, file.id).refused is None


def test_a_file_that_ends_early_again_and_again_is_cut_for_the_client_too(
    session: Session, client: FlaskClient, upstream: FileUpstream
) -> None:
    manners = Manner(cut_after=300_000), Manner(cut_after=0)
    file = add_mirrored_file(session, upstream.add(DATA, WHEEL, *manners), DATA)
    answer = client.get(path_of(file))
    with pytest.raises(PackslipError):
        b"".join(answer.iter_encoded())
    answer.close()
    settle(session)
    assert actions(session).count("mirror.lose-file") == 1
    # The next one goes on from there.
    upstream.add(DATA)
    assert get(client, path_of(file)).data == DATA
    assert upstream.requests[-1][1] == "bytes=300000-"
    settle(session)


@pytest.mark.parametrize(
    ("status", "told"), [(503, "502 "), (404, f"404 Upstream has no file {WHEEL} any more.")]
)
def test_what_fails_before_the_first_byte_is_told_with_its_reason(
    session: Session, client: FlaskClient, upstream: FileUpstream, status: int, told: str
) -> None:
    file = add_mirrored_file(session, upstream.add(SMALL, WHEEL, Manner(status=status)), SMALL)
    assert get(client, path_of(file)).status.startswith(told)
    settle(session)
    assert not downloads(session)


def test_silence_is_a_time_out_and_the_fetch_goes_on(
    session: Session,
    client: FlaskClient,
    upstream: FileUpstream,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "PATIENCE", 0.2)
    pause = Manner(wait_before=True)
    path = path_of(add_mirrored_file(session, upstream.add(SMALL, WHEEL, pause), SMALL))
    assert get(client, path).status.startswith(f"504 The mirror got nothing of {WHEEL} within")
    pause.wait_for.set()
    settle(session)
    assert get(client, path).data == SMALL
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("came", [0, 1000, following.HELD_BACK])
def test_an_upstream_that_hangs_before_anything_could_be_sent_is_a_time_out_too(
    session: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, app: Flask, came: int
) -> None:
    monkeypatch.setattr(following, "PATIENCE", 0.2)
    with scripted_upstream() as upstream:
        change(app, upstream_url=upstream.simple_url)
        release = threading.Event()
        whole = whole_answer(DATA, ETag='"1"')
        start = len(whole) - len(DATA) + came
        upstream.script(f"/{WHEEL}", whole[:start], release, whole[start:])
        path = path_of(add_mirrored_file(session, f"{upstream.url}/{WHEEL}", DATA))
        found = get(client, path)
        # How much of it came by then is up to the machine.
        amount = rf"nothing|only \d{{1,{len(str(came))}}} bytes" if came else "nothing"
        told = rf"504 The mirror got ({amount}) of {re.escape(WHEEL)} within 0 s\."
        assert re.fullmatch(told, found.status)
        assert "Content-Length" not in found.headers or found.content_length == len(found.data)
        release.set()
        settle(session)
        assert get(client, path).data == DATA
        assert len(upstream.requests) == 1


def test_an_upstream_that_hangs_after_the_first_byte_is_a_cut(
    session: Session, client: FlaskClient, app: Flask
) -> None:
    with scripted_upstream() as upstream:
        change(app, upstream_url=upstream.simple_url)
        [one] = current.current_mirror().upstreams
        hasty = replace(current.current_mirror(), upstreams=(replace(one, read_timeout=0.1),))
        app.extensions["packslip_mirror"] = hasty
        whole = whole_answer(DATA, ETag='"1"')
        upstream.script(f"/{WHEEL}", whole[:300_000], threading.Event())
        path = path_of(add_mirrored_file(session, f"{upstream.url}/{WHEEL}", DATA))
        found = client.get(path)
        assert (found.status_code, found.content_length) == (200, len(DATA))
        sent = bytearray()
        with pytest.raises(PackslipError):
            for block in found.iter_encoded():
                sent += block
        found.close()
        assert 0 < len(sent) < 300_000
        assert DATA.startswith(bytes(sent))
        settle(session)
        assert not downloads(session)


@pytest.mark.parametrize("room", [0, 300_000])
def test_a_full_disk_is_told_and_nothing_remains(
    session: Session,
    client: FlaskClient,
    upstream: FileUpstream,
    monkeypatch: pytest.MonkeyPatch,
    room: int,
) -> None:
    write = os.pwrite

    def pwrite(descriptor: int, data: bytes, position: int) -> int:
        if position > HEAD + room or not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data, position)

    monkeypatch.setattr(parts.os, "pwrite", pwrite)
    pause = Manner(wait_after=250_000)
    path = path_of(add_mirrored_file(session, upstream.add(DATA, WHEEL, pause), DATA))
    answer = client.get(path)
    pause.wait_for.set()
    if room:
        with pytest.raises(StorageFullError):
            b"".join(answer.iter_encoded())
    else:
        assert answer.status == "507 There is no room left for files of the mirror."
    answer.close()
    settle(session)
    assert not part_files()


def test_head_and_a_client_that_has_it_ask_for_nothing(
    session: Session, client: FlaskClient, upstream: FileUpstream
) -> None:
    file = add_mirrored_file(session, upstream.add(DATA), DATA)
    head = client.head(path_of(file))
    assert head.headers["Content-Length"] == str(len(DATA))
    known = get(client, path_of(file), If_None_Match=f'"{file.sha256}"')
    assert known.status_code == 304
    assert not upstream.requests


def test_a_part_of_what_is_not_held_comes_when_it_is(
    session: Session, client: FlaskClient, upstream: FileUpstream
) -> None:
    path = path_of(add_mirrored_file(session, upstream.add(DATA), DATA))
    part = get(client, path, Range="bytes=-5")
    assert (part.status_code, part.data) == (206, DATA[-5:])
    assert upstream.requests == [(f"/{WHEEL}", None)]


def test_a_file_without_a_digest_has_an_address_of_its_own_and_gets_one(
    session: Session, client: FlaskClient, upstream: FileUpstream
) -> None:
    file = add_mirrored_file(session, upstream.add(DATA, WHEEL, Manner(length=False)))
    path = path_of(file)
    assert path == f"/files/by-name/{file.id}/{WHEEL}"
    first = get(client, path)
    assert first.data == DATA
    assert first.cache_control.no_store
    settle(session)
    assert session.get_one(File, file.id).sha256 == sha256(DATA).hexdigest()
    assert session.get_one(File, file.id).size == len(DATA)
    assert get(client, path).data == DATA
    assert get(client, f"/files/by-name/{file.id}/other.whl").status_code == 404
    assert len(upstream.requests) == 1


def test_bytes_that_are_gone_from_the_storage_are_fetched_again(
    session: Session, client: FlaskClient, upstream: FileUpstream
) -> None:
    file = add_mirrored_file(session, upstream.add(SMALL), SMALL)
    get(client, path_of(file))
    settle(session)
    current_storage().delete(session.get_one(File, file.id).storage_key or "")
    assert get(client, path_of(file)).data == SMALL
    settle(session)
    assert len(upstream.requests) == 2


def test_keeping_one_drops_another_that_has_no_room(
    app: Flask, session: Session, client: FlaskClient, upstream: FileUpstream
) -> None:
    change(app, mirror_size=len(DATA))
    names = (WHEEL, "demo-1.0.tar.gz")
    files = [add_mirrored_file(session, upstream.add(DATA, name), DATA, name) for name in names]
    for file in files:
        assert get(client, path_of(file)).data == DATA
        settle(session)
    assert [session.get_one(File, file.id).storage_key is None for file in files] == [True, False]


def test_what_is_held_or_quarantined_is_not_even_asked_for(
    session: Session, client: FlaskClient, upstream: FileUpstream
) -> None:
    file = add_mirrored_file(session, upstream.add(SMALL), SMALL)
    session.get_one(Release, file.release_id).held_reason = "On hold by ada: bad (note 1)"
    session.commit()
    assert get(client, path_of(file)).status == "403 On hold by ada: bad (note 1)"
    session.get_one(Package, "demo").status = "quarantined"
    session.commit()
    assert get(client, f"{path_of(file)}.metadata").status_code == 403
    assert not upstream.requests


def test_a_reserved_name_is_not_asked_for(
    app: Flask, session: Session, client: FlaskClient, upstream: FileUpstream
) -> None:
    file = add_mirrored_file(session, upstream.add(SMALL), SMALL)
    change(app, reserved_names=("dem*",))
    assert get(client, path_of(file)).status_code == 502
    settle(session)
    assert not upstream.requests
