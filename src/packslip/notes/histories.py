"""Revisions and comments of a note, out to files of a folder beside its own, and back from them.

The note `00042-drops-sessions.md` has the folder `00042`, with `revision-0001.md` and so on, and
`comment-00007.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.errors import InvalidError
from packslip.notes.fields import (
    MAX_BODY,
    MAX_COMMENT,
    NoteFields,
    check_fields,
    checked_text,
    fields_of,
)
from packslip.notes.front_matter import (
    CommentFile,
    NoteFile,
    NoteFileError,
    RevisionFile,
    read_file,
    write_file,
)
from packslip.notes.models import Note, NoteComment, NoteRevision, Visibility
from packslip.packages.models import Act

#: Bytes of a file: the body, and what is above it.
MAX_FILE = MAX_BODY + 16 * 1024

_REVISION = re.compile(r"revision-[0-9]+\.md", re.ASCII)
_COMMENT = re.compile(r"comment-[0-9]+\.md", re.ASCII)

#: The column of a revision's number ends there.
_MOST_SAVES = 2**31 - 1

_AnyFile = TypeVar("_AnyFile", NoteFile, RevisionFile, CommentFile)


@dataclass(frozen=True)
class Save:
    """A note as it was saved once, checked."""

    number: int
    saved_by: str | None
    saved_at: datetime | None
    fields: NoteFields


@dataclass(frozen=True)
class History:
    """What a note was, and what is said of it."""

    #: By their numbers, the oldest first.
    saves: Sequence[Save] = ()
    comments: Sequence[CommentFile] = ()

    def by(self, names: Mapping[str, str | None]) -> History:
        """The same by people as they are called here; whoever is nobody here gets no name."""
        saves = [replace(one, saved_by=_name_here(one.saved_by, names)) for one in self.saves]
        comments = [
            msgspec.structs.replace(one, author=_name_here(one.author, names) or "somebody else")
            for one in self.comments
        ]
        return History(saves, comments)


def _name_here(name: str | None, names: Mapping[str, str | None]) -> str | None:
    return None if name is None else names.get(name, name)


def history_folder(folder: Path, note_id: int) -> Path:
    """Where the history of a note lies, of which the file lies in that folder."""
    return folder / f"{note_id:05}"


def write_history(
    folder: Path, revisions: Sequence[NoteRevision], comments: Sequence[NoteComment]
) -> None:
    """Write the history into the folder, in place of what was there of it."""
    texts = {
        f"revision-{one.number:04}.md": write_file(_revision_file(one)) for one in revisions
    } | {f"comment-{one.id:05}.md": write_file(_comment_file(one)) for one in comments}
    if folder.is_dir():
        for old in folder.iterdir():
            if old.name not in texts and (
                _REVISION.fullmatch(old.name) or _COMMENT.fullmatch(old.name)
            ):
                old.unlink()
    for name, text in texts.items():
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def read_history(folder: Path, note_id: int | None) -> History:
    """The history of a note that has that number in its file; there may be none.

    Raises:
        InvalidError: a file will not do; the reason names it.
    """
    beside = None if note_id is None else history_folder(folder, note_id)
    if beside is None or not beside.is_dir():
        return History()
    saves: dict[int, Save] = {}
    comments = []
    for path in sorted(beside.iterdir()):
        try:
            if _REVISION.fullmatch(path.name):
                save = _save(file_in(path, RevisionFile))
                if saves.setdefault(save.number, save) is not save:
                    raise NoteFileError("another file has the same number")
            elif _COMMENT.fullmatch(path.name):
                comments.append(_comment(file_in(path, CommentFile)))
        except InvalidError as error:
            raise NoteFileError(f"{beside.name}/{path.name}: {error.reason}") from None
    return History([saves[number] for number in sorted(saves)], comments)


def file_in(path: Path, kind: type[_AnyFile]) -> _AnyFile:
    """What stands in a file of that kind.

    Raises:
        NoteFileError: it cannot be read, or is none.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE + 1)
        if len(content) > MAX_FILE:
            raise NoteFileError("it is too large for a note")
        return read_file(content.decode(), kind)
    except UnicodeDecodeError:
        raise NoteFileError("it is no text in UTF-8") from None
    except OSError as error:
        raise NoteFileError(error.strerror or "it cannot be read") from None


