"""Notes as JSON has them: `/api/v1/notes`, and `--json` of the commands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from packslip.accounts.models import User
from packslip.errors import InvalidError
from packslip.notes.fields import NoteFields
from packslip.notes.models import Note, NoteComment, NoteRevision, Visibility
from packslip.packages.models import Act

Moment = Annotated[datetime, Meta(tz=True)]
Text = Annotated[str, Meta(description="Markdown.")]


class InvalidBodyError(InvalidError):
    """The body of a request is not what it should be; `field` says where, if it is known."""

    def __init__(self, reason: str, field: str | None) -> None:
        super().__init__(reason)
        self.field = field


class NewNote(msgspec.Struct, forbid_unknown_fields=True):
    """A note that is to be written."""

    title: str
    body: Text = ""
    visibility: Visibility = Visibility.PRIVATE
    package: str | None = None
    version_range: str | None = None
    act: Act = Act.NONE
    fixed_in: str | None = None
    review_at: Moment | None = None
    expires_at: Moment | None = None

    def fields(self) -> NoteFields:
        """The same for operations."""
        return NoteFields(**msgspec.structs.asdict(self))


class NoteChanges(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be changed in a note; what is left out stays."""

    title: str | UnsetType = UNSET
    body: Text | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    package: str | UnsetType | None = UNSET
    version_range: str | UnsetType | None = UNSET
    act: Act | UnsetType = UNSET
    fixed_in: str | UnsetType | None = UNSET
    review_at: Moment | UnsetType | None = UNSET
    expires_at: Moment | UnsetType | None = UNSET
    pinned: bool | UnsetType = UNSET
    archived: bool | UnsetType = UNSET


class NewComment(msgspec.Struct, forbid_unknown_fields=True):
    """A comment that is to be written."""

    body: Text


class NoteDocument(msgspec.Struct):
    """A note."""

    id: int
    title: str
    body: Text
    author: str
    visibility: Visibility
    package: str | None
    version_range: str | None
    act: Act
    is_acting: bool
    fixed_in: str | None
    review_at: datetime | None
    expires_at: datetime | None
    lifted_at: datetime | None
    tags: list[str]
    pinned: bool
    archived: bool
    edition: int
    created_at: datetime
    updated_at: datetime
    url: str


class NoteList(msgspec.Struct):
    """Some notes, the newest first."""

    notes: list[NoteDocument]
    #: The address of those that come next.
    next: str | None


class RevisionDocument(msgspec.Struct):
    """A note as it was saved once."""

    number: int
    author: str | None
    title: str
    body: Text
    visibility: Visibility
    package: str | None
    version_range: str | None
    act: Act
    created_at: datetime


class RevisionList(msgspec.Struct):
    """The revisions of a note, the newest first."""

    revisions: list[RevisionDocument]


class CommentDocument(msgspec.Struct):
    """A comment on a note."""

    id: int
    author: str
    body: Text
    created_at: datetime
    updated_at: datetime


class CommentList(msgspec.Struct):
    """The comments on a note, the oldest first."""

    comments: list[CommentDocument]


def note_document(note: Note, tags: Sequence[str], reader: User | None, base: str) -> NoteDocument:
    """The note for this reader; `base` is the address of the index.

    Whether it is pinned is its author's business.
    """
    return NoteDocument(
        id=note.id,
        title=note.title,
        body=note.body,
        author=note.author.username,
        visibility=Visibility(note.visibility),
        package=note.package_id,
        version_range=note.version_range,
        act=Act(note.act),
        is_acting=note.is_acting,
        fixed_in=note.fixed_in,
        review_at=note.review_at,
        expires_at=note.expires_at,
        lifted_at=note.lifted_at,
        tags=list(tags),
        pinned=note.pinned and reader is not None and reader.id == note.user_id,
        archived=note.archived,
        edition=note.edition,
        created_at=note.created_at,
        updated_at=note.updated_at,
        url=f"{base}/notes/{note.id}",
    )


def revision_document(revision: NoteRevision) -> RevisionDocument:
    """A revision."""
    return RevisionDocument(
        number=revision.number,
        author=None if revision.user is None else revision.user.username,
        title=revision.title,
        body=revision.body,
        visibility=Visibility(revision.visibility),
        package=revision.package_id,
        version_range=revision.version_range,
        act=Act(revision.act),
        created_at=revision.created_at,
    )


def comment_document(comment: NoteComment) -> CommentDocument:
    """A comment."""
    return CommentDocument(
        id=comment.id,
        author=comment.user.username,
        body=comment.body,
        created_at=comment.created_at,
        updated_at=comment.updated_at,
    )
