"""The command `packslip mirror sync`."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import click
from flask.cli import ScriptInfo, with_appcontext

from packslip import db
from packslip.errors import InvalidError
from packslip.mirror.sync import facts
from packslip.mirror.sync.environments import environments_of
from packslip.mirror.sync.reports import Report
from packslip.mirror.sync.syncing import Wishes, sync
from packslip.packages.importing.progress import show_progress
from packslip.packages.importing.values import line
from packslip.packages.queries import get_package
from packslip.simple_api.page import InvalidPackageNameError, normalize_name
from packslip.site.mirror_wishes import Wanted
from packslip.terminal import print_json, print_table

#: What shells give for a command that Ctrl-C ended.
INTERRUPTED = 128 + signal.SIGINT

_file = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@click.command("sync", short_help="Have packages with all that they depend on.")
@click.argument("wanted", nargs=-1, metavar="[NAME…]")
@click.option(
    "-r", "--requirement", "requirements", multiple=True, type=_file, help="A requirements.txt."
)
@click.option("--lock", "locks", multiple=True, type=_file, help="A lock file: just its pins.")
@click.option("--python", "pythons", multiple=True, metavar="3.11,3.12", help="To install for.")
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    metavar="TAG",
    help="To install on: manylinux_2_28_x86_64, macosx_14_0_arm64, win_amd64, any.",
)
@click.option("--no-sdist", is_flag=True, help="No source distributions.")
@click.option("--all-versions", is_flag=True, help="All releases that are asked for.")
@click.option("--no-pin", is_flag=True, help="Leave what comes to the limit of the room.")
@click.option("--unpin", is_flag=True, help="Fetch nothing: let go of what is pinned of NAME….")
@click.option("--dry-run", is_flag=True, help="Say what would be fetched.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
@with_appcontext
def sync_command(
    context: click.Context,
    *,
    wanted: Sequence[str],
    requirements: Sequence[Path],
    locks: Sequence[Path],
    pythons: Sequence[str],
    platforms: Sequence[str],
    no_sdist: bool,
    all_versions: bool,
    no_pin: bool,
    unpin: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Have pages, files and metadata of packages here, with all that they depend on.

    NAME… are names and requirements, such as 'flask>=3,<4'. Of each the newest release comes that
    fits, with all of its files, unless --python and --platform say for what. What comes is pinned:
    it stays whatever the limit of the room is. What is here already is not fetched again.

    Exit codes: 0 all is there, 1 something is missing or failed, 2 wrong usage, 130 interrupted.
    """
    if not (wanted or requirements or locks):
        raise click.UsageError("Say what to have: names, -r FILE or --lock FILE.")
    if unpin:
        if requirements or locks or no_pin or dry_run:
            raise click.UsageError("--unpin goes with names alone.")
        _let_go(wanted, as_json=as_json)
        return
    wishes = _wishes(wanted, requirements, locks, pythons, platforms, every=all_versions)
    report = sync(
        context.ensure_object(ScriptInfo).load_app(),
        Wishes(
            wishes.roots,
            wishes.environments,
            wishes.constraints,
            wishes.skipped,
            no_sdist=no_sdist,
            pins=not no_pin,
            is_dry=dry_run,
        ),
        show_progress,
    )
    if as_json:
        print_json(asdict(report))
    else:
        _print(report)
    if report.interrupted:
        click.echo("packslip: interrupted; the same command goes on from here", err=True)
        context.exit(INTERRUPTED)
    context.exit(0 if report.is_all_there else 1)


def _wishes(
    wanted: Sequence[str],
    requirements: Sequence[Path],
    locks: Sequence[Path],
    pythons: Sequence[str],
    platforms: Sequence[str],
    *,
    every: bool,
) -> Wanted:
    try:
        environments = environments_of(_parts(pythons), _parts(platforms))
        found = Wanted(environments, every)
        for text in wanted:
            found.add_requirement(text)
    except InvalidError as error:
        raise click.UsageError(error.reason) from None
    for path in requirements:
        found.add_requirements(path)
    for path in locks:
        found.add_lock(path)
    return found


def _let_go(names: Sequence[str], *, as_json: bool) -> None:
    try:
        package_ids = [normalize_name(name) for name in names]
    except InvalidPackageNameError as error:
        raise click.UsageError(str(error)) from None
    session, told = db.session(), {}
    with db.write_transaction(session):
        for package_id in package_ids:
            get_package(session, package_id, without_texts=True)
            told[package_id] = facts.unpin(session, package_id)
    if as_json:
        print_json({"unpinned": told})
        return
    for package_id, count in told.items():
        click.echo(f"Let go of {count} files of {package_id}.")


def _parts(given: Sequence[str]) -> list[str]:
    return [part.strip() for one in given for part in one.split(",")]


def _print(report: Report) -> None:
    if report.dry_run:
        columns = ("Package", "Version", "File to fetch", "Bytes")
        rows = [(one.package, one.version, one.filename, one.size) for one in report.fetched]
        print_table(columns, rows)
    else:
        packages = [
            (one.package, ", ".join(one.versions), "hosted" if one.is_hosted else one.files)
            for one in report.packages
        ]
        print_table(("Package", "Versions", "Files"), packages)
    for text in [*_asides(report), *_troubles(report)]:
        click.echo(line(text), err=True)
    size = sum(one.size for one in report.fetched)
    verb = "to fetch" if report.dry_run else "fetched"
    click.echo(
        f"{len(report.packages)} packages, {report.wanted.files} files"
        f" ({report.wanted.bytes} bytes): {report.held.files} were held,"
        f" {len(report.fetched)} {verb} ({size} bytes)",
        err=True,
    )


def _asides(report: Report) -> Iterator[str]:
    for unread in report.skipped:
        yield f"{unread.file}:{unread.line}: not looked at, as {unread.why}: {unread.what}"
    yield from report.notices
    for kept_back in report.withheld:
        what = kept_back.filename or f"{kept_back.package} {kept_back.version}".rstrip()
        yield f"withheld: {what}: {kept_back.reason}"
    for conflict in report.conflicts:
        yield (
            f"conflict: no release of {conflict.package} satisfies"
            f" {', '.join(conflict.asked)}: taken {', '.join(conflict.versions)}"
        )


def _troubles(report: Report) -> Iterator[str]:
    for missing in report.missing:
        what = f"{missing.package} {missing.what}".rstrip()
        by = f" (asked for by {', '.join(missing.by)})" if missing.by else ""
        yield f"missing: {what}{by}: {missing.reason}"
    for failure in report.failed:
        what = failure.filename or f"{failure.package} {failure.version}".rstrip()
        yield f"failed: {what}: {failure.reason}"
