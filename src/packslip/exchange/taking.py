"""Taking in what another index exported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import canonicalize_name
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.accounts.operations import create_user
from packslip.accounts.queries import find_user, find_user_by_email
from packslip.db import write_transaction
from packslip.errors import InvalidError, PackslipError
from packslip.events.models import Action
from packslip.events.operations import Actor
from packslip.events.operations import record as write_event
from packslip.exchange.documents import (
    FILES,
    NOTES,
    PACKAGE,
    FileRecord,
    PackageRecord,
    PersonRecord,
    read_mark,
    read_package,
)
from packslip.notes import exports
from packslip.notes.exports import Importing, import_note, note_files
from packslip.packages.effects import apply_acts
from packslip.packages.importing.distributions import find_held, stage_distribution
from packslip.packages.latest import refresh_texts
from packslip.packages.models import Maintainer, Package
from packslip.packages.operations import note_upstream_yank, touch
from packslip.packages.publishing import publication, publish_file
from packslip.packages.search_index import index_packages
from packslip.storage.protocol import Storage


@dataclass
class Taken:
    """What became of a package of an export."""

    package: str
    added: int = 0
    present: int = 0
    notes: int = 0
    #: What was left out or failed, each in a sentence.
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Taker:
    """How to take an export in."""

    session: Session
    storage: Storage
    actor: Actor
    #: With whose rights notes act; without anybody they are there, and lifted.
    user: User | None = None

    def packages(self, folder: Path) -> list[Path]:
        """The packages in the folder.

        Raises:
            InvalidExportError: it is none of this version.
        """
        read_mark(folder)
        return sorted(path.parent for path in folder.glob(f"*/{PACKAGE}"))

    def take(self, folder: Path) -> Taken:
        """Take one package in, each file in a transaction of its own.

        What is here already stays as it is. People are looked for by their address, and made,
        without a password, where they are new. Only of a package that is new here do they look
        after it.
        """
        taken = Taken(folder.name)
        try:
            record = read_package(folder)
        except InvalidError as error:
            taken.problems.append(error.reason)
            return taken
        package_id = taken.package = canonicalize_name(record.name)
        is_new = self.session.get(Package, package_id) is None
        self.session.rollback()
        people = self._people(record, taken)
        for file in record.files:
            self._take_file(folder / FILES / file.filename, file, people, taken)
        if self.session.get(Package, package_id) is not None:
            if is_new:
                self._complete(record, package_id, people)
            self._take_notes(folder / NOTES, taken)
        self.session.rollback()
        return taken

    def _people(self, record: PackageRecord, taken: Taken) -> dict[str, int]:
        """The ids of people here, by the names that they have in the export."""
        found = {}
        for person in record.people:
            try:
                with write_transaction(self.session):
                    user = self._person(person)
                    found[person.username] = user.id
            except PackslipError as error:
                taken.problems.append(f"{person.username}: {error.reason}")
        return found

    def _person(self, person: PersonRecord) -> User:
        by_email = find_user_by_email(self.session, person.email) if person.email else None
        namesake = find_user(self.session, person.username)
        if by_email is not None:
            return by_email
        if namesake is None:
            return create_user(
                self.session,
                self.actor,
                username=person.username,
                email=person.email,
                name=person.name,
            )
        # Nobody gets a part in a package because they are called like somebody elsewhere.
        if namesake.email is None and person.email is None and namesake.hashed_password is None:
            return namesake
        raise InvalidError("Somebody else has this name here.")

    def _take_file(
        self, path: Path, file: FileRecord, people: dict[str, int], taken: Taken
    ) -> None:
        session = self.session
        try:
            if find_held(session, path) is not None:
                taken.present += 1
                return
            session.rollback()
            with self.storage.stage() as staged:
                distribution = stage_distribution(staged, path)
                if distribution.digests.sha256 != file.sha256:
                    raise InvalidError("Its bytes are not those that were exported.")
                with publication(session, self.storage, distribution):
                    published = publish_file(
                        session,
                        self.storage,
                        self.actor,
                        distribution,
                        uploaded_at=file.uploaded_at,
                    )
                    if published.created:
                        published.file.uploader_id = people.get(file.uploader or "")
            taken.added += 1
        except PackslipError as error:
            taken.problems.append(f"{file.filename}: {error.reason}")
        except OSError as error:
            taken.problems.append(f"{file.filename}: {error.strerror or 'it cannot be read'}")

    def _complete(self, record: PackageRecord, package_id: str, people: dict[str, int]) -> None:
        """Say who looks after a package that is new, and what was yanked where it comes from."""
        reasons = {one.version: one.reason for one in record.yanked}
        with write_transaction(self.session) as session:
            package = session.get_one(Package, package_id, with_for_update=True)
            roles = {
                people[one.username]: one.role
                for one in record.people
                if one.role is not None and one.username in people
            }
            for user_id, role in roles.items():
                session.add(Maintainer(user_id=user_id, package_id=package_id, role=role))
            session.flush()
            yanked = [one for one in package.releases if one.version in reasons]
            for release in yanked:
                note_upstream_yank(session, self.actor, release, reasons[release.version])
            apply_acts(session, package, yanked)
            refresh_texts(session, package)
            index_packages(session, [package_id])
            data = {"maintainers": [{"user_id": key, "role": roles[key]} for key in roles]}
            event = write_event(
                session, self.actor, Action.PACKAGE_IMPORT, package_id=package_id, data=data
            )
            touch(session, package, event)

    def _take_notes(self, folder: Path, taken: Taken) -> None:
        importing = Importing(self.session, self.actor, self.user)
        for path in _notes(folder):
            found = import_note(importing, path)
            if found.outcome in {exports.Outcome.CREATED, exports.Outcome.UPDATED}:
                taken.notes += 1
            if found.why:
                taken.problems.append(f"{path.name}: {found.why}")


def _notes(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from note_files(folder)
