"""What the index says about packages."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

from packaging.utils import NormalizedName
from sqlalchemy import Row, Select, Text, bindparam, cast, exists, or_, select
from sqlalchemy.orm import Session, defer, selectinload

from packslip.accounts.models import User
from packslip.attestations.models import Attested
from packslip.events.models import Event
from packslip.mirror.models import MirrorFile
from packslip.notes.about import NoteAbout, covering, notes_about
from packslip.notes.models import Note
from packslip.packages.models import File, Maintainer, Origin, Package, Release
from packslip.packages.queries import UnknownPackageError
from packslip.simple_api.addresses import address_of, provenance_path
from packslip.simple_api.page import (
    FileEntry,
    InvalidPackageNameError,
    ListedPackage,
    NoteEntry,
    PackagePage,
    PackageStatus,
    RootPage,
    normalize_name,
)


def sought_name(name: str) -> NormalizedName:
    """Return the normalised form of a name in an address.

    Raises:
        UnknownPackageError: no package can have this name.
    """
    try:
        return normalize_name(name)
    except InvalidPackageNameError:
        raise UnknownPackageError(name) from None


def root_page(session: Session, *, with_unkept: bool = False) -> RootPage:
    """Return the list of all packages that have a page, by name.

    Mirrored ones of which no bytes are held here are among them `with_unkept`.
    """
    held = (
        exists()
        .where(File.release_id == Release.id, File.storage_key.is_not(None))
        .where(Release.package_id == Package.id)
    )
    shown = [Package.status == PackageStatus.QUARANTINED, held]
    if with_unkept:
        shown.append((Package.origin == Origin.MIRRORED) & Package.latest_version.is_not(None))
    rows = session.execute(
        select(Package.id, Package.serial).where(or_(*shown)).order_by(Package.id)
    )
    return RootPage(
        packages=[ListedPackage(NormalizedName(name), serial) for name, serial in rows],
        last_serial=last_serial(session),
    )


def has_mirrored_packages(session: Session) -> bool:
    """Whether any package came from an upstream."""
    mirrored = select(Package.id).where(Package.origin == Origin.MIRRORED).limit(1)
    return session.scalar(mirrored) is not None


def last_serial(session: Session) -> int:
    """Return the number of the latest event of any package, removed ones included."""
    query = select(Event.id).where(Event.package_id.is_not(None)).order_by(Event.id.desc()).limit(1)
    return session.scalar(query) or 0


def package_page(
    session: Session, name: NormalizedName, *, with_unkept: bool = False, base_url: str = ""
) -> PackagePage:
    """Return the page of a package: the files whose bytes are held, and all versions.

    `with_unkept` it has the files too that upstream offers, whose bytes can be fetched from there.

    Versions and files stand in the order of PEP 440, the oldest first.

    Raises:
        UnknownPackageError: there is no such package, or no file of it is held.
    """
    rows = session.execute(_page_rows(), {"name": name}).all()
    files = [
        _file_entry(row, name, base_url)
        for row in rows
        if row.storage_key is not None or (with_unkept and _is_offered(row))
    ]
    if not rows or not (files or rows[0].status == PackageStatus.QUARANTINED):
        raise UnknownPackageError(name)
    return PackagePage(
        name=name,
        files=files,
        versions=list(dict.fromkeys(row.version for row in rows if row.version is not None)),
        last_serial=rows[0].serial,
        status=PackageStatus(rows[0].status),
        status_reason=rows[0].status_reason,
        is_mirrored=any(row.mirrored is not None for row in rows),
        has_notes=rows[0].has_notes,
        acts_until=rows[0].acts_until,
    )


@cache
def _page_rows() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Package.serial,
            Package.status,
            Package.status_reason,
            Package.acts_until,
            Release.version,
            Release.yanked,
            Release.yanked_reason,
            File.id.label("file_id"),
            File.filename,
            File.storage_key,
            File.sha256,
            File.size,
            File.uploaded_at,
            File.requires_python,
            File.metadata_sha256,
            File.metadata_is_static,
            MirrorFile.file_id.label("mirrored"),
            MirrorFile.refused,
            MirrorFile.vanished_at,
            # Most are empty, and need not be understood then.
            cast(MirrorFile.digests, Text).label("digests"),
            MirrorFile.dated,
            MirrorFile.yanked.label("file_yanked"),
            MirrorFile.provenance,
            Attested.file_id.label("attested"),
            # Worked out once, not for each row.
            exists(select(Note.id).where(Note.package_id == bindparam("name"))).label("has_notes"),
        )
        .select_from(Package)
        .outerjoin(Release, Release.package_id == Package.id)
        .outerjoin(File, File.release_id == Release.id)
        .outerjoin(MirrorFile, MirrorFile.file_id == File.id)
        .outerjoin(Attested, Attested.file_id == File.id)
        .where(Package.id == bindparam("name"))
        .order_by(Release.sort_key, Release.id, File.filename)
    )


def with_notes(
    session: Session, page: PackagePage, user: User | None, base_url: str
) -> PackagePage:
    """The page with the notes that the user may see, private ones left out.

    It takes a statement, if there are notes at all.
    """
    if not page.has_notes:
        return page
    about = notes_about(session, [page.name], user)
    versions = {file.version for file in page.files}
    by_version = {
        version: [note_entry(note, base_url) for note in covering(about, version)]
        for version in versions
    }
    return replace(
        page,
        notes=[note_entry(note, base_url) for note in about if note.version_range is None],
        files=[replace(file, notes=by_version[file.version]) for file in page.files],
        is_for_some=any(not note.is_public for note in about),
    )


def note_entry(note: NoteAbout, base_url: str) -> NoteEntry:
    """The note as JSON for tools has it."""
    return NoteEntry(
        id=note.id,
        title=note.title,
        url=f"{base_url}/notes/{note.id}",
        act=note.act,
        versions=note.version_range,
    )


def _is_offered(row: Row[*tuple[Any, ...]]) -> bool:
    """Whether upstream has the bytes, as far as is known."""
    return row.mirrored is not None and row.refused is None and row.vanished_at is None


def _file_entry(row: Row[*tuple[Any, ...]], name: str, base_url: str) -> FileEntry:
    # The metadata of a source distribution that is not static may differ after the build, and
    # installers would resolve by it.
    announced = row.metadata_sha256 if row.metadata_is_static else None
    if row.mirrored and row.metadata_is_static:
        # It is fetched, or made from the wheel, when it is asked for.
        announced = announced or ""
    hashes = {"sha256": row.sha256} if row.sha256 else {}
    if row.digests not in {None, "{}"}:
        hashes = json.loads(row.digests) | hashes
    return FileEntry(
        filename=row.filename,
        version=row.version,
        url=f"../../{address_of(row.file_id, row.sha256, row.filename)}",
        hashes=hashes,
        size=row.size,
        upload_time=None if row.dated is False else row.uploaded_at,
        requires_python=row.requires_python,
        yanked=row.yanked or row.file_yanked is not None,
        yanked_reason=row.yanked_reason if row.yanked else row.file_yanked,
        core_metadata_sha256=announced,
        provenance=_provenance(row, name, base_url),
    )


def _provenance(row: Row[*tuple[Any, ...]], name: str, base_url: str) -> str | None:
    """Where the provenance is; only a secure address may be told (PEP 740)."""
    if not row.attested:
        return row.provenance  # type: ignore[no-any-return]
    if not base_url.startswith("https://"):
        return None
    return f"{base_url}/{provenance_path(name, row.version, row.filename)}"


def package_with_files(session: Session, name: NormalizedName) -> Package:
    """Return a package with its releases, their files, and its maintainers.

    The releases' core metadata is loaded only when it is asked for.

    Raises:
        UnknownPackageError: there is no such package, or it has no release.
    """
    package = session.scalar(
        select(Package)
        .where(Package.id == name)
        .options(
            selectinload(Package.releases).options(
                defer(Release.core_metadata), selectinload(Release.files)
            ),
            selectinload(Package.maintainers).joinedload(Maintainer.user),
        )
    )
    if package is None or not package.releases:
        raise UnknownPackageError(name)
    return package
