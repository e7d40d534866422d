"""The command `packslip check`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from flask.cli import ScriptInfo

from packslip import db
from packslip.check.documents import document
from packslip.check.findings import Severity
from packslip.check.queries import check_lock
from packslip.check.readers.locks import MAX_SIZE
from packslip.check.readers.reading import read_lock
from packslip.check.remote import ask_index
from packslip.check.sarif import sarif
from packslip.check.viewers import OPERATOR
from packslip.terminal import print_json, print_table
from packslip.web.urls import base_url

#: Severities at which the command fails, by the value of `--fail-on`.
_FAILING = {
    "error": ("errors",),
    "warning": ("errors", "warnings"),
    "never": (),
}


@click.command("check", short_help="Check lock files.")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE…",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
)
@click.option(
    "--index", help="Ask the index at this address, instead of the one in the data folder."
)
@click.option(
    "--insecure", is_flag=True, help="With --index: send credentials over plain HTTP as well."
)
@click.option(
    "--fail-on",
    type=click.Choice(list(_FAILING)),
    default="warning",
    show_default=True,
    help="The least severity that gives exit code 1.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--sarif", "as_sarif", is_flag=True, help="Print SARIF 2.1.0.")
@click.pass_context
def check_command(
    context: click.Context,
    *,
    files: Sequence[Path],
    index: str | None,
    insecure: bool,
    fail_on: str,
    as_json: bool,
    as_sarif: bool,
) -> None:
    """Tell what the index and the team's notes say about the pins in FILE….

    Reads requirements.txt, uv.lock, pylock.toml, poetry.lock and pdm.lock. Exit codes: 0 nothing
    was found that --fail-on names, 1 something was, 2 wrong usage.
    """
    if as_json and as_sarif:
        raise click.UsageError("--json and --sarif exclude each other.")
    found = _ask(index, files, insecure=insecure) if index else _look(context, files)
    if as_json:
        print_json(found)
    elif as_sarif:
        print_json(sarif(found))
    else:
        _print(found)
    if any(found[key] for key in _FAILING[fail_on]):
        context.exit(1)


def _look(context: click.Context, files: Sequence[Path]) -> dict[str, Any]:
    locks = [read_lock(str(path), _content(path)) for path in files]
    # The application is made here, as an index elsewhere needs none.
    with context.ensure_object(ScriptInfo).load_app().app_context():
        session = db.session()
        return document([check_lock(session, lock, OPERATOR) for lock in locks], base_url())


def _ask(index: str, files: Sequence[Path], *, insecure: bool) -> dict[str, Any]:
    answers = [ask_index(index, str(path), _content(path), insecure=insecure) for path in files]
    return {
        "files": [file for answer in answers for file in answer["files"]],
        **{key: sum(answer[key] for answer in answers) for key in ("errors", "warnings", "notes")},
    }


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        # One byte more than is allowed, so that the reader tells the limit.
        return file.read(MAX_SIZE + 1)


def _print(found: dict[str, Any]) -> None:
    print_table(("Where", "Pin", "Severity", "Finding", "See"), _rows(found))
    pins = 0
    for file in found["files"]:
        pins += len(file["pins"])
        for skipped in file["skipped"]:
            place = f"{file['file']}:{skipped['line']}"
            click.echo(f"{place}: not looked at, as {skipped['why']}: {skipped['what']}", err=True)
    counts = ", ".join(_count(found[f"{severity.value}s"], severity.value) for severity in Severity)
    click.echo(f"{counts} for {_count(pins, 'pin')}", err=True)


def _rows(found: dict[str, Any]) -> Iterator[Sequence[Any]]:
    for file in found["files"]:
        for pin in file["pins"]:
            for finding in pin["findings"]:
                yield (
                    f"{file['file']}:{pin['line']}",
                    f"{pin['name']} {pin['version']}",
                    finding["severity"],
                    f"{finding['kind']}: {finding['text']}",
                    finding["url"],
                )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
