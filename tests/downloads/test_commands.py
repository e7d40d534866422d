from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.downloads import add_downloads

from packslip.db import write_transaction
from packslip.downloads.commands import stats_command
from packslip.downloads.spool import DownloadRecord, SpoolWriter
from packslip.packages.models import Package
from packslip.packages.queries import UnknownPackageError
from packslip.web.context import current_settings


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(stats_command, arguments)


def add_download(session: Session, **fields: Any) -> None:
    with write_transaction(session):
        add_downloads(session, {"created_at": datetime.now(UTC)} | fields)


def test_packages_are_counted_by_default(app: Flask, session: Session) -> None:
    add_download(session)
    add_download(session)
    add_download(session, package_id="other")
    result = run(app)
    assert result.exit_code == 0
    assert result.stdout == "demo\t2\nother\t1\n"
    assert result.stderr == "3 downloads\n"


def test_the_releases_of_a_package_are_counted_by_default(app: Flask, session: Session) -> None:
    add_download(session, package_id="my-demo")
    add_download(session, package_id="other")
    assert run(app, "My_Demo").stdout == "my-demo\t(removed)\t1\n"


def test_json_says_what_was_counted(app: Flask, session: Session) -> None:
    add_download(session, installer="uv")
    add_download(session)
    data = json.loads(run(app, "demo", "--by", "installer", "--json").stdout)
    assert data == {
        "by": "installer",
        "package": "demo",
        "since": None,
        "downloads": 2,
        "counts": [{"installer": None, "downloads": 1}, {"installer": "uv", "downloads": 1}],
    }


def test_json_names_releases_by_package_and_version(app: Flask, session: Session) -> None:
    add_download(session)
    data = json.loads(run(app, "--by", "release", "--json").stdout)
    assert data["counts"] == [{"package": "demo", "release": None, "downloads": 1}]


def test_the_last_days_begin_with_a_whole_day(app: Flask, session: Session) -> None:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for moment in (midnight, midnight - timedelta(seconds=1), midnight - timedelta(days=1)):
        add_download(session, created_at=moment)
    assert json.loads(run(app, "--days", "1", "--json").stdout)["downloads"] == 1
    assert json.loads(run(app, "--days", "2", "--json").stdout)["downloads"] == 3


def test_what_is_not_in_the_table_yet_is_counted(app: Flask) -> None:
    writer = SpoolWriter(current_settings().downloads_folder)
    record = DownloadRecord(at=datetime.now(UTC), package="demo", release=1, file="x")
    writer.append(msgspec.json.encode(record))
    assert run(app).stdout == "demo\t1\n"


def test_a_package_without_downloads_has_none_and_no_package_is_an_error(
    app: Flask, session: Session
) -> None:
    with write_transaction(session):
        session.add(Package(id="demo", name="demo"))
    result = run(app, "demo")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "0 downloads\n")
    assert isinstance(run(app, "nothing").exception, UnknownPackageError)


def test_wrong_usage_has_its_own_exit_code(app: Flask) -> None:
    assert run(app, "--by", "colour").exit_code == 2
    assert run(app, "--days", "0").exit_code == 2
