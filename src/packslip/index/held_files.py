"""What is known of a file whose bytes are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from packslip.db import is_key
from packslip.errors import NotFoundError
from packslip.mirror.file_queries import NotInBundleError, came_by_bundle
from packslip.mirror.models import MirrorFile
from packslip.mirror.rule_queries import rules_token_column
from packslip.packages.filenames import InvalidFilenameError, parse_filename
from packslip.packages.models import File, Origin, Package, Release
from packslip.packages.stamps import stamp_column
from packslip.simple_api.page import PackageStatus
from packslip.storage.protocol import InvalidKeyError, content_key


class UnknownFileError(NotFoundError):
    """There is no file of this name and digest, or its bytes cannot be had here."""

    def __init__(self, filename: str) -> None:
        super().__init__(f"There is no file {filename!r} at this address.")
        self.filename = filename


@dataclass(frozen=True)
class HeldFile:
    """A file whose bytes are held here, or that is mirrored, so that they can be had."""

    id: int
    package_id: str
    release_id: int
    version: str
    filename: str
    #: None when upstream does not tell it.
    sha256: str | None
    #: None when its bytes are not held yet.
    storage_key: str | None
    size: int
    metadata_sha256: str | None
    #: Whether the metadata of a mirrored file is held.
    metadata_kept: bool
    uploaded_at: datetime
    #: Why the bytes are refused, as a whole sentence; None while they are not.
    held_reason: str | None
    #: PEP 792: that of its package.
    status: PackageStatus
    status_reason: str | None
    #: When an act on the package expires.
    acts_until: datetime | None
    is_mirrored: bool
    #: When the bytes of a mirrored file were last asked for, to about an hour.
    used_at: datetime | None
    #: That of the rules in force; see `packslip.mirror.verdict.rules_of_token`.
    rules_token: str | None
    #: That of its package, see `packslip.packages.stamps`.
    stamp: int


def held_file(session: Session, sha256: str, filename: str) -> HeldFile:
    """Return the file with this digest and name.

    Raises:
        UnknownFileError: there is none, or its bytes cannot be had.
    """
    try:
        content_key(sha256, filename)
    except InvalidKeyError:
        raise UnknownFileError(filename) from None
    return _found(session, _by_digest(), {"name": filename, "sha256": sha256})


def numbered_file(session: Session, file_id: int, filename: str) -> HeldFile:
    """Return the mirrored file with this number and name.

    Raises:
        UnknownFileError: there is none.
    """
    if not is_key(file_id):
        raise UnknownFileError(filename)
    found = _found(session, _by_number(), {"name": filename, "number": file_id})
    if not found.is_mirrored:
        raise UnknownFileError(filename)
    return found


def _unknown(session: Session, filename: str) -> NotFoundError:
    """Why there is no such file."""
    try:
        package_id = parse_filename(filename).package
    except InvalidFilenameError:
        return UnknownFileError(filename)
    if came_by_bundle(session, package_id):
        return NotInBundleError(filename)
    return UnknownFileError(filename)


@cache
def _by_digest() -> Select[*tuple[Any, ...]]:
    return _select().where(File.filename == bindparam("name"), File.sha256 == bindparam("sha256"))


@cache
def _by_number() -> Select[*tuple[Any, ...]]:
    return _select().where(File.filename == bindparam("name"), File.id == bindparam("number"))


def _select() -> Select[*tuple[Any, ...]]:
    return (
        select(
            File.id,
            Release.package_id,
            File.release_id,
            Release.version,
            File.filename,
            File.sha256,
            File.storage_key,
            File.size,
            File.metadata_sha256,
            File.uploaded_at,
            Release.held_reason,
            Package.status,
            Package.status_reason,
            Package.acts_until,
            Package.origin,
            MirrorFile.file_id.label("mirrored_id"),
            MirrorFile.metadata_kept,
            MirrorFile.used_at,
            rules_token_column(),
            stamp_column(Package.id),
        )
        .select_from(File)
        .join(Release, Release.id == File.release_id)
        .join(Package, Package.id == Release.package_id)
        .outerjoin(MirrorFile, MirrorFile.file_id == File.id)
    )


def _found(
    session: Session, statement: Select[*tuple[Any, ...]], values: dict[str, Any]
) -> HeldFile:
    filename = values["name"]
    row = session.execute(statement, values).one_or_none()
    if row is None:
        raise _unknown(session, filename)
    is_mirrored = row.origin == Origin.MIRRORED and row.mirrored_id is not None
    if row.storage_key is None and not is_mirrored:
        raise UnknownFileError(filename)
    return HeldFile(
        id=row.id,
        package_id=row.package_id,
        release_id=row.release_id,
        version=row.version,
        filename=row.filename,
        sha256=row.sha256,
        storage_key=row.storage_key,
        size=row.size,
        metadata_sha256=row.metadata_sha256,
        metadata_kept=bool(row.metadata_kept),
        uploaded_at=row.uploaded_at,
        held_reason=row.held_reason,
        status=PackageStatus(row.status),
        status_reason=row.status_reason,
        acts_until=row.acts_until,
        is_mirrored=is_mirrored,
        used_at=row.used_at,
        rules_token=row.rules_token,
        stamp=row.stamp,
    )
