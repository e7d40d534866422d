"""Taking in what another index has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import canonicalize_name
from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.accounts.operations import create_user
from packslip.accounts.queries import find_user, find_user_by_email, get_user
from packslip.attestations.operations import check_unpublished, keep
from packslip.errors import InvalidError, PackslipError
from packslip.events.models import Action
from packslip.events.operations import Actor
from packslip.events.operations import record as write_event
from packslip.exchange.documents import FileRecord, PackageRecord, PersonRecord
from packslip.exchange.sources import Offered, Source
from packslip.notes import exports
from packslip.notes.exports import Importing, import_note, note_files
from packslip.packages.effects import apply_acts
from packslip.packages.importing.distributions import check_is_distribution, stage_distribution
from packslip.packages.importing.trials import publication_of, storage_of, transaction_of
from packslip.packages.latest import refresh_texts
from packslip.packages.models import File, Maintainer, Package, Release
from packslip.packages.operations import note_upstream_yank, touch
from packslip.packages.publishing import publish_file
from packslip.packages.search_index import index_packages
from packslip.storage.protocol import Storage


@dataclass
class Taken:
    """What became of a package."""

    package: str
    added: int = 0
    present: int = 0
    notes: int = 0
    #: What is not meant to come, and why, each in a sentence.
    left_out: list[str] = field(default_factory=list)
    #: What failed, each in a sentence.
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _People:
    """Who the people of a package are here."""

    #: By the names that they have there.
    ids: Mapping[str, int]
    #: None for whoever is nobody here.
    names: Mapping[str, str | None]


@dataclass(frozen=True)
class Taker:
    """How to take packages in."""

    session: Session
    storage: Storage
    actor: Actor
    source: Source
    #: With whose rights notes act; without anybody they are there, and lifted.
    user: User | None = None
    #: What people there are called here, where somebody said so.
    named: Mapping[str, str] = field(default_factory=dict)
    #: Check everything and store nothing.
    dry_run: bool = False

    def take(self, name: str) -> Taken:
        """Take one package in, each file in a transaction of its own.

        What is here already stays as it is. People are those that `named` says, or who have the
        same address, and are made, without a password, where they are new. Only of a package that
        is new here do they look after it.
        """
        taken = Taken(name)
        try:
            with self.source.read(name) as offered:
                self._take(name, offered, taken)
        except PackslipError as error:
            taken.problems.append(error.reason)
        self.session.rollback()
        return taken

    def _take(self, name: str, offered: Offered, taken: Taken) -> None:
        taken.package = canonicalize_name(offered.record.name)
        taken.left_out += offered.left_out
        people = self._people(offered.record, taken)
        for file in offered.record.files:
            self._take_file(name, offered.record, file, people, taken)
        has_package = self.session.get(Package, taken.package) is not None
        self.session.rollback()
        if offered.notes is not None and has_package:
            self._take_notes(offered.notes, people, taken)

    def _people(self, record: PackageRecord, taken: Taken) -> _People:
        ids: dict[str, int] = {}
        names: dict[str, str | None] = {}
        for person in record.people:
            names[person.username] = None
            try:
                with transaction_of(self.session, self.dry_run):
                    user, is_new = self._person(person)
                    names[person.username], user_id = user.username, user.id
                if not (is_new and self.dry_run):
                    ids[person.username] = user_id
            except PackslipError as error:
                taken.problems.append(f"{person.username}: {error.reason}")
        return _People(ids, names)

    def _person(self, person: PersonRecord) -> tuple[User, bool]:
        """Who it is here, and whether that is somebody new."""
        if person.username in self.named:
            return get_user(self.session, self.named[person.username]), False
        by_email = find_user_by_email(self.session, person.email) if person.email else None
        namesake = find_user(self.session, person.username)
        if by_email is not None:
            return by_email, False
        if namesake is None:
            made = create_user(
                self.session,
                self.actor,
                username=person.username,
                email=person.email,
                name=person.name,
            )
            return made, True
        # Nobody gets a part in a package because they are called like somebody elsewhere.
        if namesake.email is None and person.email is None and namesake.hashed_password is None:
            return namesake, False
        raise InvalidError("Somebody else has this name here; --map-user says who it is.")

    def _take_file(
        self, name: str, record: PackageRecord, file: FileRecord, people: _People, taken: Taken
    ) -> None:
        try:
            if self._is_held(file):
                taken.present += 1
                return
            with self.source.open(name, file) as path:
                self._publish(path, record, file, people, taken)
            taken.added += 1
        except PackslipError as error:
            taken.problems.append(f"{file.filename}: {error.reason}")
        except OSError as error:
            taken.problems.append(f"{file.filename}: {error.strerror or 'it cannot be read'}")

    def _is_held(self, file: FileRecord) -> bool:
        held = select(File.id).where(
            File.filename == file.filename,
            File.sha256 == file.sha256,
            File.storage_key.is_not(None),
        )
        is_held = self.session.scalar(held) is not None
        self.session.rollback()
        return is_held

    def _publish(
        self,
        path: Path,
        record: PackageRecord,
        file: FileRecord,
        people: _People,
        taken: Taken,
    ) -> None:
        session = self.session
        check_is_distribution(path)
        with storage_of(self.storage, self.dry_run) as storage, storage.stage() as staged:
            distribution = stage_distribution(staged, path)
            if distribution.digests.sha256 != file.sha256:
                raise InvalidError("Its bytes are not those that were exported.")
            if distribution.name.package != canonicalize_name(record.name):
                raise InvalidError(f"It is a file of {distribution.name.package}.")
            checked = check_unpublished(file.attestations, distribution)
            with publication_of(session, storage, distribution, self.dry_run):
                is_new = session.get(Package, distribution.name.package) is None
                published = publish_file(
                    session, storage, self.actor, distribution, uploaded_at=file.uploaded_at
                )
                release = published.file.release
                if published.created:
                    published.file.uploader_id = people.ids.get(file.uploader or "")
                    if checked is not None:
                        keep(session, published.file, checked)
                    self._yank(release, record)
                if is_new:
                    # With its first file: whatever is broken off then, they are there.
                    self._look_after(release.package, record, people)
                    taken.left_out += [
                        f"that the team {one.team} there is its {one.role}" for one in record.teams
                    ]

    def _yank(self, release: Release, record: PackageRecord) -> None:
        """Yank a release as it was where it comes from."""
        reasons = {one.version: one.reason for one in record.yanked}
        if release.version not in reasons or release.upstream_yanked:
            return
        note_upstream_yank(self.session, self.actor, release, reasons[release.version])
        apply_acts(self.session, release.package, [release])
        refresh_texts(self.session, release.package)

    def _look_after(self, package: Package, record: PackageRecord, people: _People) -> None:
        """Say who looks after a package that is new."""
        roles = {
            people.ids[one.username]: one.role
            for one in record.people
            if one.role is not None and one.username in people.ids
        }
        for user_id, role in roles.items():
            self.session.add(Maintainer(user_id=user_id, package_id=package.id, role=role))
        self.session.flush()
        self.session.refresh(package, ["maintainers"])
        refresh_texts(self.session, package)
        index_packages(self.session, [package.id])
        data = {"maintainers": [{"user_id": key, "role": roles[key]} for key in roles]}
        action = Action.PACKAGE_IMPORT
        event = write_event(self.session, self.actor, action, package_id=package.id, data=data)
        touch(self.session, package, event)

    def _take_notes(self, folder: Path, people: _People, taken: Taken) -> None:
        importing = Importing(self.session, self.actor, self.user, self.dry_run, people.names)
        for path in _notes(folder):
            found = import_note(importing, path)
            if found.outcome in {exports.Outcome.CREATED, exports.Outcome.UPDATED}:
                taken.notes += 1
            if found.why:
                taken.problems.append(f"{path.name}: {found.why}")


def _notes(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from note_files(folder)
