"""The rows of mirrored releases and files: read, added, changed and removed, many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import Table, delete, select, update
from sqlalchemy.orm import Session, defer

from packslip.db import dialect_insert
from packslip.mirror.differences import Changes, KnownFile, file_values, mirror_values
from packslip.mirror.models import MirrorFile
from packslip.mirror.upstream_pages import UpstreamFile, UpstreamPage
from packslip.packages.models import File, Origin, Release
from packslip.packages.releases import new_release
from packslip.packages.versions import canonical
from packslip.storage.protocol import kept_metadata_key

_FILE_COLUMNS = (
    *("url", "requires_python", "metadata_is_static", "sha256", "md5", "blake2_256", "size"),
    *("uploaded_at", "metadata_sha256"),
)
_MIRROR_COLUMNS = (
    *("digests", "metadata_offered", "dated", "yanked", "provenance", "vanished_at", "refused"),
    "metadata_kept",
)


def known_files(session: Session, package_id: str) -> Sequence[KnownFile]:
    """All files of the mirrored package, as its rows say it."""
    rows = session.execute(
        select(
            File.id,
            File.filename,
            Release.canonical_version,
            *(getattr(File, name) for name in _FILE_COLUMNS),
            *(getattr(MirrorFile, name) for name in _MIRROR_COLUMNS),
        )
        .join(Release, Release.id == File.release_id)
        .join(MirrorFile, MirrorFile.file_id == File.id)
        .where(Release.package_id == package_id)
    )
    return [
        KnownFile(
            file_id=row["id"],
            filename=row["filename"],
            canonical_version=row["canonical_version"],
            file={name: row[name] for name in _FILE_COLUMNS},
            mirror={name: row[name] for name in _MIRROR_COLUMNS},
        )
        for row in rows.mappings()
    ]


def batches(files: Sequence[UpstreamFile], size: int) -> Iterator[Sequence[UpstreamFile]]:
    """The files in batches of about that size, all files of a release in one.

    No release is seen by halves, then.
    """
    by_version: dict[str, list[UpstreamFile]] = defaultdict(list)
    for file in files:
        by_version[canonical(file.version)].append(file)
    batch: list[UpstreamFile] = []
    for of_release in by_version.values():
        batch += of_release
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch


def _sizes(files: Iterable[UpstreamFile]) -> Mapping[str, int]:
    sizes: dict[str, int] = defaultdict(int)
    for file in files:
        sizes[canonical(file.version)] += file.size
    return sizes


def add_files(
    session: Session,
    package_id: str,
    files: Sequence[UpstreamFile],
    page: UpstreamPage,
    now: datetime,
) -> None:
    """Add files that are new, and the releases that they belong to."""
    if not files:
        return
    sizes = _sizes(files if page.is_part else page.files)
    releases = open_releases(session, package_id, [file.version for file in files])
    for version, release in releases.items():
        release.size = sizes[version] + (release.size or 0 if page.is_part else 0)
    session.flush()
    rows = [
        {
            **dict.fromkeys(_FILE_COLUMNS),
            "release_id": releases[canonical(file.version)].id,
            "filename": file.filename,
            "packagetype": file.packagetype,
            "tags": file.tags,
            "size": 0,
            "uploaded_at": now,
            **file_values(file),
        }
        for file in files
    ]
    insert = dialect_insert(session, cast("Table", File.__table__))
    # A name that is taken belongs to another package; old names can be read in several ways.
    added = session.execute(
        insert.on_conflict_do_nothing(index_elements=["filename"]).returning(
            File.id, File.filename
        ),
        rows,
    )
    ids = {filename: file_id for file_id, filename in added}
    mirrored = [
        {"file_id": ids[file.filename], **mirror_values(file)}
        for file in files
        if file.filename in ids
    ]
    if mirrored:
        session.execute(dialect_insert(session, cast("Table", MirrorFile.__table__)), mirrored)


def open_releases(session: Session, package_id: str, versions: Sequence[str]) -> dict[str, Release]:
    """The releases of these versions by canonical version, made where there is none."""
    wanted = {canonical(version): version for version in versions}
    found = session.scalars(
        select(Release)
        .where(Release.package_id == package_id)
        .options(defer(Release.core_metadata))
    )
    releases = {
        release.canonical_version: release
        for release in found
        if release.canonical_version in wanted
    }
    for key in wanted.keys() - releases.keys():
        releases[key] = new_release(package_id, wanted[key], Origin.MIRRORED)
        session.add(releases[key])
    return releases


def write_changes(session: Session, changes: Changes) -> None:
    """Make the rows of known files say what upstream says now."""
    for change in changes.changed:
        if change.file:
            session.execute(update(File).where(File.id == change.file_id).values(**change.file))
        if change.mirror:
            mirrored = update(MirrorFile).where(MirrorFile.file_id == change.file_id)
            session.execute(mirrored.values(**change.mirror))


def forget_releases(session: Session, package_id: str) -> Sequence[str]:
    """Remove all releases of a mirrored package with their files, inside of a transaction.

    Returns:
        The keys of their bytes and metadata, which nothing names once the transaction ends.
    """
    of_package = Release.package_id == package_id
    held = select(File.storage_key).join(Release, Release.id == File.release_id)
    held = held.where(of_package, File.storage_key.is_not(None))
    keys = [key for key in session.scalars(held) if key is not None]
    described = (
        select(File.metadata_sha256, File.filename)
        .join(Release, Release.id == File.release_id)
        .join(MirrorFile, MirrorFile.file_id == File.id)
        .where(of_package, MirrorFile.metadata_kept, File.metadata_sha256.is_not(None))
    )
    keys += [kept_metadata_key(sha256 or "", name) for sha256, name in session.execute(described)]
    session.execute(delete(Release).where(of_package))
    session.expire_all()
    return keys
