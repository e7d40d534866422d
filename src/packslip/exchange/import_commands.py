"""`packslip import`: from a folder, from what an index exported, from another Packslip."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from inspect import cleandoc
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext
from packaging.utils import canonicalize_name

from packslip import db
from packslip.accounts.queries import get_user
from packslip.errors import InvalidError
from packslip.events.operations import Actor
from packslip.exchange.devpi import DevpiSource, is_devpi_export
from packslip.exchange.documents import is_export
from packslip.exchange.remote import RemoteSource
from packslip.exchange.sources import ExportSource, Source
from packslip.exchange.taking import Taken, Taker
from packslip.packages.importing.commands import import_command as import_folder
from packslip.packages.importing.interrupts import INTERRUPTED, interrupts
from packslip.packages.importing.progress import show_progress
from packslip.packages.importing.values import line
from packslip.terminal import print_json
from packslip.web.context import current_storage

#: The variable that has the token for another index.
TOKEN = "PACKSLIP_IMPORT_TOKEN"  # noqa: S105 - no token

_OTHERS_ALONE = {
    "username": "--user",
    "map_user": "--map-user",
    "packages": "--package",
    "indexes": "--index",
    "token_file": "--token-file",
}


def _import(context: click.Context, **options: Any) -> None:
    place: str = options.pop("place")
    others = {name: options.pop(name) for name in _OTHERS_ALONE}
    is_remote = place.startswith(("http://", "https://"))
    folder = Path(place)
    if not is_remote and not folder.exists():
        raise click.UsageError(f"There is no {place}.")
    if not is_remote and not is_export(folder) and not is_devpi_export(folder):
        for name, option in _OTHERS_ALONE.items():
            if others[name]:
                raise click.UsageError(f"{option} is for what another index exported or offers.")
        context.invoke(import_folder, folder=folder, **options)
        return
    if options["owner"] is not None:
        raise click.UsageError("--owner is for folders: what an index exported says who owns it.")
    if others["indexes"] and (is_remote or not is_devpi_export(folder)):
        raise click.UsageError("--index is for what devpi exported.")
    if others["token_file"] and not is_remote:
        raise click.UsageError("--token-file is for another Packslip.")
    _take_in(context, place, options["dry_run"], options["as_json"], **others)


@with_appcontext
def _take_in(
    context: click.Context,
    place: str,
    dry_run: bool,
    as_json: bool,
    *,
    username: str | None,
    map_user: Sequence[str],
    packages: Sequence[str],
    indexes: Sequence[str],
    token_file: Path | None,
) -> None:
    session = db.session()
    named = _named(map_user)
    user = None if username is None else get_user(session, username)
    for name in named.values():
        get_user(session, name)
    source = _source(place, indexes, named, token_file)
    taker = Taker(session, current_storage(), Actor.command(), source, user, named, dry_run)
    done, is_whole = _take(taker, _chosen(source, packages), as_json)
    if as_json:
        print_json([asdict(one) for one in done])
    else:
        _print_summary(done, dry_run)
    if not is_whole:
        click.echo("packslip: interrupted; the same command goes on from here", err=True)
        context.exit(INTERRUPTED)
    context.exit(1 if any(one.problems for one in done) else 0)


def _take(taker: Taker, names: Sequence[str], as_json: bool) -> tuple[list[Taken], bool]:
    done: list[Taken] = []
    with interrupts() as is_interrupted, show_progress(len(names)) as progress:
        for text in taker.source.left_out:
            progress.say(line(f"left out: {text}"))
        try:
            for name in names:
                if is_interrupted():
                    return done, False
                taken = taker.take(name)
                done.append(taken)
                if not as_json:
                    for text in taken.left_out:
                        progress.say(line(f"left out: {text}"))
                    for text in taken.problems:
                        progress.say(line(f"{taken.package}: {text}"))
                progress.advance()
        except KeyboardInterrupt:
            return done, False
    return done, True


def _print_summary(done: Sequence[Taken], dry_run: bool) -> None:
    added, present = sum(one.added for one in done), sum(one.present for one in done)
    notes, left_out = sum(one.notes for one in done), sum(len(one.left_out) for one in done)
    if dry_run:
        click.echo("Nothing was stored. This is what would be done:", err=True)
    text = f"{len(done)} packages, {added} files added, {present} here already, {notes} notes"
    click.echo(f"{text}, {left_out} left out" if left_out else text, err=True)


def _source(
    place: str, indexes: Sequence[str], named: Mapping[str, str], token_file: Path | None
) -> Source:
    if place.startswith(("http://", "https://")):
        return RemoteSource(place, _token(token_file))
    if is_devpi_export(Path(place)):
        return DevpiSource(Path(place), indexes, named)
    return ExportSource(Path(place))


def _token(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get(TOKEN) or None
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise InvalidError(f"{file} cannot be read.") from None


def _named(pairs: Sequence[str]) -> dict[str, str]:
    named = {}
    for pair in pairs:
        there, is_pair, here = pair.partition("=")
        if not there or not is_pair or not here:
            raise click.UsageError(f"--map-user takes THERE=HERE, not {pair!r}.")
        named[there] = here
    return named


def _chosen(source: Source, packages: Sequence[str]) -> Sequence[str]:
    names = source.names()
    if not packages:
        return names
    by_name = {canonicalize_name(name): name for name in names}
    for name in packages:
        if canonicalize_name(name) not in by_name:
            raise InvalidError(f"There is no package {name!r} to take in.")
    return sorted({by_name[canonicalize_name(name)] for name in packages})


_OPTIONS = [
    click.Option(
        ["--user", "username"],
        metavar="USER",
        help="With whose rights notes act; without it they do not.",
    ),
    click.Option(
        ["--map-user"],
        metavar="THERE=HERE",
        multiple=True,
        help="Who somebody of the other index is here. Else an e-mail address tells, and who is "
        "new is made, without a password.",
    ),
    click.Option(
        ["--package", "packages"], metavar="NAME", multiple=True, help="These packages alone."
    ),
    click.Option(
        ["--index", "indexes"],
        metavar="USER/INDEX",
        multiple=True,
        help="These indexes of devpi alone, the first one first.",
    ),
    click.Option(
        ["--token-file"],
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help=f"Where the token for the other Packslip stands, if not in {TOKEN}.",
    ),
]

import_command = click.Command(
    "import",
    callback=click.pass_context(_import),
    params=[
        click.Argument(["place"], metavar="FOLDER|URL"),
        *(one for one in import_folder.params if isinstance(one, click.Option)),
        *_OPTIONS,
    ],
    short_help="Take packages in, from a folder or another index.",
    help=f"{cleandoc(import_folder.help or '')}\n\nWhat `packslip export` and `devpi-export` wrote,"
    " and what another Packslip offers at URL, is taken in as it was: with upload times and people,"
    " and with the notes.",
)
