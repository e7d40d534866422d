"""Whether the bytes of files, and of their metadata, are there and are the right ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.events.models import Action
from packslip.events.operations import record
from packslip.fsck.findings import Finding, Kind, Place
from packslip.fsck.metadata import metadata_inside
from packslip.mirror.file_operations import note_lost, note_lost_metadata
from packslip.mirror.models import MirrorFile
from packslip.packages.models import File, Origin, Package, Release
from packslip.packages.operations import touch
from packslip.storage.protocol import (
    MissingBytesError,
    StorageUnavailableError,
    kept_metadata_key,
    metadata_key,
)

#: Rows that are read at once.
_BATCH = 200

_OUT = "it was taken out of the index; uploading the same file again brings it back"


@dataclass(frozen=True)
class Held:
    """A row that says that bytes are here."""

    id: int
    package_id: str
    version: str
    filename: str
    sha256: str | None
    size: int
    storage_key: str | None
    metadata_sha256: str | None
    #: Whether its bytes can be had from upstream again.
    is_mirrored: bool
    metadata_kept: bool

    @property
    def metadata_at(self) -> str | None:
        """The key of its metadata; None when none is to be here."""
        if self.metadata_sha256 is None:
            return None
        if self.is_mirrored:
            if not self.metadata_kept:
                return None
            return kept_metadata_key(self.metadata_sha256, self.filename)
        return None if self.storage_key is None else metadata_key(self.storage_key)


@dataclass(frozen=True)
class _Fault:
    kind: Kind
    reason: str


def count_held(session: Session) -> int:
    """How many files there are to look at."""
    return session.scalar(select(func.count()).select_from(_held().subquery())) or 0


def check_files(place: Place) -> Iterator[Finding | None]:
    """Look at all bytes that rows name, and at the metadata beside them."""
    last = 0
    while batch := _next(place.session, last):
        last = batch[-1].id
        for row in batch:
            finding = _look_at(place, row)
            if finding is not None:
                yield finding
            yield None


def _held() -> Select[*tuple[Any, ...]]:
    return (
        select(
            File.id,
            Release.package_id,
            Release.version,
            File.filename,
            File.sha256,
            File.size,
            File.storage_key,
            File.metadata_sha256,
            Package.origin,
            MirrorFile.file_id.label("mirrored"),
            MirrorFile.metadata_kept,
        )
        .join(Release, Release.id == File.release_id)
        .join(Package, Package.id == Release.package_id)
        .outerjoin(MirrorFile, MirrorFile.file_id == File.id)
        .where(or_(File.storage_key.is_not(None), MirrorFile.metadata_kept.is_(True)))
    )


def _next(session: Session, last: int) -> list[Held]:
    return _read(session, _held().where(File.id > last).order_by(File.id).limit(_BATCH))


def _again(session: Session, row: Held) -> Held | None:
    """The row as it is now; None when it names no bytes any more."""
    return next(iter(_read(session, _held().where(File.id == row.id))), None)


def _read(session: Session, query: Select[*tuple[Any, ...]]) -> list[Held]:
    return [
        Held(
            id=row.id,
            package_id=row.package_id,
            version=row.version,
            filename=row.filename,
            sha256=row.sha256,
            size=row.size,
            storage_key=row.storage_key,
            metadata_sha256=row.metadata_sha256,
            is_mirrored=row.origin == Origin.MIRRORED and row.mirrored is not None,
            metadata_kept=bool(row.metadata_kept),
        )
        for row in session.execute(query)
    ]


def _look_at(place: Place, row: Held) -> Finding | None:
    place.session.rollback()
    fault = _fault_of_bytes(place, row)
    if fault is None:
        fault, what = _fault_of_metadata(place, row), f"{row.filename}.metadata"
        mend = partial(_mend_metadata, place, row)
    else:
        what = row.filename
        mend = partial(_mend_size if fault.kind is Kind.ROW else _take_out, place, row)
    if fault is None or not _is_still_so(place, row, fault):
        return None
    # What cannot be read today may be tomorrow; and no copy is better than one that might.
    may_mend = fault.kind is not Kind.UNREADABLE
    return Finding(fault.kind, what, fault.reason, mend if may_mend else None, row.package_id)


def _is_still_so(place: Place, row: Held, fault: _Fault) -> bool:
    """Whether nobody changed the file meanwhile: removed, dropped or fetched it."""
    place.session.rollback()
    now = _again(place.session, row)
    place.session.rollback()
    if now != row:
        return False
    if fault.kind is Kind.MISSING:
        return _fault_of_bytes(place, row) is not None
    return fault.kind is not Kind.METADATA or _fault_of_metadata(place, row) is not None


def _fault_of_bytes(place: Place, row: Held) -> _Fault | None:
    if row.storage_key is None:
        return None
    found = _read_stored(place, row.storage_key)
    if isinstance(found, _Fault):
        return found
    size, sha256 = found
    if sha256 is not None and row.sha256 is not None and sha256 != row.sha256:
        return _Fault(Kind.WRONG, f"its bytes have the sha256 {sha256} instead of {row.sha256}")
    if size == row.size:
        return None
    if sha256 is not None and row.sha256 is not None:
        return _Fault(Kind.ROW, f"its row says {row.size} bytes, and the right ones are {size}")
    return _Fault(Kind.WRONG, f"it has {size} bytes instead of {row.size}")


def _fault_of_metadata(place: Place, row: Held) -> _Fault | None:
    if row.metadata_at is None:
        return None
    found = _read_stored(place, row.metadata_at)
    if isinstance(found, _Fault):
        kind = Kind.METADATA if found.kind is Kind.MISSING else found.kind
        return _Fault(kind, found.reason)
    sha256 = found[1]
    if sha256 is not None and sha256 != row.metadata_sha256:
        return _Fault(Kind.METADATA, f"its sha256 is {sha256} instead of {row.metadata_sha256}")
    return None


def _read_stored(place: Place, key: str) -> tuple[int, str | None] | _Fault:
    """The size of what is stored, and its SHA-256 unless that would take too long."""
    digest = hashlib.sha256()
    try:
        with place.storage.open(key) as stored:
            if place.quick:
                return stored.size, None
            for block in stored.read():
                digest.update(block)
            return stored.size, digest.hexdigest()
    except MissingBytesError:
        return _Fault(Kind.MISSING, "its bytes are not in the storage")
    except StorageUnavailableError as error:
        return _Fault(Kind.UNREADABLE, f"its bytes cannot be read: {error.problem}")
    except OSError as error:
        return _Fault(Kind.UNREADABLE, f"its bytes cannot be read: {error.strerror}")


def _lock(place: Place, row: Held) -> tuple[Package, File] | None:
    """The rows of the file, which nobody changes before this transaction ends.

    None when somebody did before.
    """
    session = place.session
    package = session.get(Package, row.package_id, with_for_update=True)
    file = session.get(File, row.id, with_for_update=True)
    if package is None or file is None or _again(session, row) != row:
        return None
    return package, file


def _take_out(place: Place, row: Held) -> str | None:
    with write_transaction(place.session) as session:
        locked = _lock(place, row)
        # Whoever stores bytes under this key waits for the lock, so what is found now stays so.
        fault = None if locked is None else _fault_of_bytes(place, row)
        if locked is None or fault is None or fault.kind not in {Kind.MISSING, Kind.WRONG}:
            return None
        package, file = locked
        key = row.storage_key
        assert key is not None
        if row.is_mirrored:
            note_lost(session, row.id, key)
        else:
            file.storage_key = None
        data = {"version": row.version, "filename": row.filename, "reason": fault.reason}
        event = record(session, place.actor, Action.FILE_LOSE, package_id=package.id, data=data)
        touch(session, package, event)
        # Before the commit: what is wrong is rather missing than served.
        if row.is_mirrored:
            place.storage.delete(key)
            return "it will be fetched again"
        place.storage.set_aside(key)
        place.storage.delete(metadata_key(key))
    return _OUT if fault.kind is Kind.MISSING else f"its bytes were set aside, and {_OUT}"


def _mend_size(place: Place, row: Held) -> str | None:
    with write_transaction(place.session):
        locked = _lock(place, row)
        if locked is None or row.storage_key is None:
            return None
        package, file = locked
        with place.storage.open(row.storage_key) as stored:
            file.size = stored.size
        file.release.size = sum(one.size for one in file.release.files)
        place.record_mend(f"the size of {row.filename}", f"{row.size} bytes", package.id)
    return "its row was changed"


def _mend_metadata(place: Place, row: Held) -> str | None:
    inside = None
    if row.storage_key is not None and not row.is_mirrored:
        inside = metadata_inside(place.storage, row.storage_key, row.filename, row.package_id)
    with write_transaction(place.session) as session:
        locked = _lock(place, row)
        fault = None if locked is None else _fault_of_metadata(place, row)
        if locked is None or fault is None or row.metadata_at is None:
            return None
        package, file = locked
        event_reason = f"metadata: {fault.reason}"
        place.record_mend(row.filename, event_reason, package.id)
        place.storage.delete(row.metadata_at)
        if row.is_mirrored:
            note_lost_metadata(session, row.id)
            return "it will be fetched again"
        if inside is not None and hashlib.sha256(inside).hexdigest() == row.metadata_sha256:
            place.storage.put_bytes(row.metadata_at, inside)
            return "it was made anew of the file"
        file.metadata_sha256 = None
    return "the index does not offer it any more"
