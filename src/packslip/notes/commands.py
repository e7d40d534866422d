"""The command `packslip note`, and the yanks of `packslip package`."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.orm import Session

from packslip import db
from packslip.accounts.queries import get_user
from packslip.events.operations import Actor
from packslip.notes import acts, operations, yanks
from packslip.notes.documents import note_document
from packslip.notes.errors import UnknownNoteError
from packslip.notes.fields import NoteFields
from packslip.notes.finding import tags_of
from packslip.notes.models import Note, Visibility
from packslip.notes.queries import get_note
from packslip.packages import queries
from packslip.packages.models import Act, Release
from packslip.terminal import print_json
from packslip.web.urls import base_url

note_commands = AppGroup("note", help="Write and read notes, and lift what they do.")

_user = click.option("--user", "username", metavar="NAME", help="In whose name.")


@click.command("yank")
@with_appcontext
@click.argument("name")
@click.argument("version")
@click.option("--reason", default="", help="One line that installers show.")
@_user
def yank(name: str, version: str, reason: str, username: str | None) -> None:
    """Yank the release VERSION of the package NAME: only exact pins still install it.

    A note does that, whose title is the reason. It is the first owner's if no --user is named,
    else the first admin's.
    """
    with db.write_transaction(db.session()) as session:
        release = _release(session, name, version)
        package = release.package
        author = get_user(session, username) if username else yanks.author_for(session, package)
        actor = Actor.command()
        note = yanks.yank_release(session, actor, author, release, reason, operator=True)
        done = f"Yanked {package.name} {release.version} by note {note.id}."
    click.echo(done)


@click.command("unyank")
@with_appcontext
@click.argument("name")
@click.argument("version")
def unyank(name: str, version: str) -> None:
    """Lift the notes that yank exactly the release VERSION of the package NAME."""
    with db.write_transaction(db.session()) as session:
        release = _release(session, name, version)
        yanks.unyank_release(session, Actor.command(), None, release)
        done = yanks.yank_left(release)
    click.echo(done)


@note_commands.command("add")
@click.option("--user", "username", required=True, metavar="NAME", help="Who writes it.")
@click.option("--title", required=True, help="One line; what acts gives it as its reason.")
@click.option("--body", default="", help="Markdown; - reads it from standard input.")
@click.option("--package", metavar="NAME", help="The package on which it hangs.")
@click.option("--versions", metavar="SPEC", help="Of that package: ==2.3, or >=1.1,<1.3.")
@click.option(
    "--act",
    type=click.Choice([act.value for act in Act]),
    default=Act.NONE.value,
    show_default=True,
    help="What it does to the package.",
)
@click.option("--fixed-in", metavar="VERSION", help="Where it is mended, for advisories.")
@click.option(
    "--visibility",
    type=click.Choice([one.value for one in Visibility]),
    help="Who sees it beside its author.  [default: private; team if it acts]",
)
def add(
    *,
    username: str,
    title: str,
    body: str,
    package: str | None,
    versions: str | None,
    act: str,
    fixed_in: str | None,
    visibility: str | None,
) -> None:
    """Write a note and print its number, and nothing else."""
    if body == "-":
        body = sys.stdin.read()
    usual = Visibility.PRIVATE if act == Act.NONE else Visibility.TEAM
    fields = NoteFields(
        title=title,
        body=body,
        visibility=Visibility(visibility or usual),
        package=package,
        version_range=versions,
        act=Act(act),
        fixed_in=fixed_in,
    )
    with db.write_transaction(db.session()) as session:
        author = get_user(session, username)
        actor = Actor.command()
        note_id = operations.create_note(session, actor, author, fields, operator=True).id
    click.echo(note_id)


@note_commands.command("lift")
@click.argument("note_id", type=int, metavar="ID")
def lift(note_id: int) -> None:
    """End what the note ID does. The note stays."""
    with db.write_transaction(db.session()) as session:
        acts.lift_act(session, Actor.command(), None, shared_note(session, note_id, None))
    click.echo(f"Lifted note {note_id}.")


@note_commands.command("show")
@click.argument("note_id", type=int, metavar="ID")
@click.option("--user", "username", metavar="NAME", help="As whom to read.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(note_id: int, username: str | None, as_json: bool) -> None:
    """Show the note ID, as its author or the team sees it. A private one asks for its --user."""
    session = db.session()
    note = shared_note(session, note_id, username)
    if as_json:
        tags = tags_of(session, [note.id]).get(note.id, ())
        print_json(note_document(note, tags, None, base_url()))
        return
    click.echo(note.title or "(no title)")
    click.echo(f"by {note.author.username}, {note.visibility}, edition {note.edition}")
    if note.package_id is not None:
        click.echo(f"on {note.package_id} {note.version_range or '(all releases)'}")
    if note.act != Act.NONE:
        click.echo(f"act: {note.act}{'' if note.is_acting else ', lifted'}")
    if note.body:
        click.echo(f"\n{note.body}")


def shared_note(session: Session, note_id: int, username: str | None) -> Note:
    """The note as that user sees it, or else as every member does."""
    if username is not None:
        return get_note(session, get_user(session, username), note_id)
    note = session.get(Note, note_id) if db.is_key(note_id) else None
    if note is None or note.deleted_at is not None or note.visibility == Visibility.PRIVATE:
        raise UnknownNoteError(note_id)
    return note


def _release(session: Session, name: str, version: str) -> Release:
    package = queries.get_package(session, name, lock=True)
    return queries.get_release(session, package, version)
