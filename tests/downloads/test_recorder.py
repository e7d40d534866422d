from __future__ import annotations

import errno
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from structlog.testing import capture_logs
from tests.helpers.app import make_app

from packslip.downloads.drain import drain
from packslip.downloads.models import Download
from packslip.downloads.recorder import DownloadRecorder, current_recorder
from packslip.downloads.spool import SpoolWriter, list_spools, read_batch
from packslip.setting_choices import DownloadAddresses
from packslip.web.context import current_settings
from packslip.web.metrics import Metrics


class NoDrainer:
    """Stands for a `Drainer` that does nothing."""

    def __init__(self) -> None:
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1

    def stop(self) -> None:
        pass


def make_recorder(
    folder: Path, addresses: DownloadAddresses = DownloadAddresses.WHOLE
) -> DownloadRecorder:
    return DownloadRecorder(SpoolWriter(folder), addresses, NoDrainer(), Metrics("1"))  # type: ignore[arg-type]


def record(recorder: DownloadRecorder, **fields: Any) -> None:
    values = {
        "package_id": "demo",
        "release_id": 1,
        "filename": "demo-1.0.tar.gz",
        "address": "192.0.2.77",
        "user_agent": "pip/26.3",
    }
    recorder.record(**(values | fields))


def test_a_download_is_in_the_spool_when_record_returns(tmp_path: Path) -> None:
    recorder = make_recorder(tmp_path)
    before = datetime.now(UTC)
    record(recorder, user_id=2, token_id=3)
    (spool,) = list_spools(tmp_path)
    (found,) = read_batch(spool, 0, finished=False).records
    assert before <= found.at <= datetime.now(UTC)
    assert (found.package, found.release, found.file) == ("demo", 1, "demo-1.0.tar.gz")
    assert (found.address, found.user_agent) == ("192.0.2.77", "pip/26.3")
    assert (found.user, found.token) == (2, 3)


@pytest.mark.parametrize("addresses", [DownloadAddresses.SHORTENED, DownloadAddresses.NONE])
def test_an_address_that_is_not_kept_is_never_on_disk(
    tmp_path: Path, addresses: DownloadAddresses
) -> None:
    record(make_recorder(tmp_path, addresses))
    (spool,) = list_spools(tmp_path)
    assert b"192.0.2.77" not in spool.read_bytes()
    assert (b"192.0.2.0" in spool.read_bytes()) == (addresses is DownloadAddresses.SHORTENED)


def test_a_long_user_agent_is_cut(tmp_path: Path) -> None:
    record(make_recorder(tmp_path), user_agent="x" * 100_000)
    assert list_spools(tmp_path)[0].stat().st_size < 3000


@pytest.mark.parametrize("fields", [{"user_agent": None}, {"filename": "\udcff"}])
def test_what_cannot_be_recorded_is_logged_and_not_raised(
    tmp_path: Path, fields: dict[str, Any]
) -> None:
    with capture_logs() as logs:
        record(make_recorder(tmp_path), **fields)
    assert [entry["event"] for entry in logs] == ["recording a download failed"]


def test_a_full_disk_is_logged_once_and_nothing_is_lost_when_it_heals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    recorder = make_recorder(tmp_path)
    with capture_logs() as logs:
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            for number in range(3):
                record(recorder, release_id=number)
        record(recorder, release_id=3)
    assert [entry["event"] for entry in logs] == [
        "downloads cannot be recorded",
        "downloads can be recorded again",
    ]
    (spool,) = list_spools(tmp_path)
    found = read_batch(spool, 0, finished=False).records
    assert [entry.release for entry in found] == [0, 1, 2, 3]


def test_an_application_starts_nothing_before_its_first_record(app: Flask) -> None:
    assert not current_settings().downloads_folder.exists()
    assert not [thread for thread in threading.enumerate() if thread.name == "drain"]


def test_what_an_application_records_becomes_a_row(app: Flask, session: Session) -> None:
    record(current_recorder())
    current_recorder().close()
    row = session.scalars(select(Download)).one()
    assert (row.package_id, row.ip_address, row.installer) == ("demo", "192.0.2.77", "pip")


def test_an_application_keeps_addresses_as_its_settings_say(
    database_url: str, tmp_path: Path
) -> None:
    app = make_app(tmp_path, database_url, PACKSLIP_DOWNLOAD_ADDRESSES="none")
    with app.app_context():
        recorder = current_recorder()
        record(recorder)
        recorder.close()
        from packslip.db import db  # noqa: PLC0415

        drain(db.session(), current_settings().downloads_folder)
        assert db.session().scalars(select(Download.ip_address)).all() == [None]
        db.session.remove()
        db.engine.dispose()
