"""`packslip mirror bundle` and `packslip mirror load`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click
from flask.cli import with_appcontext

from packslip import db
from packslip.events.operations import Actor
from packslip.mirror.bundles.contents import contents
from packslip.mirror.bundles.loading import Loader, Refusal
from packslip.mirror.bundles.manifests import entries
from packslip.mirror.bundles.reading import BundleReader
from packslip.mirror.bundles.writing import new_bundle, translated, write_bundle
from packslip.mirror.current import current_mirror
from packslip.mirror.fetches import mirror_folder
from packslip.packages.importing.interrupts import INTERRUPTED
from packslip.packages.importing.progress import show_progress
from packslip.terminal import print_json, print_table
from packslip.web.context import current_storage

_STANDARD = "-"

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command("bundle")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("names", nargs=-1, metavar="[NAME…]")
@_json
@with_appcontext
def bundle_command(file: Path, names: Sequence[str], *, as_json: bool) -> None:
    """Write what is kept of mirrored packages, or of NAME…, to the archive FILE.

    `packslip mirror load` takes it in where no upstream is. FILE is `-` for standard output. Files
    that rules or notes refuse are left out, and named. Hosted packages are never in it.
    """
    is_standard = str(file) == _STANDARD
    if is_standard and (as_json or sys.stdout.isatty()):
        raise click.UsageError("Standard output takes either the bundle or words.")
    session, storage = db.session(), current_storage()
    found = contents(session, storage, names, datetime.now(UTC))
    session.rollback()
    with (
        _told_when_interrupted("nothing was written"),
        _output(file, is_standard) as output,
        show_progress(found.files) as progress,
    ):
        write_bundle(output, found.manifest, storage, progress.advance)
    size = sum(entry.size for package in found.manifest.packages for entry in entries(package))
    packages = len(found.manifest.packages)
    if as_json:
        left_out = [asdict(one) for one in found.left_out]
        print_json({"packages": packages, "files": found.files, "size": size, "left_out": left_out})
        return
    for one in found.left_out:
        click.echo(f"left out: {one.package} {one.filename}: {one.reason}", err=True)
    click.echo(f"{packages} packages, {found.files} files, {size} bytes", err=True)


@click.command("load")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_json
@click.pass_context
@with_appcontext
def load_command(context: click.Context, file: Path, *, as_json: bool) -> None:
    """Take in the bundle FILE that `packslip mirror bundle` wrote. No upstream is asked.

    What is here already is passed over: the same command goes on where an earlier one ended.

    Exit codes: 0 done, 1 something was refused, 2 wrong usage, 130 interrupted.
    """
    loader = Loader(
        db.session(), current_storage(), mirror_folder(), current_mirror(), Actor.command()
    )
    with (
        _told_when_interrupted("the same command goes on from here"),
        file.open("rb") as opened,
    ):
        reader = BundleReader(opened)
        total = sum(len(package.files) for package in reader.manifest.packages)
        with show_progress(total) as progress:
            report = loader.load(reader, progress.advance)
    if as_json:
        print_json(report.data())
    else:
        print_table(("Package", "File", "Refused"), [_row(one) for one in report.refused])
        click.echo(
            f"{report.packages} packages, {report.added} files taken in,"
            f" {report.present} here already, {len(report.refused)} refused",
            err=True,
        )
    if report.refused:
        context.exit(1)


@contextmanager
def _output(file: Path, is_standard: bool) -> Iterator[BinaryIO]:
    if is_standard:
        with translated():
            yield sys.stdout.buffer
    else:
        with new_bundle(file) as opened:
            yield opened


@contextmanager
def _told_when_interrupted(what: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"packslip: interrupted; {what}", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None


def _row(refusal: Refusal) -> tuple[str, str, str]:
    return refusal.package, refusal.filename or "all files", refusal.reason
