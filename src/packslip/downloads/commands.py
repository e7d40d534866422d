"""The commands `packslip stats` and `packslip downloads`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import click
from flask.cli import with_appcontext
from packaging.utils import canonicalize_name

from packslip import db
from packslip.downloads.archive import archive_days
from packslip.downloads.drain import drain
from packslip.downloads.queries import By, DownloadCount, count_downloads, has_downloads
from packslip.downloads.recorder import open_archive
from packslip.packages.queries import get_package
from packslip.storage.factory import open_storage
from packslip.terminal import print_json, print_table
from packslip.web.context import current_settings


@click.command("stats", short_help="Count downloads.")
@click.argument("package", required=False)
@click.option(
    "--by",
    type=click.Choice([by.value for by in By]),
    help="What to count by. [default: package, or release when PACKAGE is given]",
)
@click.option("--days", type=click.IntRange(1, 36500), help="Only the last days; 1 is today (UTC).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def stats_command(package: str | None, by: str | None, days: int | None, as_json: bool) -> None:
    """Count the downloads of PACKAGE, or of all packages.

    Example: packslip stats requests --by python --days 90
    """
    session = db.session()
    drain(session, current_settings().downloads_folder)
    package_id = canonicalize_name(package) if package else None
    if package_id and not has_downloads(session, package_id):
        get_package(session, package_id)
    chosen = By(by) if by else By.RELEASE if package else By.PACKAGE
    first = _first_day(days) if days else None
    counts = count_downloads(session, chosen, package_id=package_id, first=first)
    total = sum(count.downloads for count in counts)
    if as_json:
        data = {"by": chosen, "package": package_id, "since": first, "downloads": total}
        print_json({**data, "counts": [_data(chosen, count) for count in counts]})
        return
    print_table([*_columns(chosen), "downloads"], [_row(chosen, count) for count in counts])
    click.echo(f"{total} downloads" if total != 1 else "1 download", err=True)


@click.group("downloads", short_help="Archive records of downloads.")
def download_commands() -> None:
    """Work on records of single downloads."""


@download_commands.command()
@click.option("--to", metavar="URL", help="Where to; default: PACKSLIP_DOWNLOADS_ARCHIVE.")
@with_appcontext
def archive(to: str | None) -> None:
    """Write all days that are over, and are not written yet, as Parquet.

    With PACKSLIP_DOWNLOADS_ARCHIVE the server does so once a day. What is there already is passed
    over, so the same command goes on where it was interrupted.
    """
    session, settings = db.session(), current_settings()
    storage = open_storage(to, staging=settings.staging_folder) if to else open_archive(settings)
    if storage is None:
        raise click.UsageError("Say --to, or set PACKSLIP_DOWNLOADS_ARCHIVE.")
    drain(session, settings.downloads_folder)
    days = rows = 0
    for day, number in archive_days(session, storage, datetime.now(UTC).date()):
        click.echo(f"{day.isoformat()}\t{number}")
        days, rows = days + 1, rows + number
    click.echo(f"{days} days, {rows} downloads", err=True)


def _first_day(days: int) -> date:
    return datetime.now(UTC).date() - timedelta(days=days - 1)


def _columns(by: By) -> list[str]:
    return ["package", "release"] if by is By.RELEASE else [by.value]


def _row(by: By, count: DownloadCount) -> list[str | int]:
    if by is By.RELEASE:
        return [count.package or "", count.key or "(removed)", count.downloads]
    return [count.key or "(unknown)", count.downloads]


def _data(by: By, count: DownloadCount) -> dict[str, Any]:
    keys = {"package": count.package} if by is By.RELEASE else {}
    return {**keys, by.value: count.key, "downloads": count.downloads}
