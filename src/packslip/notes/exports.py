"""Notes out to files of a folder, and back from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.accounts.queries import get_user
from packslip.db import is_key, is_postgresql, write_transaction
from packslip.errors import ConflictError, InvalidError, NotAllowedError, NotFoundError
from packslip.events.operations import Actor
from packslip.notes.access import may_act
from packslip.notes.acts import resume_act
from packslip.notes.fields import NoteFields, check_act, check_fields, fields_of
from packslip.notes.front_matter import NoteFile, NoteFileError, filename_of, write_file
from packslip.notes.histories import (
    History,
    bring_comments,
    bring_revisions,
    file_in,
    history_folder,
    read_history,
    write_history,
)
from packslip.notes.models import Note, NoteComment, NoteRevision
from packslip.notes.operations import create_note, edit_note
from packslip.packages.models import Act, Package


class Outcome(StrEnum):
    """What an import did with a file."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Imported:
    """What became of one file."""

    outcome: Outcome
    note_id: int | None = None
    #: Why it was skipped, or something about it was.
    why: str = ""


@dataclass(frozen=True)
class Importing:
    """How notes are brought in."""

    session: Session
    actor: Actor
    #: With whose rights acts begin; without anybody none does.
    user: User | None = None
    #: Whether nothing is kept.
    dry_run: bool = False
    #: What people in the files are called here, where it is known; None for somebody who is nobody
    #: here, though somebody else may have the name.
    names: Mapping[str, str | None] = field(default_factory=dict)


def file_of(note: Note, tags: Sequence[str]) -> NoteFile:
    """The note as a file has it."""
    return NoteFile(
        id=note.id,
        title=note.title,
        author=note.author.username,
        visibility=fields_of(note).visibility,
        package=note.package_id,
        versions=note.version_range,
        act=Act(note.act),
        fixed_in=note.fixed_in,
        tags=list(tags),
        pinned=note.pinned,
        archived=note.archived,
        review_at=note.review_at,
        expires_at=note.expires_at,
        lifted_at=note.lifted_at,
        created_at=note.created_at,
        updated_at=note.updated_at,
        body=note.body,
    )


def export_note(
    folder: Path,
    note: Note,
    tags: Sequence[str],
    revisions: Sequence[NoteRevision] = (),
    comments: Sequence[NoteComment] = (),
) -> Path:
    """Write the note into a file of the folder, in place of one that it had by another title.

    What it was, and what is said of it, goes into a folder beside the file.
    """
    written = file_of(note, tags)
    path = folder / filename_of(written)
    for old in folder.glob(f"{note.id:05}*.md"):
        if old != path and old.name.removesuffix(".md").partition("-")[0] == f"{note.id:05}":
            old.unlink()
    path.write_text(write_file(written), encoding="utf-8", newline="\n")
    write_history(history_folder(folder, note.id), revisions, comments)
    return path


def note_files(folder: Path) -> Iterator[Path]:
    """The files of a folder that may be notes, by their names."""
    yield from sorted(path for path in folder.glob("*.md") if path.is_file())


def import_note(importing: Importing, path: Path) -> Imported:
    """Bring a file's note in, in a transaction of its own.

    It becomes a new note, or a save of the one that it was written from. What acts on packages
    begins and changes only with the rights of the user; without them a new note is there, but
    lifted.
    """
    session = importing.session
    try:
        file = file_in(path, NoteFile)
        fields = check_fields(_fields(file))
        history = read_history(path.parent, file.id).by(importing.names)
        username = importing.names.get(file.author, file.author)
        if username is None:
            raise NoteFileError(f"its author {file.author} is nobody here")
        with write_transaction(session):
            author = get_user(session, username)
            note = _find(session, author, file)
            if note is None:
                done = _create(importing, author, file, fields, history)
            else:
                done = _update(importing, note, file, fields, history)
            if importing.dry_run:
                session.rollback()
    except (InvalidError, NotFoundError, NotAllowedError, ConflictError) as error:
        return Imported(Outcome.SKIPPED, why=error.reason)
    return done


def _fields(file: NoteFile) -> NoteFields:
    return NoteFields(
        title=file.title,
        body=file.text,
        visibility=file.visibility,
        package=file.package,
        version_range=file.versions,
        act=file.act,
        fixed_in=file.fixed_in,
        review_at=file.review_at,
        expires_at=file.expires_at,
    )


def _find(session: Session, author: User, file: NoteFile) -> Note | None:
    """The note that the file was written from: one of the same author and the same moment.

    Without a moment, the author's note of that number.
    """
    own = select(Note).where(Note.user_id == author.id, Note.deleted_at.is_(None))
    if file.created_at is not None:
        own = own.where(Note.created_at == file.created_at)
    elif file.id is not None and is_key(file.id):
        own = own.where(Note.id == file.id)
    else:
        return None
    return session.scalars(own.order_by(Note.id).limit(1)).first()


