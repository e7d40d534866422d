"""Bytes that no row names, and bytes that are back."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.errors import PackslipError
from packslip.events.models import Action, Event
from packslip.events.operations import record
from packslip.fsck.findings import Finding, Kind, Place
from packslip.fsck.metadata import metadata_inside
from packslip.index.models import StagedUpload
from packslip.index.staged_uploads import storage_key as waiting_key
from packslip.mirror.models import MirrorFile
from packslip.packages.models import File, Origin, Package, Release
from packslip.packages.operations import touch
from packslip.storage.protocol import StoredKey, kept_metadata_key, metadata_key

#: Keys that are looked up at once.
_BATCH = 200

#: What Packslip puts. All else in the folder was put there by somebody else, and is left alone.
_CONTENT = re.compile(r"([0-9a-f]{2})/([0-9a-f]{2})/([0-9a-f]{60})/([^/]+)\Z")
_WAITING = re.compile(r"staged/([0-9a-f]{32})\Z")

_METADATA = ".metadata"


def check_orphans(place: Place) -> Iterator[Finding | None]:
    """Look for old keys that no row names."""
    keys = filter(partial(_may_be_orphaned, place), place.storage.keys())
    while batch := list(islice(keys, _BATCH)):
        named = _named(place.session, [one.key for one in batch])
        lost = _lost(place.session, [one.key for one in batch])
        place.session.rollback()
        for one in batch:
            if one.key not in named and place.storage.exists(one.key):
                yield _finding(place, one, lost.get(one.key))
    yield None


def _may_be_orphaned(place: Place, one: StoredKey) -> bool:
    is_ours = _CONTENT.match(one.key) or _WAITING.match(one.key)
    return is_ours is not None and one.put_at < place.unused_since


def _finding(place: Place, one: StoredKey, lost: tuple[int, str] | None) -> Finding:
    if lost is not None and _has_its_digest(place, one.key):
        file_id, package_id = lost
        name = one.key.rpartition("/")[2]
        reason = "its bytes are there again, and its row does not say so"
        mend = partial(_take_back, place, one.key, file_id)
        return Finding(Kind.RETURNED, name, reason, mend, package_id)
    reason = f"no row names it; {one.size} bytes, put at {one.put_at:%Y-%m-%d %H:%M:%S} UTC"
    return Finding(Kind.ORPHANED, one.key, reason, partial(_remove, place, one.key))


def _named(session: Session, keys: Collection[str]) -> set[str]:
    """Those of the keys that a row names."""
    return _named_files(session, keys) | _named_metadata(session, keys) | _waiting(session, keys)


def _named_files(session: Session, keys: Collection[str]) -> set[str]:
    bases = {key.removesuffix(_METADATA) for key in keys} | set(keys)
    rows = session.execute(
        select(File.storage_key, File.metadata_sha256, Package.origin)
        .join(Release, Release.id == File.release_id)
        .join(Package, Package.id == Release.package_id)
        .where(File.storage_key.in_(bases))
    )
    named = set()
    for key, metadata_sha256, origin in rows:
        assert key is not None
        named.add(key)
        # That of a mirrored file has a key of its own.
        if metadata_sha256 is not None and origin != Origin.MIRRORED:
            named.add(metadata_key(key))
    return named


def _named_metadata(session: Session, keys: Collection[str]) -> set[str]:
    names = {name.removesuffix(_METADATA) for name in _names(keys) if name.endswith(_METADATA)}
    rows = session.execute(
        select(File.metadata_sha256, File.filename)
        .join(MirrorFile, MirrorFile.file_id == File.id)
        .where(File.filename.in_(names), MirrorFile.metadata_kept.is_(True))
    )
    return {kept_metadata_key(sha256, name) for sha256, name in rows if sha256 is not None}


def _waiting(session: Session, keys: Collection[str]) -> set[str]:
    ids = [match[1] for key in keys if (match := _WAITING.match(key))]
    rows = session.scalars(select(StagedUpload.id).where(StagedUpload.id.in_(ids)))
    return {waiting_key(upload_id) for upload_id in rows}


def _names(keys: Iterable[str]) -> set[str]:
    return {match[4] for key in keys if (match := _CONTENT.match(key))}


def _digest_of(key: str) -> str | None:
    match = _CONTENT.match(key)
    return match and "".join(match.groups()[:3])


def _lost(session: Session, keys: Collection[str]) -> dict[str, tuple[int, str]]:
    """The keys of files of which the index has said that they are lost: number and package."""
    by_file = {(_digest_of(key), key.rpartition("/")[2]): key for key in keys}
    rows = session.execute(
        select(File.id, File.sha256, File.filename, Release.package_id)
        .join(Release, Release.id == File.release_id)
        .outerjoin(MirrorFile, MirrorFile.file_id == File.id)
        .where(
            File.filename.in_(_names(keys)),
            File.storage_key.is_(None),
            MirrorFile.file_id.is_(None),
        )
    ).all()
    return {
        by_file[row.sha256, row.filename]: (row.id, row.package_id)
        for row in rows
        if (row.sha256, row.filename) in by_file
        and _was_told(session, row.package_id, row.filename)
    }


def _was_told(session: Session, package_id: str, filename: str) -> bool:
    told = select(Event.data).where(
        Event.action == Action.FILE_LOSE, Event.package_id == package_id
    )
    return any(data.get("filename") == filename for data in session.scalars(told))


def _has_its_digest(place: Place, key: str) -> bool:
    digest = hashlib.sha256()
    try:
        with place.storage.open(key) as stored:
            for block in stored.read():
                digest.update(block)
    except (PackslipError, OSError):
        return False
    return digest.hexdigest() == _digest_of(key)


def _remove(place: Place, key: str) -> str | None:
    with write_transaction(place.session) as session:
        if key in _named(session, [key]):
            return None
        if not place.storage.delete_unused(key, since=place.unused_since):
            return None
        place.record_mend(key, "no row named these bytes")
    return "it was removed"


def _take_back(place: Place, key: str, file_id: int) -> str | None:
    with write_transaction(place.session) as session:
        file = session.get(File, file_id, with_for_update=True)
        if file is None or file.storage_key is not None or not _has_its_digest(place, key):
            return None
        release, package = file.release, file.release.package
        file.storage_key = key
        inside = metadata_inside(place.storage, key, file.filename, package.id)
        file.metadata_sha256 = None if inside is None else hashlib.sha256(inside).hexdigest()
        data = {"version": release.version, "filename": file.filename}
        event = record(session, place.actor, Action.FILE_RECOVER, package_id=package.id, data=data)
        touch(session, package, event)
        if inside is not None:
            place.storage.delete(metadata_key(key))
            place.storage.put_bytes(metadata_key(key), inside)
    return "it is in the index again"
