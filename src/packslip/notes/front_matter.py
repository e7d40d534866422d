"""Notes, their revisions and comments as files: Markdown below a few lines about it. Pure.

Between two lines `---` stand lines of `name: value`, each value JSON, and all that is YAML as well.
After an empty line comes the body, and one newline that does not belong to it.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from packslip.errors import InvalidError
from packslip.notes.models import Visibility
from packslip.packages.models import Act
from packslip.packages.search_texts import words_of
from packslip.texts import brief

_FENCE = "---\n"
_LINE = re.compile(r"([a-z_]+): (.*)")
_NO_ASCII = re.compile(r"[^a-z0-9-]+")

_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class NoteFileError(InvalidError):
    """A file is none as `write_file` writes them."""


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    #: Not among the lines.
    body: str | UnsetType = UNSET

    @property
    def text(self) -> str:
        """The Markdown below the lines."""
        return "" if self.body is UNSET else self.body


class NoteFile(_File, kw_only=True):
    """What stands in the file of a note."""

    #: The number that it has where it comes from.
    id: int | None = None
    title: str
    author: str
    visibility: Visibility = Visibility.PRIVATE
    package: str | None = None
    versions: str | None = None
    act: Act = Act.NONE
    fixed_in: str | None = None
    #: The tags of the body, for whoever reads the file; an import reads the body.
    tags: list[str] = []
    pinned: bool = False
    archived: bool = False
    review_at: _Moment | None = None
    expires_at: _Moment | None = None
    #: Since when it acts no more.
    lifted_at: _Moment | None = None
    created_at: _Moment | None = None
    updated_at: _Moment | None = None


class RevisionFile(_File, kw_only=True):
    """What stands in the file of a revision: the note as it was saved once."""

    number: int
    #: None for the command line, and where the user is gone.
    saved_by: str | None = None
    saved_at: _Moment | None = None
    title: str
    visibility: Visibility = Visibility.PRIVATE
    package: str | None = None
    versions: str | None = None
    act: Act = Act.NONE


class CommentFile(_File, kw_only=True):
    """What stands in the file of a comment."""

    author: str
    created_at: _Moment
    updated_at: _Moment | None = None


_AnyFile = TypeVar("_AnyFile", bound=_File)


def write_file(file: _File) -> str:
    """The text of the file."""
    lines = [
        f"{name}: {msgspec.json.encode(value).decode()}\n"
        for name, value in msgspec.structs.asdict(file).items()
        if name != "body"
    ]
    return f"{_FENCE}{''.join(lines)}{_FENCE}\n{file.text}\n"


def read_file(text: str, kind: type[_AnyFile]) -> _AnyFile:
    """What stands in a file of that kind.

    Raises:
        NoteFileError: it is none; the reason says what is wrong.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if not text.startswith(_FENCE):
        raise NoteFileError("it does not begin with a line ---")
    head, fence, rest = text.removeprefix(_FENCE).partition(f"\n{_FENCE}")
    if not fence:
        raise NoteFileError("its first lines do not end with a line ---")
    found = {}
    for line in head.split("\n"):
        name, value = _read_line(line)
        if name in found:
            raise NoteFileError(f"{name} stands in it twice")
        found[name] = value
    if "body" in found:
        raise NoteFileError("body is no name here: it is the text below")
    body = rest.removeprefix("\n").removesuffix("\n")
    try:
        return msgspec.convert({**found, "body": body}, kind)
    except msgspec.ValidationError as error:
        raise NoteFileError(brief(str(error), 200)) from None


def filename_of(note: NoteFile) -> str:
    """What the note's file is called: by its number and its title."""
    words = _NO_ASCII.sub("", "-".join(words_of(note.title)))[:60].strip("-")
    number = f"{note.id or 0:05}"
    return f"{number}-{words}.md" if words else f"{number}.md"


def _read_line(line: str) -> tuple[str, object]:
    found = _LINE.fullmatch(line)
    if found is None:
        raise NoteFileError(f"the line {brief(line)!r} is not of the form `name: value`")
    try:
        return found[1], msgspec.json.decode(found[2])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise NoteFileError(f"the value of {found[1]} is no JSON: {brief(found[2])}") from None
