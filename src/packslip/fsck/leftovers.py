"""What was left behind by uploads, fetches and downloads that were cut off."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sqlalchemy import select

from packslip.db import is_postgresql, write_transaction
from packslip.downloads.drain import drain
from packslip.downloads.models import DownloadSpool
from packslip.downloads.spool import has_writer, list_spools
from packslip.fsck.findings import Finding, Kind, Place
from packslip.index.models import StagedUpload
from packslip.index.staged_uploads import discard, storage_key
from packslip.mirror.parts import SWEEP_AFTER, PartFile
from packslip.packages.models import File

#: `<number of the file>-<what upstream said of it>`; see `packslip.mirror.file_queries`.
_PART = re.compile(r"(\d+)-[0-9a-f]{16}(-metadata)?\.part\Z")


def check_staging(place: Place) -> Iterator[Finding | None]:
    """Look for staged files whose writers are dead."""
    left = place.storage.clean_staging(dry_run=True)
    if left:
        what = "1 staged file" if left == 1 else f"{left} staged files"
        reason = "left behind by uploads that were cut off"
        yield Finding(Kind.HALF, what, reason, partial(_clean_staging, place))
    yield None


def _clean_staging(place: Place) -> str | None:
    removed = place.storage.clean_staging()
    if not removed:
        return None
    with write_transaction(place.session):
        place.record_mend(f"{removed} staged files", "they were left behind")
    return "removed"


def check_waiting(place: Place) -> Iterator[Finding | None]:
    """Look for uploads that wait on a page for their confirmation, without their bytes."""
    waiting = select(StagedUpload.id, StagedUpload.filename, StagedUpload.size).where(
        StagedUpload.arrived.is_(True),
        StagedUpload.size > 0,
        StagedUpload.expires_at > place.started_at,
    )
    rows = place.session.execute(waiting.order_by(StagedUpload.id)).all()
    place.session.rollback()
    for row in rows:
        if not place.storage.exists(storage_key(row.id)) and _still_waits(place, row.id):
            reason = "it waits for its confirmation, and its bytes are not in the storage"
            yield Finding(Kind.MISSING, row.filename, reason, partial(_discard, place, row.id))
    yield None


def _still_waits(place: Place, upload_id: str) -> bool:
    upload = place.session.get(StagedUpload, upload_id)
    waits = upload is not None and upload.arrived and upload.expires_at > place.started_at
    place.session.rollback()
    return waits


def _discard(place: Place, upload_id: str) -> str | None:
    if not _still_waits(place, upload_id):
        return None
    discard(place.session, place.storage, [upload_id])
    with write_transaction(place.session):
        place.record_mend("an upload that waited", "its bytes were not in the storage")
    return "it waits no more"


def check_parts(place: Place) -> Iterator[Finding | None]:
    """Look for part files of the mirror that nobody goes on with."""
    folder = place.settings.data / "mirror"
    for path in sorted(folder.glob("*.part")) if folder.is_dir() else ():
        if _is_left_behind(place, path):
            reason = "the rest of a fetch that nobody goes on with"
            yield Finding(Kind.HALF, path.name, reason, partial(_remove_part, place, path))
    yield None


def _is_left_behind(place: Place, path: Path) -> bool:
    found = _PART.match(path.name)
    try:
        age = time.time() - path.stat().st_mtime
        if found is None or age < place.grace.total_seconds():
            return False
        known = place.session.get(File, int(found[1])) is not None
        place.session.rollback()
        if known and age < SWEEP_AFTER:
            return False
        with PartFile(path) as part:
            return part.lock() and part.has_name
    except FileNotFoundError:
        return False


def _remove_part(place: Place, path: Path) -> str | None:
    with PartFile(path) as part:
        if not (part.lock() and part.has_name):
            return None
        part.remove()
    with write_transaction(place.session):
        place.record_mend(path.name, "it was left behind by a fetch")
    return "removed"


def check_downloads(place: Place) -> Iterator[Finding | None]:
    """Look for records of downloads that no living process brings into the database."""
    folder = place.settings.downloads_folder
    # Who drains a spool removes it, then the note of it.
    settled = DownloadSpool.updated_at < place.unused_since
    names = set(place.session.scalars(select(DownloadSpool.id).where(settled)))
    place.session.rollback()
    spools = list_spools(folder) if folder.is_dir() else []
    for spool in spools:
        # The server's other processes come by every half a minute.
        if _is_ownerless(spool) and _is_older(spool, min(60.0, place.grace.total_seconds())):
            reason = "downloads of a process that is gone, not all of them counted"
            mend = partial(_drain, place, spool)
            yield Finding(Kind.DOWNLOADS, spool.name, reason, mend)
    # Databases that several machines share know spools of all of them.
    if not is_postgresql(place.session):
        for name in sorted(names - {spool.name for spool in spools}):
            reason = "how far this spool was counted is noted, and it is gone"
            yield Finding(Kind.DOWNLOADS, name, reason, partial(_forget_spool, place, name))
    place.session.rollback()
    for draft in sorted(folder.glob("*.new")) if folder.is_dir() else ():
        if _is_ownerless(draft) and _is_older(draft, place.grace.total_seconds()):
            reason = "a spool that was never begun"
            yield Finding(Kind.HALF, draft.name, reason, partial(_remove_draft, place, draft))
    yield None


def _is_ownerless(spool: Path) -> bool:
    try:
        return not has_writer(spool)
    except FileNotFoundError:
        return False


def _is_older(path: Path, seconds: float) -> bool:
    try:
        return time.time() - path.stat().st_mtime >= seconds
    except FileNotFoundError:
        return False


def _drain(place: Place, spool: Path) -> str | None:
    if not spool.exists():
        return None
    drained = drain(place.session, place.settings.downloads_folder)
    with write_transaction(place.session):
        place.record_mend(spool.name, "its downloads were not all counted")
    return f"{drained.records} downloads were counted"


def _forget_spool(place: Place, name: str) -> str | None:
    with write_transaction(place.session) as session:
        row = session.get(DownloadSpool, name)
        if row is None:
            return None
        session.delete(row)
        place.record_mend(name, "this spool is gone")
    return "the note was removed"


def _remove_draft(place: Place, path: Path) -> str | None:
    path.unlink(missing_ok=True)
    with write_transaction(place.session):
        place.record_mend(path.name, "it was left behind")
    return "removed"
