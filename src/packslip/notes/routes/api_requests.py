"""What requests to `/api/v1/notes` say: arguments, bodies, and from which edition they start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import msgspec
from flask import abort, request
from werkzeug.http import parse_etags

from packslip.errors import PreconditionFailedError, PreconditionNeededError
from packslip.notes.documents import InvalidBodyError
from packslip.notes.errors import NoteFieldError
from packslip.notes.fields import MAX_BODY
from packslip.notes.finding import NoteFilter, Whose
from packslip.notes.models import Note
from packslip.packages.models import Act
from packslip.simple_api.page import InvalidPackageNameError, normalize_name
from packslip.texts import brief

#: Bytes of a request: in JSON a character may take six.
LONGEST_BODY = 6 * MAX_BODY + 64 * 1024

#: Notes on a page if nothing else is asked for, and at most.
PER_PAGE = 20
MOST_PER_PAGE = 100

_AT = re.compile(r" - at `\$\.(\w+)")
_NAMED = re.compile(r"(?:unknown|required) field `([^`]*)`")

_Body = TypeVar("_Body")
_Choice = TypeVar("_Choice", bound=StrEnum)


class EditionNeededError(PreconditionNeededError):
    """A change does not say what it changes."""

    def __init__(self) -> None:
        super().__init__("Say in If-Match from which edition this starts, as its ETag was.")


class StaleEditionError(PreconditionFailedError):
    """The note was saved, or lifted, or otherwise changed, after it was read."""

    def __init__(self, note: Note) -> None:
        super().__init__(
            f"The note {note.id} was changed meanwhile: it is at edition {note.edition} now."
        )
        self.details = {"edition": note.edition}


@dataclass(frozen=True)
class Listing:
    """Which notes are asked for, and which of these."""

    wanted: NoteFilter
    limit: int
    before: int | None


def read_body(kind: type[_Body]) -> _Body:
    """The body of the request.

    Raises:
        InvalidBodyError: it is no JSON, or something in it is unknown, missing or of another type.
    """
    request.max_content_length = LONGEST_BODY
    if request.mimetype not in {"application/json", "application/merge-patch+json"}:
        abort(415, "Send JSON, as application/json.")
    try:
        return msgspec.json.decode(request.get_data(), type=kind)
    except msgspec.ValidationError as error:
        raise InvalidBodyError(*_fault(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidBodyError("The body is no JSON.", None) from None


def read_listing(arguments: Mapping[str, str]) -> Listing:
    """The arguments of a list; unknown ones are refused, as nobody could mean them.

    Raises:
        NoteFieldError: an argument is unknown, or has a value that it cannot have.
    """
    known = {
        "whose", "package", "version", "act", "acting", "tag", "author", "archived", "q",
        "limit", "before",
    }  # fmt: skip
    for name in arguments:
        if name not in known:
            raise NoteFieldError(brief(name), f"There is no argument {brief(name)!r}.")
    given = {name: _storable(value) for name, value in arguments.items() if value}
    if "version" in given and "package" not in given:
        raise NoteFieldError("version", "Say of which package the version is.")
    wanted = NoteFilter(
        whose=_choice("whose", given, Whose),
        package=_package(given.get("package")),
        version=given.get("version", "")[:200] or None,
        act=_choice("act", given, Act),
        acting=_yes_or_no("acting", given),
        tag=given.get("tag"),
        author=given.get("author"),
        archived=_yes_or_no("archived", given),
        text=given.get("q", ""),
    )
    limit = _number("limit", given, MOST_PER_PAGE)
    return Listing(wanted, limit or PER_PAGE, _number("before", given, 2**63 - 1))


def etag_of(note: Note) -> str:
    """Names the note as it is now: its edition, and when anything of it changed last."""
    return f"{note.edition}-{int(note.updated_at.timestamp() * 10**6):x}"


def require_edition(note: Note) -> int:
    """The edition from which the request starts, which is the one that the note has.

    Raises:
        EditionNeededError: it does not say.
        StaleEditionError: the note is another one by now.
    """
    if not request.headers.get("If-Match"):
        raise EditionNeededError
    check_edition(note)
    return note.edition


def check_edition(note: Note) -> None:
    """See that the note is as the request takes it to be, if it says so.

    The edition alone will do: `"3"`.

    Raises:
        StaleEditionError: it is not.
    """
    header = request.headers.get("If-Match")
    if not header:
        return
    given = parse_etags(header)
    if not (given.contains(etag_of(note)) or given.contains(str(note.edition))):
        raise StaleEditionError(note)


def _fault(message: str) -> tuple[str, str | None]:
    """What is wrong, and where, of what msgspec says."""
    found = _AT.search(message) or _NAMED.search(message)
    what, _, _ = message.partition(" - at ")
    field = None if found is None else brief(found[1])
    where = "" if field is None or f"`{field}`" in what else f"{field}: "
    return f"{where}{brief(what, 200)}.", field


def _package(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        return normalize_name(name)
    except InvalidPackageNameError:
        raise NoteFieldError("package", f"{brief(name)!r} is no package's name.") from None


def _choice(name: str, given: Mapping[str, str], choices: type[_Choice]) -> _Choice | None:
    value = given.get(name)
    if value is None:
        return None
    try:
        return choices(value)
    except ValueError:
        known = ", ".join(choices)
        raise NoteFieldError(name, f"{name} is one of {known}, not {brief(value)!r}.") from None


def _yes_or_no(name: str, given: Mapping[str, str]) -> bool | None:
    value = given.get(name)
    if value not in (None, "yes", "no"):
        raise NoteFieldError(name, f"{name} must be yes or no, not {brief(value)!r}.")
    return None if value is None else value == "yes"


def _number(name: str, given: Mapping[str, str], most: int) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 20 and 1 <= int(value) <= most):
        raise NoteFieldError(name, f"{name} must be a number from 1 to {most}.")
    return int(value)


def _storable(value: str) -> str:
    """The value with a mark in place of what no database holds, so that it simply is not found."""
    return value.encode("utf-8", "replace").decode().replace("\0", "?")
