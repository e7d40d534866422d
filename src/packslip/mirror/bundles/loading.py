"""Taking a bundle in: what it says becomes rows as what upstreams say does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
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
from packslip.mirror.bundles.manifests import BundledFile, BundledPackage, Entry
from packslip.mirror.bundles.reading import BundleReader, WrongEntryError
from packslip.mirror.bundles.standing import Standing, page_to_take, standing_of
from packslip.mirror.current import Mirror
from packslip.mirror.describing import describe
from packslip.mirror.leases import LEASE, end_lease, take_lease
from packslip.mirror.taking import HostedNowError, Source, take_page
from packslip.mirror.upstream_pages import UpstreamPage
from packslip.mirror.upstreams import is_bundled
from packslip.packages.models import File, Release
from packslip.storage.protocol import Storage

_LOOK = 0.1

_HOSTED = "A package of this name is hosted here."
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
        try:
            for package in reader.manifest.packages:
                self._load(reader, package, report, advance)
            reader.finish()
        except BaseException:
            # What was taken in before stays, and is told of.
            with suppress(Exception):
                self._record(reader, report)
            raise
        self._record(reader, report)
        return report

    def _record(self, reader: BundleReader, report: Report) -> None:
        self.session.rollback()
        if not report.added:
            return
        data = {
            "made": reader.manifest.made_at.isoformat(),
            "made_by": reader.manifest.made_by,
            "files": report.added,
        }
        with write_transaction(self.session):
            record(self.session, self.actor, Action.MIRROR_LOAD, data=data)

    def _load(
        self,
        reader: BundleReader,
        package: BundledPackage,
        report: Report,
        advance: Callable[[], None],
    ) -> None:
        standing = standing_of(self.session, self.mirror, package)
        self.session.rollback()
        stored: dict[str, Stored] = {}
        wrong: dict[str, str] = {}
        try:
            for entry, pieces in reader.entries(package, standing.lacks):
                self._store(entry, pieces, stored, wrong)
                if not entry.is_metadata:
                    advance()
            taken = {
                file.said.filename: file
                for file in package.files
                if file.said.filename not in wrong
            }
            self._take(package, standing, taken, stored, report)
        finally:
            # What rows name by now is spared.
            for one in stored.values():
                discard(self.session, self.storage, one)
        report.refused += [
            Refusal(package.name, name, _sentence(fault)) for name, fault in wrong.items()
        ]

    def _store(
        self,
        entry: Entry,
        pieces: Iterator[bytes] | None,
        stored: dict[str, Stored],
        wrong: dict[str, str],
    ) -> None:
        filename = entry.file.said.filename
        if pieces is None or filename in wrong:
            return
        one = stored.setdefault(filename, Stored(entry.file))
        try:
            store(self.storage, entry, pieces)
        except WrongEntryError as error:
            wrong[filename] = str(error)
            return
        if entry.is_metadata:
            one.has_metadata = True
        else:
            one.has_bytes = True

    def _take(
        self,
        package: BundledPackage,
        standing: Standing,
        taken: Mapping[str, BundledFile],
        stored: dict[str, Stored],
        report: Report,
    ) -> None:
        if standing.refusal is not None:
            report.refused.append(Refusal(package.name, None, standing.refusal))
            return
        report.packages += 1
        page = page_to_take(package, standing, taken)
        if page is not None:
            try:
                self._take_page(package.name, page, standing.source)
            except HostedNowError:
                report.packages -= 1
                report.refused.append(Refusal(package.name, None, _HOSTED))
                return
        versions = self._keep(package, standing, taken, stored, report)
        if is_bundled(standing.source.upstream):
            # Where upstream is asked, that is done when somebody wants it.
            for version in versions:
                describe(self.session, package.name, version)

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

    def _keep(
        self,
        package: BundledPackage,
        standing: Standing,
        taken: Mapping[str, BundledFile],
        stored: dict[str, Stored],
        report: Report,
    ) -> list[str]:
        """Let rows name what was stored; give the versions of which something is new."""
        ids = self._file_ids(package.name)
        versions: dict[str, None] = {}
        for name, file in taken.items():
            if standing.contradicts(file):
                report.refused.append(Refusal(package.name, name, _ALTERED))
            elif name not in ids:
                report.refused.append(Refusal(package.name, name, _TAKEN))
            elif name not in stored:
                report.present += 1
            elif keep(self.session, self.storage, self.folder, ids[name], stored[name]):
                versions[file.said.version] = None
                if stored[name].has_bytes:
                    report.added += 1
                else:
                    report.present += 1
                del stored[name]
            else:
                report.refused.append(Refusal(package.name, name, _ALTERED))
        self._pin(standing, taken)
        return list(versions)

    def _pin(self, standing: Standing, taken: Mapping[str, BundledFile]) -> None:
        unpinned = [
            known.id
            for name, known in standing.files.items()
            if name in taken and known.is_kept and not known.is_pinned
        ]
        if unpinned:
            with write_transaction(self.session):
                pin(self.session, unpinned)

    def _file_ids(self, package_id: str) -> Mapping[str, int]:
        rows = self.session.execute(
            select(File.filename, File.id)
            .join(Release, Release.id == File.release_id)
            .where(Release.package_id == package_id)
        )
        ids = {row.filename: row.id for row in rows}
        self.session.rollback()
        return ids


def _sentence(fault: str) -> str:
    return f"{fault[:1].upper()}{fault[1:]}."
