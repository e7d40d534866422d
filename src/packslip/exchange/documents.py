"""The layout of an export.

::

    packslip-export.json            what this folder is
    <package>/package.json          names, people, files: see `PackageRecord`
    <package>/files/<filename>      the distributions
    <package>/notes/<number>-….md   the notes about it, as `packslip note export` writes them
    <package>/events.jsonl          what the audit log says of it, for reading
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from packslip.errors import InvalidError
from packslip.packages.models import MaintainerRole

FORMAT = "packslip-export"
VERSION = 1

#: What marks a folder as an export.
MARK = "packslip-export.json"
PACKAGE = "package.json"
FILES = "files"
NOTES = "notes"
EVENTS = "events.jsonl"

#: Bytes that a document may have.
_LARGEST = 256 * 1024**2

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class InvalidExportError(InvalidError):
    """It is no export, or not one that this version can read."""

    def __init__(self, path: Path | str, fault: str) -> None:
        super().__init__(f"{path} cannot be imported: {fault}.")


class Mark(msgspec.Struct):
    """What `packslip-export.json` says."""

    format: str
    version: int
    #: What wrote it, and when.
    made_by: str
    made: datetime


class PersonRecord(msgspec.Struct):
    """Somebody who looks after the package, or uploaded a file."""

    username: str
    email: str | None = None
    name: str = ""
    #: None for whoever only uploaded.
    role: MaintainerRole | None = None


class TeamRecord(msgspec.Struct):
    """A team that the package was given to."""

    team: str
    role: MaintainerRole


class FileRecord(msgspec.Struct):
    """A distribution in the export."""

    filename: str
    version: str
    sha256: str
    size: int
    uploaded_at: datetime
    #: The username of one of the people.
    uploader: str | None = None
    #: What came with it (PEP 740).
    attestations: list[dict[str, Any]] = []


class YankRecord(msgspec.Struct):
    """A release that was yanked where it came from, and not by a note."""

    version: str
    reason: str | None = None


class PackageRecord(msgspec.Struct):
    """What `package.json` says."""

    name: str
    people: list[PersonRecord]
    files: list[FileRecord]
    yanked: list[YankRecord] = []
    #: For reading: teams of the same name elsewhere may be other people.
    teams: list[TeamRecord] = []


_Document = TypeVar("_Document", Mark, PackageRecord)


def is_export(folder: Path) -> bool:
    """Whether the folder says that it is an export."""
    return (folder / MARK).is_file()


def read_mark(folder: Path) -> Mark:
    """What the folder says of itself.

    Raises:
        InvalidExportError: it is of another version.
    """
    mark = _read(folder / MARK, Mark)
    if mark.format != FORMAT or mark.version != VERSION:
        raise InvalidExportError(folder / MARK, f"only {FORMAT} {VERSION} can be read")
    return mark


def read_package(folder: Path) -> PackageRecord:
    """What is said of the package in the folder.

    Raises:
        InvalidExportError: it cannot be read.
    """
    path = folder / PACKAGE
    record = _read(path, PackageRecord)
    check_files(path, record)
    return record


def check_files(origin: Path | str, record: PackageRecord) -> None:
    """Allow nothing but plain names of files, whole digests and unmistakable times.

    Raises:
        InvalidExportError: there is something else; it names the origin.
    """
    for file in record.files:
        is_plain = file.filename == Path(file.filename).name and file.filename not in {"", ".."}
        if not is_plain or not _SHA256.match(file.sha256):
            raise InvalidExportError(origin, "it names a file or digest that there cannot be")
        if file.uploaded_at.tzinfo is None:
            raise InvalidExportError(origin, f"it does not say in which zone {file.filename} came")


def write_document(path: Path, document: Mark | PackageRecord) -> None:
    """Write it as indented JSON."""
    data = msgspec.json.format(msgspec.json.encode(document))
    path.write_bytes(data + b"\n")


def _read(path: Path, kind: type[_Document]) -> _Document:
    try:
        if path.stat().st_size > _LARGEST:
            raise InvalidExportError(path, "it is too large")
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise InvalidExportError(path, (error.strerror or "it cannot be read").lower()) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidExportError(path, f"it is not as it should be, {error}") from None
