"""Taking in what an upstream says of a package: it becomes rows, as those of hosted packages are.

Whoever calls holds the lease of the package's page, so that nobody else takes it in meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from packaging.utils import NormalizedName
from sqlalchemy.orm import Session

from packslip.db import add_if_new, write_transaction
from packslip.events.models import Action
from packslip.events.operations import record
from packslip.mirror.differences import Changes, compare
from packslip.mirror.models import MirrorPage, PageState
from packslip.mirror.release_rows import (
    add_files,
    batches,
    forget_releases,
    known_files,
    open_releases,
    write_changes,
)
from packslip.mirror.telling import MIRROR, take_status, take_yanks, tell
from packslip.mirror.upstream_pages import UpstreamPage
from packslip.mirror.upstreams import origin_of
from packslip.packages.effects import apply_acts
from packslip.packages.latest import refresh_texts
from packslip.packages.models import Origin, Package

#: Files that are taken in by one transaction. Others can write between two.
BATCH = 1000


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
            changes = compare(known_files(session, package_id), page, now)
            add_files(session, package_id, changes.new, page, now)
            _finish(session, package_id, page, changes, source, is_new=is_new)
        return
    with write_transaction(session):
        is_new = _open(session, package_id, source)
        changes = compare(known_files(session, package_id), page, now)
    for batch in batches(changes.new, BATCH):
        with write_transaction(session):
            add_files(session, package_id, batch, page, now)
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
            known_files(session, package_id), UpstreamPage(files=(), versions=()), now
        )
        write_changes(session, changes)
        tell(session, package, changes, {}, is_new=False)


def note_unchanged(session: Session, package_id: NormalizedName) -> None:
    """Note that upstream was asked and says what it said before."""
    with write_transaction(session):
        row = session.get_one(MirrorPage, package_id)
        row.checked_at = row.asked_at = datetime.now(UTC)
        _forget_trouble(row)


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
    write_changes(session, changes)
    open_releases(session, package_id, page.versions)
    session.flush()
    said = take_yanks(session, package, page) | take_status(package, page)
    tell(session, package, changes, said, is_new=is_new)
    apply_acts(session, package)
    refresh_texts(session, package)
    _note_found(session, package_id, source)


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
