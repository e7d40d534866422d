"""Taking in what an upstream says of a package: it becomes rows, as those of hosted packages are.

Whoever calls holds the lease of the package's page, so that nobody else takes it in meanwhile.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from packaging.utils import NormalizedName
from sqlalchemy import Table, delete, select, update
from sqlalchemy.orm import Session, defer

from packslip.db import add_if_new, dialect_insert, write_transaction
from packslip.events.models import Action
from packslip.events.operations import record
from packslip.mirror.differences import Changes, KnownFile, compare, file_values, mirror_values
from packslip.mirror.file_operations import kept_metadata_key
from packslip.mirror.models import MirrorFile, MirrorPage, PageState
from packslip.mirror.telling import MIRROR, take_status, take_yanks, tell
from packslip.mirror.upstream_pages import UpstreamFile, UpstreamPage
from packslip.mirror.upstreams import origin_of
from packslip.packages.effects import apply_acts
from packslip.packages.latest import refresh_texts
from packslip.packages.models import File, Origin, Package, Release
from packslip.packages.releases import new_release
from packslip.packages.versions import canonical

#: Files that are taken in by one transaction. Others can write between two.
BATCH = 1000

_FILE_COLUMNS = (
    *("url", "requires_python", "metadata_is_static", "sha256", "md5", "blake2_256", "size"),
    *("uploaded_at", "metadata_sha256"),
)
_MIRROR_COLUMNS = (
    *("digests", "metadata_offered", "dated", "yanked", "provenance", "vanished_at", "refused"),
    "metadata_kept",
)


class HostedNowError(Exception):
    """Somebody published the package here while upstream was asked for it."""


@dataclass(frozen=True)
class Source:
    """Where a page comes from."""

    #: The upstream's name.
    upstream: str
    etag: str | None = None
    last_modified: str | None = None
    #: When the upstream said so; None for now.
    said_at: datetime | None = None


def take_page(
    session: Session, package_id: NormalizedName, page: UpstreamPage, source: Source
) -> None:
    """Make the rows say what the upstream says, in transactions of their own.

    What is only seen as a whole becomes visible as a whole: a package that is new has no page
    before all of its files are here.

    Raises:
        HostedNowError: the package is hosted.
    """
    now = datetime.now(UTC)
    if len(page.files) <= BATCH:
        with write_transaction(session):
            is_new = _open(session, package_id, source)
            changes = compare(_known_files(session, package_id), page, now)
            _add_files(session, package_id, changes.new, page, now)
            _finish(session, package_id, page, changes, source, is_new=is_new)
        return
    with write_transaction(session):
        is_new = _open(session, package_id, source)
        changes = compare(_known_files(session, package_id), page, now)
    for batch in _batches(changes.new):
        with write_transaction(session):
            _add_files(session, package_id, batch, page, now)
    with write_transaction(session):
        _finish(session, package_id, page, changes, source, is_new=is_new)


def take_missing(session: Session, package_id: NormalizedName) -> None:
    """Note that no upstream has the package. Files of it that are kept here stay."""
    now = datetime.now(UTC)
    with write_transaction(session):
        row = session.get_one(MirrorPage, package_id)
        row.state = PageState.MISSING
        row.etag = row.last_modified = None
        row.checked_at = row.asked_at = now
        _forget_trouble(row)
        package = session.get(Package, package_id, with_for_update=True)
        if package is None or package.origin != Origin.MIRRORED:
            return
        changes = compare(
            _known_files(session, package_id), UpstreamPage(files=(), versions=()), now
        )
        _write_changes(session, changes)
        tell(session, package, changes, {}, is_new=False)


def note_unchanged(session: Session, package_id: NormalizedName) -> None:
    """Note that upstream was asked and says what it said before."""
    with write_transaction(session):
        row = session.get_one(MirrorPage, package_id)
        row.checked_at = row.asked_at = datetime.now(UTC)
        _forget_trouble(row)


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


def _open(session: Session, package_id: NormalizedName, source: Source) -> bool:
    """See to it that the package has a row, and no file from elsewhere; tell whether it is new."""
    package = session.get(Package, package_id, with_for_update=True)
    if package is None:
        package = Package(
            id=package_id,
            name=package_id,
            package_url=f"/project/{package_id}/",
            origin=Origin.MIRRORED,
        )
        if not add_if_new(session, package):
            raise HostedNowError(package_id)
        return True
    if package.origin != Origin.MIRRORED:
        raise HostedNowError(package_id)
    row = session.get_one(MirrorPage, package_id)
    if row.upstream is not None and origin_of(row.upstream) != origin_of(source.upstream):
        # Their files are never mixed. Bytes that were kept are found by `packslip fsck`.
        forget_releases(session, package_id)
        data = {"before": row.upstream, "after": source.upstream}
        record(session, MIRROR, Action.MIRROR_MOVE, package_id=package_id, data=data)
    return row.state == PageState.UNKNOWN


def _known_files(session: Session, package_id: str) -> Sequence[KnownFile]:
    rows = session.execute(
        select(
            File.id,
            File.filename,
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
            file={name: row[name] for name in _FILE_COLUMNS},
            mirror={name: row[name] for name in _MIRROR_COLUMNS},
        )
        for row in rows.mappings()
    ]


def _batches(files: Sequence[UpstreamFile]) -> Iterator[Sequence[UpstreamFile]]:
    """All files of a release are in one batch, so that no release is seen by halves."""
    by_version: dict[str, list[UpstreamFile]] = defaultdict(list)
    for file in files:
        by_version[canonical(file.version)].append(file)
    batch: list[UpstreamFile] = []
    for of_release in by_version.values():
        batch += of_release
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _sizes(files: Iterable[UpstreamFile]) -> Mapping[str, int]:
    sizes: dict[str, int] = defaultdict(int)
    for file in files:
        sizes[canonical(file.version)] += file.size
    return sizes


def _add_files(
    session: Session,
    package_id: str,
    files: Sequence[UpstreamFile],
    page: UpstreamPage,
    now: datetime,
) -> None:
    if not files:
        return
    sizes = _sizes(files if page.is_part else page.files)
    releases = _releases(session, package_id, [file.version for file in files])
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


def _releases(session: Session, package_id: str, versions: Sequence[str]) -> dict[str, Release]:
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
        releases[key] = new_release(package_id, wanted[key])
        session.add(releases[key])
    return releases


def _finish(
    session: Session,
    package_id: NormalizedName,
    page: UpstreamPage,
    changes: Changes,
    source: Source,
    *,
    is_new: bool,
) -> None:
    package = session.get_one(Package, package_id, with_for_update=True)
    _write_changes(session, changes)
    _releases(session, package_id, page.versions)
    session.flush()
    said = take_yanks(session, package, page) | take_status(package, page)
    tell(session, package, changes, said, is_new=is_new)
    apply_acts(session, package)
    refresh_texts(session, package)
    _note_found(session, package_id, source)


def _write_changes(session: Session, changes: Changes) -> None:
    for change in changes.changed:
        if change.file:
            session.execute(update(File).where(File.id == change.file_id).values(**change.file))
        if change.mirror:
            mirrored = update(MirrorFile).where(MirrorFile.file_id == change.file_id)
            session.execute(mirrored.values(**change.mirror))


def _note_found(session: Session, package_id: str, source: Source) -> None:
    row = session.get_one(MirrorPage, package_id)
    row.state = PageState.FOUND
    row.upstream = source.upstream
    row.etag, row.last_modified = source.etag, source.last_modified
    row.asked_at = row.changed_at = datetime.now(UTC)
    row.checked_at = source.said_at or row.asked_at
    _forget_trouble(row)


def _forget_trouble(row: MirrorPage) -> None:
    row.failed_at = row.failure = None
    row.lease_until = row.leased_by = None
