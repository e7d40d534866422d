"""`packslip note list` and `edit`."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace

import click
from flask.cli import with_appcontext

from packslip import db
from packslip.accounts.queries import get_user
from packslip.errors import PackslipError
from packslip.events.operations import Actor
from packslip.notes.commands import shared_note
from packslip.notes.documents import note_document
from packslip.notes.fields import NoteFields, fields_of
from packslip.notes.finding import NoteFilter, Whose, list_notes, tags_of
from packslip.notes.operations import edit_note
from packslip.notes.readers import NoteReader
from packslip.packages.models import Act
from packslip.simple_api.page import InvalidPackageNameError, normalize_name
from packslip.terminal import print_json, print_table
from packslip.web.urls import base_url


@click.command("list")
@click.argument("words", nargs=-1)
@click.option("--user", "username", metavar="NAME", help="As whom to read; shows private ones.")
@click.option("--whose", type=click.Choice([one.value for one in Whose]))
@click.option("--package", metavar="NAME", help="On that package.")
@click.option("--version", metavar="VERSION", help="About that version of it.")
@click.option("--act", type=click.Choice([one.value for one in Act]))
@click.option("--acting/--not-acting", default=None, help="Whether it does something now.")
@click.option("--tag", help="With that #tag.")
@click.option("--author", metavar="NAME", help="Who wrote it.")
@click.option("--archived/--not-archived", default=None)
@click.option("--limit", type=click.IntRange(min=1), help="Only so many, the newest.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def list_(
    *,
    words: tuple[str, ...],
    username: str | None,
    whose: str | None,
    package: str | None,
    version: str | None,
    act: str | None,
    acting: bool | None,
    tag: str | None,
    author: str | None,
    archived: bool | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """List notes, the newest first: those that the team sees, and of --user all."""
    if version is not None and package is None:
        raise click.UsageError("--version needs a --package.")
    session = db.session()
    user = None if username is None else get_user(session, username)
    wanted = NoteFilter(
        whose=None if whose is None else Whose(whose),
        package=None if package is None else _package(package),
        version=version,
        act=None if act is None else Act(act),
        acting=acting,
        tag=None if tag is None else tag.removeprefix("#"),
        author=author,
        archived=archived,
        text=" ".join(words),
    )
    reader = NoteReader(user, is_team=user is None)
    notes = list_notes(session, reader, wanted, limit=limit).notes
    if as_json:
        tags = tags_of(session, [note.id for note in notes])
        print_json([note_document(note, tags.get(note.id, ()), user, base_url()) for note in notes])
        return
    rows = [
        (
            note.id,
            note.author.username,
            note.visibility,
            None if note.act == Act.NONE else note.act if note.is_acting else f"{note.act}, lifted",
            " ".join(filter(None, (note.package_id, note.version_range))),
            note.title,
        )
        for note in notes
    ]
    print_table(("ID", "Author", "Visibility", "Act", "Package", "Title"), rows)


@click.command("edit")
@click.argument("note_id", type=int, metavar="ID")
@click.option("--user", "username", metavar="NAME", help="In whose name.")
@click.option("--title", help="Another title.")
@click.option("--body", help="Another text; - reads it from standard input.")
@with_appcontext
def edit(note_id: int, username: str | None, title: str | None, body: str | None) -> None:
    """Change title and text of the note ID: as the options say, else in your editor.

    In the editor, which VISUAL or EDITOR names, the first line is the title.
    """
    session = db.session()
    note = shared_note(session, note_id, username)
    old, edition = fields_of(note), note.edition
    # Somebody may think for long in the editor.
    session.rollback()
    typed = None
    if title is None and body is None:
        typed = click.edit(f"{old.title}\n\n{old.body}", extension=".md")
        if typed is None:
            click.echo("Nothing was changed.", err=True)
            return
        new = _typed(old, typed)
    else:
        text = sys.stdin.read() if body == "-" else body
        new = replace(
            old,
            title=old.title if title is None else title,
            body=old.body if text is None else text,
        )
    try:
        saved = _save(note_id, username, new, edition)
    except PackslipError:
        if typed is not None:
            click.echo(f"What you wrote is in {_keep(typed)}", err=True)
        raise
    done = "is as it was" if saved == edition else f"is saved as edition {saved}"
    click.echo(f"Note {note_id} {done}.")


def _save(note_id: int, username: str | None, fields: NoteFields, edition: int) -> int:
    with db.write_transaction(db.session()) as session:
        user = None if username is None else get_user(session, username)
        note = shared_note(session, note_id, username)
        actor = Actor.command()
        return edit_note(session, actor, user, note, fields, edition=edition).edition


def _typed(old: NoteFields, text: str) -> NoteFields:
    title, _, body = text.replace("\r\n", "\n").partition("\n")
    body = body.removeprefix("\n")
    # Editors end a file with a newline, whether the text did or not.
    if not old.body.endswith("\n"):
        body = body.removesuffix("\n")
    return replace(old, title=title, body=body)


def _keep(text: str) -> str:
    with tempfile.NamedTemporaryFile(
        "w", suffix=".md", prefix="note-", delete=False, encoding="utf-8", errors="replace"
    ) as file:
        file.write(text)
    return file.name


def _package(name: str) -> str:
    try:
        return normalize_name(name)
    except InvalidPackageNameError as error:
        raise click.UsageError(str(error)) from None
