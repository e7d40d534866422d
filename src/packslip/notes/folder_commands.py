"""`packslip note export` and `import`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from packslip import db
from packslip.accounts.models import User
from packslip.accounts.queries import get_user
from packslip.errors import InvalidError
from packslip.events.operations import Actor
from packslip.notes.exports import Importing, Outcome, export_note, import_note, note_files
from packslip.notes.finding import tags_of
from packslip.notes.models import Note
from packslip.notes.queries import SHARED, list_comments, list_revisions
from packslip.packages.importing.progress import show_progress
from packslip.terminal import print_json


@click.command("export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--user", "username", metavar="NAME", help="That user's notes, private ones too.")
@click.option("--team", is_flag=True, help="What the team sees; the usual without --user.")
@with_appcontext
def export(folder: Path, username: str | None, team: bool) -> None:
    """Write notes into FOLDER, each into a Markdown file.

    Revisions and comments go into a folder beside the file. Those that were saved while the note
    was private are written only with its author's --user.
    """
    session = db.session()
    user = None if username is None else get_user(session, username)
    note_ids = _exported(session, user, team=team or user is None)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with show_progress(len(note_ids)) as progress:
            for note_id in note_ids:
                note = session.get_one(Note, note_id, options=[joinedload(Note.author)])
                tags = tags_of(session, [note_id]).get(note_id, ())
                revisions = list_revisions(session, user, note)
                export_note(folder, note, tags, revisions, list_comments(session, note))
                session.expunge_all()
                progress.advance()
    except OSError as error:
        raise InvalidError(f"{folder} cannot be written: {error.strerror}.") from None
    noun = "note" if len(note_ids) == 1 else "notes"
    click.echo(f"{len(note_ids)} {noun} exported to {folder}")


@click.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--user", "username", metavar="NAME", help="With whose rights acts begin.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and store nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
@with_appcontext
def import_(
    context: click.Context, folder: Path, username: str | None, dry_run: bool, as_json: bool
) -> None:
    """Bring notes, revisions and comments in from the files of FOLDER, as `export` writes them.

    Notes that are here already are saved anew if their files differ. Exit code 1 when files were
    skipped.
    """
    session = db.session()
    user = None if username is None else get_user(session, username)
    importing = Importing(session, Actor.command(), user, dry_run)
    paths = list(note_files(folder))
    counts: Counter[Outcome] = Counter()
    done = []
    with show_progress(len(paths)) as progress:
        for path in paths:
            found = import_note(importing, path)
            counts[found.outcome] += 1
            done.append(
                {
                    "file": path.name,
                    "outcome": found.outcome.value,
                    "note": found.note_id,
                    "why": found.why,
                }
            )
            if found.why and not as_json:
                progress.say(f"{path.name}: {found.outcome}: {found.why}")
            progress.advance()
    if as_json:
        print_json({"dry_run": dry_run, "files": done})
    else:
        said = "Nothing was stored. " if dry_run else ""
        click.echo(said + ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome))
    context.exit(1 if counts[Outcome.SKIPPED] else 0)


def _exported(session: Session, user: User | None, *, team: bool) -> list[int]:
    wanted = []
    if user is not None:
        wanted.append(Note.user_id == user.id)
    if team:
        wanted.append(Note.visibility.in_(SHARED))
    notes = select(Note.id).where(or_(*wanted), Note.deleted_at.is_(None))
    return list(session.scalars(notes.order_by(Note.id)))
