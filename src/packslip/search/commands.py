"""The command `packslip search`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import click
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from packslip import db
from packslip.notes.finding import FoundNotes
from packslip.notes.readers import NoteReader
from packslip.packages.search_index import package_ids_after, reindex_packages
from packslip.search.documents import document
from packslip.search.notes import notes_of
from packslip.search.queries import search
from packslip.search.request import MOST_PER_PAGE, PER_PAGE, SearchQuery, Sort
from packslip.search.results import SearchResults
from packslip.setting_choices import Read
from packslip.terminal import print_json, print_table
from packslip.web.urls import base_url


@click.command("search", short_help="Find packages and notes.")
@click.argument("words", nargs=-1)
@click.option(
    "--sort",
    type=click.Choice([sort.value for sort in Sort]),
    default=Sort.RELEVANCE.value,
    show_default=True,
)
@click.option(
    "--limit",
    type=click.IntRange(1, MOST_PER_PAGE),
    default=PER_PAGE,
    show_default=True,
    help="Print so many packages.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--rebuild", is_flag=True, help="Make the index anew, instead of searching.")
@with_appcontext
def search_command(
    words: tuple[str, ...], sort: str, limit: int, as_json: bool, rebuild: bool
) -> None:
    """Find packages by WORDS in their names, keywords, summaries, people and descriptions.

    Notes that the team can see are found as well, by titles, tags and texts.

    Example: packslip search -- web '"data classes"' -django
    """
    if rebuild:
        if words:
            raise click.UsageError("--rebuild takes no words.")
        number = _rebuild(db.session())
        noun = "package is" if number == 1 else "packages are"
        click.echo(f"{number} {noun} in the index.", err=True)
        return
    query = SearchQuery(" ".join(words), sort=Sort(sort), per_page=limit)
    # Whoever runs the index reads all of it.
    found = search(db.session(), query, None, Read.PUBLIC)
    notes = notes_of(db.session(), query, NoteReader(is_team=True))
    if as_json:
        print_json(document(found, notes, base_url()))
        return
    _print(found)
    _print_notes(notes)


def _print(found: SearchResults) -> None:
    now = datetime.now(UTC)
    columns = ("Package", "Version", "Age", "Downloads in 30 days", "Summary")
    rows = [
        (
            one.name,
            one.version,
            one.latest_at and age(now - one.latest_at),
            one.downloads,
            one.summary,
        )
        for one in found.packages
    ]
    print_table(columns, rows)
    total = f"{found.total}" if found.is_exact else f"more than {found.total}"
    click.echo(f"{total} found" if found.total != 1 else "1 found", err=True)
    if found.did_you_mean:
        click.echo(f"Did you mean {found.did_you_mean}?", err=True)


def _print_notes(found: FoundNotes) -> None:
    """Print the notes after the packages; on a pipe they would be taken for such."""
    if not found.notes or not sys.stdout.isatty():
        return
    click.echo()
    rows = [
        (note.id, note.act if note.is_acting else None, note.package_id, note.title)
        for note in found.notes
    ]
    print_table(("Note", "Act", "Package", "Title"), rows)


def age(since: timedelta) -> str:
    """How long ago something was, in its largest unit: `3 d` for three days and some hours."""
    days = max(0, since.days)
    for unit, length in (("y", 365), ("mo", 30), ("d", 1)):
        if days >= length:
            return f"{days // length} {unit}"
    return "today"


def _rebuild(session: Session) -> int:
    number, last = 0, ""
    while package_ids := package_ids_after(session, last):
        with db.write_transaction(session):
            reindex_packages(session, package_ids)
        number += len(package_ids)
        last = package_ids[-1]
    return number
