"""What is written into a note, and the rules for it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from packslip.errors import InvalidError
from packslip.notes.errors import NoteFieldError
from packslip.notes.models import Note, Visibility
from packslip.packages.effects import STATUSES
from packslip.packages.models import Act
from packslip.packages.version_ranges import parse_range
from packslip.packages.versions import parse_version
from packslip.simple_api.page import InvalidPackageNameError, normalize_name
from packslip.texts import brief, one_line

_Checked = TypeVar("_Checked")

MAX_TITLE = 200

#: Bytes of a body in UTF-8.
MAX_BODY = 256 * 1024

#: Bytes of a comment in UTF-8.
MAX_COMMENT = 16 * 1024

#: They reorder what stands around them, in the terminals to which titles go as well.
_REORDERING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@dataclass(frozen=True, kw_only=True)
class NoteFields:
    """All that a person writes into a note when they save it."""

    #: One line. It may be empty for a yank alone.
    title: str = ""
    #: Markdown.
    body: str = ""
    visibility: Visibility = Visibility.PRIVATE
    #: The package on which it hangs, however its name is spelt.
    package: str | None = None
    #: A range of that package's versions; None for all.
    version_range: str | None = None
    act: Act = Act.NONE
    #: The version in which what it is about is mended.
    fixed_in: str | None = None
    review_at: datetime | None = None
    #: When what it does ends by itself. It goes when the note does nothing.
    expires_at: datetime | None = None


def fields_of(note: Note) -> NoteFields:
    """What stands in the note."""
    return NoteFields(
        title=note.title,
        body=note.body,
        visibility=Visibility(note.visibility),
        package=note.package_id,
        version_range=note.version_range,
        act=Act(note.act),
        fixed_in=note.fixed_in,
        review_at=note.review_at,
        expires_at=note.expires_at,
    )


def check_fields(fields: NoteFields) -> NoteFields:
    """The same in the form in which it is kept: names and versions normalised.

    Whether there is such a package, and whether it can act so, is asked elsewhere.

    Raises:
        NoteFieldError: something will not do; its `field` says where.
    """
    act = Act(fields.act)
    package = _package(fields.package)
    version_range = _at("version_range", lambda: parse_range(fields.version_range))
    fields = replace(
        fields,
        title=_title(fields.title, act),
        body=checked_text(fields.body, "body", "The note", MAX_BODY),
        package=package,
        version_range=None if package is None else version_range,
        fixed_in=_version(fields.fixed_in),
        expires_at=None if act == Act.NONE else fields.expires_at,
    )
    for field in ("review_at", "expires_at"):
        moment = getattr(fields, field)
        if moment is not None and moment.tzinfo is None:
            raise NoteFieldError(field, "The time needs its offset from UTC.")
    return fields


def check_act(fields: NoteFields) -> None:
    """See that the note can act as its fields, which `check_fields` gave, want it to.

    Raises:
        NoteFieldError: it cannot; `field` says which one is in the way.
    """
    act = Act(fields.act)
    if act == Act.NONE:
        return
    if fields.package is None:
        raise NoteFieldError("package", f"Say which package to {act}.")
    if fields.visibility == Visibility.PRIVATE:
        raise NoteFieldError("visibility", "Only a note that the team can see may act.")
    if act in STATUSES and fields.version_range is not None:
        raise NoteFieldError("version_range", f"{act.capitalize()} is for whole packages.")
    if fields.expires_at is not None and fields.expires_at <= datetime.now(UTC):
        raise NoteFieldError("expires_at", "An act expires at some time in the future.")


def checked_text(text: str, field: str, what: str, limit: int) -> str:
    """Text of several lines, which end as on Unix, of at most `limit` bytes.

    Raises:
        NoteFieldError: it is longer, or has characters that no text has.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if any(unicodedata.category(one) == "Cs" for one in text) or "\0" in text:
        raise NoteFieldError(field, f"{what} has characters that are no text.")
    size = len(text.encode())
    if size > limit:
        raise NoteFieldError(
            field, f"{what} may have at most {limit // 1024} KiB, not {size / 1024:.1f} KiB."
        )
    return text


def _title(text: str, act: Act) -> str:
    title = _at("title", lambda: one_line(text, "The title", MAX_TITLE))
    if any(unicodedata.bidirectional(character) in _REORDERING for character in title):
        raise NoteFieldError("title", "The title must not have characters that reorder others.")
    if not title and act != Act.YANK:
        raise NoteFieldError("title", "Give the note a title.")
    return title


def _package(name: str | None) -> str | None:
    if name is None or not name.strip():
        return None
    try:
        return normalize_name(name.strip())
    except InvalidPackageNameError:
        raise NoteFieldError("package", f"There is no package {brief(name)!r}.") from None


def _version(text: str | None) -> str | None:
    if text is None or not text.strip():
        return None
    version = parse_version(text)
    if version is None:
        raise NoteFieldError("fixed_in", f"{brief(text)!r} is no version.")
    return str(version)


def _at(field: str, check: Callable[[], _Checked]) -> _Checked:
    try:
        return check()
    except InvalidError as error:
        raise NoteFieldError(field, error.reason) from None
