"""Storing what documents tell about packages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session, joinedload, selectinload

from packslip.accounts.models import User
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.packages.effects import apply_acts
from packslip.packages.importing.documents import KnownFile, KnownRelease, PackageDocument
from packslip.packages.importing.report import Changes, Kind, Outcome, Skip
from packslip.packages.importing.users import add_owner, add_people
from packslip.packages.importing.words import known_words, note_words
from packslip.packages.latest import refresh_texts
from packslip.packages.models import (
    File,
    Maintainer,
    Package,
    RegisteredFilename,
    Release,
)
from packslip.packages.operations import note_upstream_yank, touch
from packslip.packages.queries import package_latest_release
from packslip.packages.releases import new_release
from packslip.packages.search_index import index_packages

#: How many file names one statement looks up.
BATCH = 1000

_DIGESTS = ("sha256", "blake2_256", "md5")
#: What a document may change of a file whose bytes are not held.
_CHANGEABLE = (*_DIGESTS, "size", "requires_python", "url", "uploaded_at")


@dataclass(frozen=True)
class _Import:
    """The import of one document."""

    session: Session
    actor: Actor
    package: Package
    changes: Changes
    #: The package's files by name.
    files: dict[str, File]
    #: The keys of names that are no longer free.
    taken: set[str]
    added: list[tuple[Release, KnownFile]] = field(default_factory=list)


def import_document(
    session: Session, actor: Actor, document: PackageDocument, owner: User | None = None
) -> Changes:
    """Store what a document tells, and give what became of each thing in it.

    What is there stays: bytes and digests of files, yanks, maintainers. Of files that are not
    held, and of releases without held files, the document's word is taken again. A package that
    is made here is owned by `owner` as well.
    """
    changes = Changes(skips=list(document.skips))
    package = _load(session, document.package_id)
    is_new = package is None
    changes.note(Kind.PACKAGE, document.package_id, Outcome.ADDED if is_new else Outcome.PRESENT)
    if package is None:
        package = Package(id=document.package_id, name=document.name)
        session.add(package)
    work = _begin(session, actor, package, document, changes)
    _import_releases(work, document)
    _import_metadata(work, document)
    _add_files(work)
    _refresh(work)
    _set_page(work, document)
    maintainers = add_people(session, actor, package, document.people, changes)
    if is_new and owner is not None:
        maintainers += add_owner(session, package, owner)
    if changes.are_any:
        changes.note(Kind.PACKAGE, package.id, Outcome.CHANGED)
        data: dict[str, Any] = {"counts": changes.counts()}
        data["maintainers"] = [{"username": m.user.username, "role": m.role} for m in maintainers]
        event = record(session, actor, Action.PACKAGE_IMPORT, package_id=package.id, data=data)
        touch(session, package, event)
    if maintainers:
        index_packages(session, [package.id])
    return changes


def _load(session: Session, package_id: str) -> Package | None:
    return session.get(
        Package,
        package_id,
        options=[
            selectinload(Package.releases).selectinload(Release.files),
            selectinload(Package.maintainers).joinedload(Maintainer.user),
            selectinload(Package.languages),
            joinedload(Package.license),
        ],
    )


def _begin(
    session: Session, actor: Actor, package: Package, document: PackageDocument, changes: Changes
) -> _Import:
    files = {file.filename: file for release in package.releases for file in release.files}
    known = (file for release in document.releases.values() for file in release.files)
    keys = [file.key for file in known if file.filename not in files]
    return _Import(session, actor, package, changes, files, _registered(session, keys))


def _registered(session: Session, keys: list[str]) -> set[str]:
    taken: set[str] = set()
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        names = select(RegisteredFilename.id).where(RegisteredFilename.id.in_(batch))
        taken.update(session.scalars(names))
    return taken


def _import_releases(work: _Import, document: PackageDocument) -> None:
    releases = {release.canonical_version: release for release in work.package.releases}
    for canonical_version, known in document.releases.items():
        release = releases.get(canonical_version)
        if release is None:
            release = new_release(work.package.id, known.version)
            work.package.releases.append(release)
            release.upstream_yanked = known.is_yanked
            release.upstream_yanked_reason = known.yanked_reason
            outcome = Outcome.ADDED
        else:
            outcome = _yank(work, release, known)
        _note_release(work, release, outcome)
        for file in known.files:
            _import_file(work, release, file)
        _sum_up(release, known)


def _yank(work: _Import, release: Release, known: KnownRelease) -> Outcome:
    # A yank that was told of once is never lifted.
    if release.upstream_yanked or not known.is_yanked:
        return Outcome.PRESENT
    note_upstream_yank(work.session, work.actor, release, known.yanked_reason)
    return Outcome.CHANGED


def _import_file(work: _Import, release: Release, known: KnownFile) -> None:
    file = work.files.get(known.filename)
    if file is not None:
        outcome = _update_file(release, file, known)
    elif known.key in work.taken:
        outcome = Outcome.SKIPPED
    else:
        outcome = Outcome.ADDED
        work.taken.add(known.key)
        work.added.append((release, known))
        release.size += known.size
    work.changes.note(Kind.FILE, known.filename, outcome)
    if outcome == Outcome.SKIPPED:
        reason = "the name is taken" if file is None else "other bytes are known under the name"
        work.changes.skips.append(Skip(Kind.FILE, known.filename, reason))
    elif outcome != Outcome.PRESENT:
        _note_release(work, release, Outcome.CHANGED)


def _add_files(work: _Import) -> None:
    if not work.added:
        return
    # The rows go in together, which the unit of work does not do on SQLite. Releases need their
    # ids before.
    work.session.flush()
    now = datetime.now(UTC)
    work.session.execute(insert(File), [_row(release, known, now) for release, known in work.added])
    names = [{"id": known.key, "sha256": known.sha256} for _, known in work.added]
    work.session.execute(insert(RegisteredFilename), names)


def _row(release: Release, known: KnownFile, now: datetime) -> dict[str, Any]:
    return {
        "release_id": release.id,
        "filename": known.filename,
        "packagetype": known.packagetype,
        "tags": known.tags,
        "size": known.size,
        "sha256": known.sha256,
        "md5": known.md5,
        "blake2_256": known.blake2_256,
        "requires_python": known.requires_python,
        "uploaded_at": known.uploaded_at or now,
        "url": known.url,
    }


def _update_file(release: Release, file: File, known: KnownFile) -> Outcome:
    for name in _DIGESTS:
        ours, theirs = getattr(file, name), getattr(known, name)
        if ours is not None and theirs is not None and ours != theirs:
            return Outcome.SKIPPED
    if file.storage_key is not None:
        return Outcome.PRESENT
    told = {name: getattr(known, name) for name in _CHANGEABLE}
    changed = {n: value for n, value in told.items() if value and value != getattr(file, n)}
    release.size += changed.get("size", file.size) - file.size
    for name, value in changed.items():
        setattr(file, name, value)
    return Outcome.CHANGED if changed else Outcome.PRESENT


def _sum_up(release: Release, known: KnownRelease) -> None:
    comments = (file.comment for file in known.files if file.comment)
    release.comment = release.comment or next(comments, None)
    if not _is_held(release):
        by_use = sorted(known.files, key=lambda file: file.packagetype != "sdist")
        release.url = next((file.url for file in by_use if file.url), release.url)


def _import_metadata(work: _Import, document: PackageDocument) -> None:
    releases = {release.canonical_version: release for release in work.package.releases}
    release = releases.get(document.described_version or "")
    release = release or package_latest_release(releases.values())
    # The metadata in a distribution is the truth.
    if release is None or _is_held(release) or release.core_metadata == document.metadata:
        return
    release.core_metadata = document.metadata
    _note_release(work, release, Outcome.CHANGED)


def _set_page(work: _Import, document: PackageDocument) -> None:
    if document.package_url is not None and document.package_url != work.package.package_url:
        work.package.package_url = document.package_url
        work.changes.note(Kind.PACKAGE, work.package.id, Outcome.CHANGED)


def _is_held(release: Release) -> bool:
    return any(file.storage_key is not None for file in release.files)


def _note_release(work: _Import, release: Release, outcome: Outcome) -> None:
    work.changes.note(Kind.RELEASE, f"{work.package.id} {release.version}", outcome)


def _refresh(work: _Import) -> None:
    """Bring the package's texts up to date if need be, and count its licence and languages."""
    before = None
    if work.changes.are_any:
        before = known_words(work.session)
        apply_acts(work.session, work.package, work.package.releases)
        refresh_texts(work.session, work.package)
    note_words(work.changes, work.package, before)
