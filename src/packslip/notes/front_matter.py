"""Notes as files: Markdown below a few lines that say what else stands in the note. Pure.

Between two lines `---` stand lines of `name: value`, each value JSON, and all that is YAML as well.
After an empty line comes the body, and one newline that does not belong to it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

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


class NoteFileError(InvalidError):
    """A file is no note as `write_note` writes them."""


class NoteFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=False):
    """What stands in the file of a note, but for its body."""

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
    review_at: datetime | None = None
    expires_at: datetime | None = None
    #: Since when it acts no more.
    lifted_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    #: Not among the lines.
    body: str | UnsetType = UNSET


def write_note(note: NoteFile) -> str:
    """The text of the note's file."""
    lines = [
        f"{name}: {msgspec.json.encode(value).decode()}\n"
        for name, value in msgspec.structs.asdict(note).items()
        if name != "body"
    ]
    body = "" if note.body is UNSET else note.body
    return f"{_FENCE}{''.join(lines)}{_FENCE}\n{body}\n"


def read_note(text: str) -> NoteFile:
    """The note in a file.

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
    return _read_values({**found, "body": body})


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


def _read_values(values: Mapping[str, object]) -> NoteFile:
    try:
        return msgspec.convert(values, NoteFile)
    except msgspec.ValidationError as error:
        raise NoteFileError(brief(str(error), 200)) from None
