"""Publishing: a distribution becomes a file that the index shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.accounts.identity import Identity, confirm
from packslip.db import add_if_new, write_transaction
from packslip.errors import InvalidError, NotAllowedError
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.packages.access import require_open_prefix, require_uploader
from packslip.packages.digests import Digests
from packslip.packages.distributions import Distribution
from packslip.packages.effects import apply_acts
from packslip.packages.filenames import DistributionName
from packslip.packages.free_names import require_free_name, take_turns
from packslip.packages.latest import refresh_texts
from packslip.packages.models import (
    File,
    Maintainer,
    MaintainerRole,
    Package,
    RegisteredFilename,
    Release,
)
from packslip.packages.operations import touch
from packslip.packages.releases import (
    add_file,
    describe_release,
    find_file,
    hold_file,
    open_release,
)
from packslip.storage.protocol import Storage, metadata_key
from packslip.subscriptions.announcements import announce

log = structlog.get_logger(__name__)

#: States of a package (PEP 792) in which nothing may be uploaded to it.
CLOSED = frozenset({"archived", "quarantined"})


class FilenameTakenError(InvalidError):
    """The name belongs to a file with other bytes."""

    def __init__(self, filename: str) -> None:
        # Tools that skip what is there look for these words.
        super().__init__(
            f"File already exists: {filename}, with other bytes. A new version can hold these."
        )
        self.filename = filename


class FilenameUsedError(InvalidError):
    """The name belonged to a file that was removed."""

    def __init__(self, filename: str) -> None:
        super().__init__(
            f"The file name {filename} was used before, by a file that was removed;"
            " it cannot be used again."
        )
        self.filename = filename


class SecondSourceError(InvalidError):
    """The release has a source distribution."""

    def __init__(self, filename: str, present: str) -> None:
        super().__init__(
            f"A release has one source distribution: {filename} would be the second one"
            f" beside {present}."
        )
        self.filename = filename
        self.present = present


class ClosedPackageError(NotAllowedError):
    """The package's state allows no uploads (PEP 792)."""

    def __init__(self, package: Package) -> None:
        because = f": {package.status_reason}" if package.status_reason else "."
        super().__init__(
            f"The package {package.id!r} is {package.status} and takes no files{because}"
        )
        self.package_id = package.id
        self.status = package.status


@dataclass(frozen=True)
class Published:
    """What became of a distribution."""

    file: File
    #: False when the same bytes were here before; then nothing was changed.
    created: bool


@contextmanager
def publication(
    session: Session, storage: Storage, *distributions: Distribution
) -> Iterator[Session]:
    """Run the block, which publishes the distributions, as one write transaction.

    All of them are published or none is. When it fails, bytes that it stored are removed again,
    unless a row names them.
    """
    try:
        with write_transaction(session):
            yield session
    except BaseException:
        for distribution in distributions:
            _discard_bytes(session, storage, distribution)
        raise


def publish_upload(
    session: Session, storage: Storage, identity: Identity, actor: Actor, distribution: Distribution
) -> Published:
    """Publish what a user uploads. The first upload to a new name makes them its owner.

    Call it inside of `publication`; what it did is durable once that ends.

    Raises:
        NotAllowedError: the user or their token may not upload to the package, or it is closed.
        TakenPrefixError: the package would be new, and names that begin so are for teams.
        ReservedNameError: the package would be new, and has the name of a standard module.
        LookalikeNameError: the package would be new, and its name looks like another one's.
        FilenameTakenError: the file is here with other bytes.
        FilenameUsedError: the file was here and was removed.
        SecondSourceError: the release has a source distribution.
        StorageFullError: there is no room left for the bytes.
    """
    confirm(session, identity)
    package, is_new = _open_package(session, actor, distribution, identity.user.id)
    # The row is locked by now: nobody else can become the owner of a new name in between.
    require_uploader(session, identity, package.id)
    if is_new:
        require_open_prefix(session, identity.user, package.id)
        take_turns(session)
        require_free_name(session, package.id, package.name)
    return _publish(
        session, storage, actor, package, distribution, user_id=identity.user.id, one_source=True
    )


def publish_file(
    session: Session,
    storage: Storage,
    actor: Actor,
    distribution: Distribution,
    *,
    user_id: int | None = None,
    uploaded_at: datetime | None = None,
) -> Published:
    """Publish a distribution on behalf of the index's operator, who needs no rights.

    The user `user_id` stands as the uploader, and becomes the owner of a new package. Releases may
    have several source distributions, and packages any name. Call it inside of `publication`.

    Raises:
        ClosedPackageError: the package is archived or quarantined.
        FilenameTakenError: the file is here with other bytes.
        FilenameUsedError: the file was here and was removed.
        StorageFullError: there is no room left for the bytes.
    """
    package, _ = _open_package(session, actor, distribution, user_id)
    return _publish(
        session,
        storage,
        actor,
        package,
        distribution,
        user_id=user_id,
        uploaded_at=uploaded_at,
        one_source=False,
    )