def _create(
    importing: Importing, author: User, file: NoteFile, fields: NoteFields, history: History
) -> Imported:
    session = importing.session
    acts = fields.act != Act.NONE
    begins = acts and file.lifted_at is None
    if begins:
        check_act(fields)
    may = begins and _may(importing, fields.package, fields.act)
    why = "it does not act: that needs a --user who may do that" if begins and not may else ""
    if fields.package is not None and session.get(Package, fields.package) is None:
        raise NoteFileError(f"there is no package {fields.package}")
    if importing.dry_run:
        # PostgreSQL does not take back the number that a new note would use up.
        return Imported(Outcome.CREATED, why=why)
    quiet = fields if may else replace(fields, act=Act.NONE, expires_at=None)
    _reserve(session, file.id)
    note = create_note(session, importing.actor, author, quiet, operator=True)
    if acts and not may:
        _lay_down(session, note, fields, file.lifted_at or datetime.now(UTC))
    bring_revisions(session, note, history, before=0)
    left_out = bring_comments(session, note, history)[1]
    session.execute(
        update(Note)
        .where(Note.id == note.id)
        .values(
            pinned=file.pinned,
            archived=file.archived,
            created_at=file.created_at or note.created_at,
            updated_at=file.updated_at or note.updated_at,
        )
    )
    return Imported(Outcome.CREATED, note.id, _both(why, left_out))


def _update(
    importing: Importing, note: Note, file: NoteFile, fields: NoteFields, history: History
) -> Imported:
    session, actor = importing.session, importing.actor
    edition = note.edition
    before = (note.edition, note.pinned, note.archived, note.lifted_at)
    if fields != fields_of(note):
        _require_rights(importing, note, fields)
        edit_note(session, actor, None, note, fields, edition=note.edition)
    note.pinned, note.archived = file.pinned, file.archived
    why = ""
    if fields.act != Act.NONE and file.lifted_at is None and note.lifted_at is not None:
        if _may(importing, fields.package, fields.act):
            resume_act(session, actor, importing.user, note)
        else:
            why = "it was lifted here, and acts again only with a --user who may do that"
    session.flush()
    is_changed = before != (note.edition, note.pinned, note.archived, note.lifted_at)
    is_changed |= bring_revisions(session, note, history, before=edition)
    is_new, left_out = bring_comments(session, note, history)
    outcome = Outcome.UPDATED if is_changed or is_new else Outcome.UNCHANGED
    return Imported(outcome, note.id, _both(why, left_out))


def _both(*reasons: str) -> str:
    return "; ".join(filter(None, reasons))


def _require_rights(importing: Importing, note: Note, fields: NoteFields) -> None:
    """See that the user may do what the save would change of what acts."""
    old = fields_of(note)
    if replace(old, body=fields.body, review_at=fields.review_at) == fields:
        return
    acts = {old.act} if note.is_acting else set()
    if note.is_acting or fields.act != old.act:
        acts.add(fields.act)
    for act in acts - {Act.NONE}:
        if not _may(importing, fields.package or old.package, act):
            raise NoteFileError(f"to {act} needs a --user who may do that")


def _may(importing: Importing, package_id: str | None, act: Act) -> bool:
    session = importing.session
    package = None if package_id is None else session.get(Package, package_id)
    return package is not None and may_act(session, importing.user, package, act)


def _lay_down(session: Session, note: Note, fields: NoteFields, lifted_at: datetime) -> None:
    """Let a new note have an act that does not stand."""
    note.act, note.expires_at = fields.act, fields.expires_at
    note.lifted_at, note.lifted_by = lifted_at, None
    saves = update(NoteRevision).where(NoteRevision.note_id == note.id)
    session.execute(saves.values(act=fields.act))
    session.flush()


def _reserve(session: Session, note_id: int | None) -> None:
    """Let the next note have that number, if none had it or a later one so far.

    Texts and reasons name notes by their numbers, so they keep them where they can.
    """
    if note_id is None or not is_key(note_id) or note_id > _MOST_RESERVED:
        return
    if is_postgresql(session):
        last, is_called = session.execute(
            text("SELECT last_value, is_called FROM notes_id_seq")
        ).one()
        if note_id > (last if is_called else last - 1):
            session.execute(
                text("SELECT setval('notes_id_seq', :number, false)"), {"number": note_id}
            )
        return
    last = session.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = 'notes'"))
    if last is None and note_id > 1:
        session.execute(
            text("INSERT INTO sqlite_sequence (name, seq) VALUES ('notes', :number)"),
            {"number": note_id - 1},
        )
    elif last is not None and note_id > last:
        session.execute(
            text("UPDATE sqlite_sequence SET seq = :number WHERE name = 'notes'"),
            {"number": note_id - 1},
        )


#: Higher numbers are not taken over: nothing may use the numbers up.
_MOST_RESERVED = 2**53
