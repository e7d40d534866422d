"""Writing packages out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from packslip.accounts.models import User
from packslip.attestations.queries import attestations_of
from packslip.events.export import export_events
from packslip.events.queries import EventFilter
from packslip.exchange.documents import (
    EVENTS,
    FILES,
    NOTES,
    PACKAGE,
    FileRecord,
    PackageRecord,
    PersonRecord,
    TeamRecord,
    YankRecord,
    write_document,
)
from packslip.notes.exports import export_note
from packslip.notes.finding import tags_of
from packslip.notes.models import Note
from packslip.notes.queries import SHARED, list_comments, list_revisions
from packslip.packages.models import File, MaintainerRole, Package
from packslip.packages.roles import list_team_parts
from packslip.storage.protocol import MissingBytesError, Storage


@dataclass
class Exported:
    """What an export wrote of a package."""

    package: str
    files: int = 0
    notes: int = 0
    #: Files that are not held here, or not with the right bytes.
    left_out: list[str] = field(default_factory=list)


def export_package(session: Session, storage: Storage, package: Package, folder: Path) -> Exported:
    """Write the package into a folder of its name, in place of what an earlier export wrote.

    Its document is written last. Notes are those that the team sees.

    Raises:
        OSError: it cannot be written.
    """
    exported = Exported(package.id)
    target = folder / package.id
    (target / FILES).mkdir(parents=True, exist_ok=True)
    (target / PACKAGE).unlink(missing_ok=True)
    held = []
    for release in package.releases:
        for file in release.files:
            if _write_file(storage, file, target / FILES / file.filename):
                held.append(_file_record(session, file, release.version))
            else:
                exported.left_out.append(file.filename)
    exported.files = len(held)
    exported.notes = _write_notes(session, package, target / NOTES)
    record = PackageRecord(
        name=package.name,
        people=_people(package),
        files=held,
        yanked=[
            YankRecord(release.version, release.upstream_yanked_reason)
            for release in package.releases
            if release.upstream_yanked
        ],
        teams=[
            TeamRecord(one.team, one.role)
            for one in list_team_parts(session, package)
            if one.prefix is None
        ],
    )
    # Reading them lets go of all that the session holds.
    with (target / EVENTS).open("wb") as output:
        output.writelines(export_events(session, EventFilter(package=exported.package)))
    write_document(target / PACKAGE, record)
    return exported


def _write_file(storage: Storage, file: File, path: Path) -> bool:
    if file.storage_key is None or file.sha256 is None:
        return False
    digest = hashlib.sha256()
    part = path.with_name(f"{path.name}.part")
    try:
        with storage.open(file.storage_key) as stored, part.open("wb") as output:
            for block in stored.read():
                digest.update(block)
                output.write(block)
        if digest.hexdigest() != file.sha256:
            return False
        part.replace(path)
    except MissingBytesError:
        return False
    finally:
        part.unlink(missing_ok=True)
    return True


def _file_record(session: Session, file: File, version: str) -> FileRecord:
    assert file.sha256 is not None
    return FileRecord(
        filename=file.filename,
        version=version,
        sha256=file.sha256,
        size=file.size,
        uploaded_at=file.uploaded_at,
        uploader=None if file.uploader is None else file.uploader.username,
        attestations=attestations_of(session, file),
    )


def _people(package: Package) -> list[PersonRecord]:
    found = {one.user.username: _person(one.user) for one in package.maintainers}
    for maintainer in package.maintainers:
        found[maintainer.user.username].role = MaintainerRole(maintainer.role)
    uploaders = (file.uploader for release in package.releases for file in release.files)
    for user in uploaders:
        if user is not None:
            found.setdefault(user.username, _person(user))
    return list(found.values())


def _person(user: User) -> PersonRecord:
    return PersonRecord(user.username, user.email, user.name)


def _write_notes(session: Session, package: Package, folder: Path) -> int:
    notes = session.scalars(
        select(Note)
        .where(
            Note.package_id == package.id, Note.visibility.in_(SHARED), Note.deleted_at.is_(None)
        )
        .options(joinedload(Note.author))
        .order_by(Note.id)
    ).all()
    if notes:
        folder.mkdir(exist_ok=True)
    tags = tags_of(session, [note.id for note in notes])
    for note in notes:
        revisions = list_revisions(session, None, note)
        comments = list_comments(session, note)
        export_note(folder, note, tags.get(note.id, ()), revisions, comments)
    return len(notes)