def require_open(package: Package) -> None:
    """Allow uploads to the package as far as its state goes.

    Raises:
        ClosedPackageError: it is archived or quarantined.
    """
    if package.status in CLOSED:
        raise ClosedPackageError(package)


def require_same_file(
    session: Session, package: Package, name: DistributionName, digests: Digests
) -> File:
    """The file that has the name, which was taken before, and these bytes.

    Raises:
        FilenameTakenError: the file has other bytes.
        FilenameUsedError: the file was removed.
    """
    file = find_file(session, package, name)
    if file is None:
        raise FilenameUsedError(name.filename)
    if not digests.agree_with(sha256=file.sha256, blake2_256=file.blake2_256, md5=file.md5):
        raise FilenameTakenError(name.filename)
    return file


def require_only_source(release: Release, name: DistributionName) -> None:
    """Allow a source distribution of that name in the release.

    Raises:
        SecondSourceError: the release has one.
    """
    for file in release.files:
        if file.packagetype == "sdist":
            raise SecondSourceError(name.filename, file.filename)


def _open_package(
    session: Session, actor: Actor, distribution: Distribution, owner_id: int | None
) -> tuple[Package, bool]:
    """The package, locked until the transaction ends, and whether it is new."""
    package, is_new = _lock_package(session, distribution)
    if is_new:
        if owner_id is not None:
            role = MaintainerRole.OWNER
            session.add(Maintainer(user_id=owner_id, package_id=package.id, role=role))
        data = {"name": package.name, "owner_id": owner_id}
        action = Action.PACKAGE_CREATE
        record(session, actor, action, package_id=package.id, subject_id=owner_id, data=data)
    return package, is_new


def _lock_package(session: Session, distribution: Distribution) -> tuple[Package, bool]:
    metadata = distribution.metadata
    package = session.get(Package, metadata.package, with_for_update=True)
    if package is not None:
        return package, False
    page = f"/project/{metadata.package}/"
    package = Package(id=metadata.package, name=metadata.name, package_url=page)
    if add_if_new(session, package):
        return package, True
    return session.get_one(Package, metadata.package, with_for_update=True), False


def _publish(
    session: Session,
    storage: Storage,
    actor: Actor,
    package: Package,
    distribution: Distribution,
    *,
    user_id: int | None,
    uploaded_at: datetime | None = None,
    one_source: bool,
) -> Published:
    require_open(package)
    file = _claim_filename(session, package, distribution)
    if file is not None and file.storage_key is not None:
        return Published(file, created=False)
    release = open_release(session, actor, package, distribution)
    if file is None:
        if one_source and not distribution.name.is_wheel:
            require_only_source(release, distribution.name)
        file = add_file(release, distribution)
    describe_release(release, distribution)
    hold_file(file, distribution, user_id, uploaded_at or datetime.now(UTC))
    name = distribution.name
    data = {"version": release.version, "filename": name.filename, "sha256": file.sha256}
    event = record(session, actor, Action.FILE_UPLOAD, package_id=package.id, data=data)
    touch(session, package, event)
    if uploaded_at is None:
        # What was uploaded elsewhere, long ago, is no news.
        announce(session, event)
    apply_acts(session, package, [release])
    refresh_texts(session, package)
    storage.put(distribution.storage_key, distribution.staged)
    storage.put_bytes(metadata_key(distribution.storage_key), distribution.metadata_bytes)
    return Published(file, created=True)


def _claim_filename(session: Session, package: Package, distribution: Distribution) -> File | None:
    """Take the name for good; give the file that has it already, if that has the same bytes."""
    name, digests = distribution.name, distribution.digests
    if add_if_new(session, RegisteredFilename(id=name.key, sha256=digests.sha256)):
        return None
    return require_same_file(session, package, name, digests)


def _discard_bytes(session: Session, storage: Storage, distribution: Distribution) -> None:
    key = distribution.storage_key
    keys = (metadata_key(key), key)
    try:
        if not any(storage.exists(one) for one in keys):
            return
        with write_transaction(session):
            # Whoever uploads the same bytes right now has stored them and named them before, or
            # waits for this lock and stores them again afterwards.
            package, is_new = _lock_package(session, distribution)
            named = select(File.id).where(
                File.sha256 == distribution.digests.sha256, File.storage_key == key
            )
            if session.scalar(named.limit(1)) is None:
                for one in keys:
                    storage.delete(one)
            if is_new:
                session.delete(package)
    except Exception as error:
        # They take up room and nobody can see them; the first error is the one to tell.
        log.warning("bytes without a row were left in the storage", key=key, exc_info=error)
