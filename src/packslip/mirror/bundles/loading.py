"""Taking a bundle in: what it says becomes rows as what upstreams say does."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from packaging.utils import NormalizedName
from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.errors import UnavailableError
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.mirror.bundles.keeping import Stored, discard, keep, pin, store
from packslip.mirror.bundles.manifests import BundledFile, BundledPackage
from packslip.mirror.bundles.reading import BundleReader, WrongEntryError
from packslip.mirror.bundles.standing import HOSTED, Standing, page_to_take, standing_of
from packslip.mirror.current import Mirror
from packslip.mirror.describing import describe
from packslip.mirror.leases import LEASE, end_lease, take_lease
from packslip.mirror.taking import HostedNowError, Source, take_page
from packslip.mirror.upstream_pages import UpstreamPage
from packslip.mirror.upstreams import is_bundled
from packslip.packages.models import File, Package, Release
from packslip.packages.operations import touch
from packslip.storage.protocol import Storage

_LOOK = 0.1

#: Versions that an event gives at most.
_MOST_NAMES = 50

_ALTERED = "A file of this name with another SHA-256 is known here."
_TAKEN = "Another package here has a file of this name."


class AskedPackageError(UnavailableError):
    """Somebody asks upstream for the package."""

    def __init__(self, package_id: str) -> None:
        super().__init__(f"Upstream is just being asked for {package_id!r}: please try again.")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was not taken in, and why, as a sentence."""

    package: str
    #: None for a whole package.
    filename: str | None
    reason: str


@dataclass
class Report:
    """What came of a bundle."""

    #: Packages of which something was taken in, or is here already.
    packages: int = 0
    #: Files whose bytes were taken in.
    added: int = 0
    #: Files that were here already.
    present: int = 0
    refused: list[Refusal] = field(default_factory=list)

    def data(self) -> dict[str, Any]:
        """The report, for scripts."""
        return asdict(self)


@dataclass
class _Job:
    """A package while it is taken in."""

    package: BundledPackage
    standing: Standing
    report: Report
    stored: dict[str, Stored] = field(default_factory=dict)
    #: What is wrong with files, by their names.
    wrong: dict[str, str] = field(default_factory=dict)
    #: Versions of which something is new here, in their order.
    versions: dict[str, None] = field(default_factory=dict)

    @property
    def taken(self) -> Mapping[str, BundledFile]:
        """The files that are right, by their names."""
        files = ((file.said.filename, file) for file in self.package.files)
        return {name: file for name, file in files if name not in self.wrong}

    def refuse(self, filename: str | None, reason: str) -> None:
        """Tell that a file, or the whole package, is not taken in."""
        self.report.refused.append(Refusal(self.package.name, filename, reason))


@dataclass(frozen=True)
class Loader:
    """Takes the packages of a bundle in, one after the other."""

    session: Session
    storage: Storage
    #: Where files are while they are fetched.
    folder: Path
    mirror: Mirror
    actor: Actor

    def load(self, reader: BundleReader, advance: Callable[[], None]) -> Report:
        """Take the bundle in, and call `advance` after each file of it.

        What is here already is passed over. Each package is taken in when all of its files were
        read; when this is broken off, the packages before stay.

        Raises:
            InvalidBundleError: the archive is not what it should be.
            PackslipError: it could not be taken in.
        """
        report = Report()
        for package in reader.manifest.packages:
            job = _Job(package, standing_of(self.session, self.mirror, package), report)
            self.session.rollback()
            try:
                self._store(reader, job, advance)
                self._take(job)
            finally:
                # What rows name by now is spared.
                for one in job.stored.values():
                    discard(self.session, self.storage, one)
        reader.finish()
        return report

    def _store(self, reader: BundleReader, job: _Job, advance: Callable[[], None]) -> None:
        for entry, pieces in reader.entries(job.package, job.standing.lacks):
            filename = entry.file.said.filename
            if pieces is not None and filename not in job.wrong:
                stored = job.stored.setdefault(filename, Stored(entry.file))
                try:
                    store(self.storage, entry, pieces)
                except WrongEntryError as error:
                    job.wrong[filename] = str(error)
                else:
                    stored.has_metadata |= entry.is_metadata
                    stored.has_bytes |= not entry.is_metadata
            if not entry.is_metadata:
                advance()

    def _take(self, job: _Job) -> None:
        name, standing = job.package.name, job.standing
        if standing.refusal is not None:
            job.refuse(None, standing.refusal)
            return
        page = page_to_take(job.package, standing, job.taken)
        if page is not None:
            try:
                self._take_page(name, page, standing.source)
            except HostedNowError:
                job.refuse(None, HOSTED)
                return
        # That a package is quarantined is news only where it is known.
        job.report.packages += bool(job.taken) or not standing.is_new
        try:
            self._keep(job)
        finally:
            if job.versions:
                self._record(name, list(job.versions))
        if is_bundled(standing.source.upstream):
            # Where upstream is asked, that is done when somebody wants it.
            for version in job.versions:
                describe(self.session, name, version)

    def _take_page(self, name: NormalizedName, page: UpstreamPage, source: Source) -> None:
        deadline = time.monotonic() + LEASE
        while not take_lease(self.session, name):
            if time.monotonic() > deadline:
                raise AskedPackageError(name)
            time.sleep(_LOOK)
        try:
            take_page(self.session, name, page, source)
        except BaseException:
            end_lease(self.session, name)
            raise

    def _keep(self, job: _Job) -> None:
        """Let rows name what was stored."""
        ids, standing = self._file_ids(job.package.name), job.standing
        for name, fault in job.wrong.items():
            job.refuse(name, f"{fault[:1].upper()}{fault[1:]}.")
        for name, file in job.taken.items():
            stored = job.stored.get(name)
            if standing.contradicts(file):
                job.refuse(name, _ALTERED)
            elif name not in ids:
                job.refuse(name, _TAKEN)
            elif stored is None:
                job.report.present += 1
            elif keep(self.session, self.storage, self.folder, ids[name], stored):
                del job.stored[name]
                job.versions[file.said.version] = None
                job.report.added += stored.has_bytes
                job.report.present += not stored.has_bytes
            else:
                job.refuse(name, _ALTERED)
        self._pin(job)

    def _pin(self, job: _Job) -> None:
        taken = job.taken
        unpinned = [
            known.id
            for name, known in job.standing.files.items()
            if name in taken and known.is_kept and not known.is_pinned
        ]
        if unpinned:
            with write_transaction(self.session):
                pin(self.session, unpinned)

    def _record(self, name: NormalizedName, versions: list[str]) -> None:
        # With an event the package's serial is another one, and the list of all packages is new.
        with write_transaction(self.session):
            package = self.session.get(Package, name, with_for_update=True)
            if package is not None:
                data = {"versions": versions[:_MOST_NAMES]}
                action = Action.MIRROR_LOAD
                event = record(self.session, self.actor, action, package_id=name, data=data)
                touch(self.session, package, event)

    def _file_ids(self, package_id: str) -> Mapping[str, int]:
        rows = self.session.execute(
            select(File.filename, File.id)
            .join(Release, Release.id == File.release_id)
            .where(Release.package_id == package_id)
        )
        ids = {row.filename: row.id for row in rows}
        self.session.rollback()
        return ids