def bring_revisions(session: Session, note: Note, history: History, *, before: int) -> bool:
    """Give a note the revisions of its files that it has not, and say whether there were any.

    `before` is the edition that it had when the import began, 0 if it was not there: what was here
    stays, and what came after it in the files takes the place of the import's own save.
    """
    here = select(NoteRevision.number).where(NoteRevision.note_id == note.id)
    numbers = set(session.scalars(here.where(NoteRevision.number <= before)))
    missing = [one for one in history.saves if one.number < before and one.number not in numbers]
    later = [one for one in history.saves if one.number > before]
    if later and note.edition > before:
        _put_in_place(session, note, later[-1])
        missing += later
    authors = _users(session, (one.saved_by for one in missing))
    session.add_all(_revision(note, one, authors.get(one.saved_by or "")) for one in missing)
    session.flush()
    return bool(missing)


def bring_comments(session: Session, note: Note, history: History) -> tuple[bool, str]:
    """Give a note the comments of its files that it has not.

    One is there if the same user wrote it at the same moment; whoever deleted it here meant that.
    Says whether there were any, and in words which ones had to be left out.
    """
    here = select(User.username, NoteComment.created_at).join(NoteComment.user)
    known = {tuple(row) for row in session.execute(here.where(NoteComment.note_id == note.id))}
    missing = [one for one in history.comments if (one.author, one.created_at) not in known]
    authors = _users(session, (one.author for one in missing))
    unknown = sorted({one.author for one in missing} - set(authors))
    added = [
        NoteComment(
            note_id=note.id,
            user=authors[one.author],
            body=one.text,
            created_at=one.created_at,
            updated_at=one.updated_at or one.created_at,
        )
        for one in missing
        if one.author in authors
    ]
    session.add_all(added)
    session.flush()
    nobody = f"comments of {', '.join(unknown)} are left out: there is no such user"
    return bool(added), nobody if unknown else ""


def _put_in_place(session: Session, note: Note, last: Save) -> None:
    """Let the import's own save be `last` where that says the same, else the one after it."""
    own = session.get_one(NoteRevision, (note.id, note.edition))
    edition = last.number
    if _told(last.fields) == _told(fields_of(note)):
        session.delete(own)
    else:
        own.number = edition = last.number + 1
    session.flush()
    # A note changes by what is written, not by how often that was.
    moved = update(Note).where(Note.id == note.id)
    session.execute(moved.values(edition=edition, updated_at=Note.updated_at))
    session.refresh(note)


def _told(fields: NoteFields) -> tuple[object, ...]:
    """What a revision tells of a note."""
    return (
        fields.title,
        fields.body,
        fields.visibility,
        fields.package,
        fields.version_range,
        fields.act,
    )


def _users(session: Session, names: Iterable[str | None]) -> dict[str, User]:
    wanted = {name for name in names if name is not None}
    found = session.scalars(select(User).where(User.username.in_(wanted)))
    return {user.username: user for user in found}


def _save(file: RevisionFile) -> Save:
    if not 0 < file.number < _MOST_SAVES:
        raise NoteFileError("its number is none of a revision")
    fields = NoteFields(
        title=file.title,
        body=file.text,
        visibility=file.visibility,
        package=file.package,
        version_range=file.versions,
        act=file.act,
    )
    return Save(file.number, file.saved_by, file.saved_at, check_fields(fields))


def _comment(file: CommentFile) -> CommentFile:
    text = checked_text(file.text, "body", "The comment", MAX_COMMENT).strip()
    if not text:
        raise NoteFileError("it says nothing")
    file.body = text
    return file


def _revision(note: Note, save: Save, user: User | None) -> NoteRevision:
    fields = save.fields
    return NoteRevision(
        note_id=note.id,
        number=save.number,
        user=user,
        title=fields.title,
        body=fields.body,
        visibility=fields.visibility,
        package_id=fields.package,
        version_range=fields.version_range,
        act=fields.act,
        created_at=save.saved_at or datetime.now(UTC),
    )


def _revision_file(revision: NoteRevision) -> RevisionFile:
    return RevisionFile(
        number=revision.number,
        saved_by=None if revision.user is None else revision.user.username,
        saved_at=revision.created_at,
        title=revision.title,
        visibility=Visibility(revision.visibility),
        package=revision.package_id,
        versions=revision.version_range,
        act=Act(revision.act),
        body=revision.body,
    )


def _comment_file(comment: NoteComment) -> CommentFile:
    return CommentFile(
        author=comment.user.username,
        created_at=comment.created_at,
        updated_at=comment.updated_at,
        body=comment.body,
    )
