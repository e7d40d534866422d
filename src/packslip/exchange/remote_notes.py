"""Notes of another Packslip, from its API into files as `packslip note export` writes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from packslip.notes.documents import (
    CommentDocument,
    CommentList,
    NoteDocument,
    NoteList,
    RevisionDocument,
    RevisionList,
)
from packslip.notes.front_matter import (
    CommentFile,
    NoteFile,
    RevisionFile,
    filename_of,
    write_file,
)
from packslip.notes.histories import history_folder
from packslip.notes.models import Visibility
from packslip.packages.models import Act

_T = TypeVar("_T")


class Get(Protocol):
    """Gives what the other index has at a path, as that kind of thing."""

    def __call__(self, path: str, kind: type[_T]) -> _T:
        """Raise `InvalidError` if there is nothing of the kind."""


def read_notes(get: Get, package: str) -> list[NoteDocument]:
    """All notes on the package that are not private, archived ones too."""
    found: list[NoteDocument] = []
    before = ""
    while True:
        part = get(f"api/v1/notes?package={package}&limit=100{before}", NoteList).notes
        found += [one for one in part if one.visibility != Visibility.PRIVATE]
        is_further = bool(part) and (not before or part[-1].id < int(before.rpartition("=")[2]))
        if not is_further:
            return found
        before = f"&before={part[-1].id}"


def write_notes(folder: Path, notes: Sequence[NoteDocument], get: Get) -> set[str]:
    """Write the notes with their revisions and comments, and say who wrote them."""
    people = set()
    for note in notes:
        file = _note_file(note)
        (folder / filename_of(file)).write_text(write_file(file), encoding="utf-8", newline="\n")
        history = history_folder(folder, note.id)
        history.mkdir()
        path = f"api/v1/notes/{note.id}"
        people.add(note.author)
        for name, text, author in _history(path, get):
            (history / name).write_text(text, encoding="utf-8", newline="\n")
            if author is not None:
                people.add(author)
    return people


def _history(path: str, get: Get) -> Iterator[tuple[str, str, str | None]]:
    for save in get(f"{path}/revisions", RevisionList).revisions:
        if save.visibility != Visibility.PRIVATE:
            yield f"revision-{save.number:04}.md", write_file(_revision_file(save)), save.author
    for one in get(f"{path}/comments", CommentList).comments:
        yield f"comment-{one.id:05}.md", write_file(_comment_file(one)), one.author


def yanking_ranges(notes: Sequence[NoteDocument]) -> list[str | None]:
    """The releases that notes yank or hold now; None stands for all."""
    acts = {Act.YANK, Act.HOLD}
    return [one.version_range for one in notes if one.is_acting and one.act in acts]


def _note_file(note: NoteDocument) -> NoteFile:
    return NoteFile(
        id=note.id,
        title=note.title,
        author=note.author,
        visibility=note.visibility,
        package=note.package,
        versions=note.version_range,
        act=note.act,
        fixed_in=note.fixed_in,
        tags=note.tags,
        archived=note.archived,
        review_at=note.review_at,
        expires_at=note.expires_at,
        lifted_at=note.lifted_at,
        created_at=note.created_at,
        updated_at=note.updated_at,
        body=note.body,
    )


def _revision_file(save: RevisionDocument) -> RevisionFile:
    return RevisionFile(
        number=save.number,
        saved_by=save.author,
        saved_at=save.created_at,
        title=save.title,
        visibility=save.visibility,
        package=save.package,
        versions=save.version_range,
        act=save.act,
        body=save.body,
    )


def _comment_file(comment: CommentDocument) -> CommentFile:
    return CommentFile(
        author=comment.author,
        created_at=comment.created_at,
        updated_at=comment.updated_at,
        body=comment.body,
    )
