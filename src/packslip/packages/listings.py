"""The releases of a package and the files of a release, as pages list them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session, joinedload

from packslip.accounts.models import User
from packslip.packages.models import File, Release

#: Releases on one page.
PER_PAGE = 200


@dataclass(frozen=True)
class ListedRelease:
    """One release in the list of all of a package."""

    version: str
    #: When its first file came.
    at: datetime
    #: Bytes of all its files together.
    size: int
    files: int
    requires_python: str | None
    is_prerelease: bool
    yanked: bool
    yanked_reason: str | None
    #: Why its bytes are refused; None while they are not.
    held_reason: str | None


def list_releases(session: Session, package_id: str, page: int) -> list[ListedRelease]:
    """One page of the package's releases, by version, the newest first. Pages begin with 1."""
    found = session.execute(
        select(
            Release.id,
            Release.version,
            Release.created_at,
            Release.size,
            Release.is_prerelease,
            Release.yanked,
            Release.yanked_reason,
            Release.held_reason,
        )
        .where(Release.package_id == package_id)
        .order_by(Release.sort_key.desc(), Release.id)
        .limit(PER_PAGE)
        .offset((page - 1) * PER_PAGE)
    ).all()
    told = session.execute(
        select(
            File.release_id,
            func.count(),
            func.min(File.uploaded_at),
            func.max(File.requires_python),
        )
        .where(File.release_id.in_([row.id for row in found]))
        .group_by(File.release_id)
    )
    files = {row[0]: row for row in told}
    listed = []
    for row in found:
        _, number, first_at, requires_python = files.get(row.id, (row.id, 0, None, None))
        listed.append(
            ListedRelease(
                version=row.version,
                at=first_at or row.created_at,
                size=row.size,
                files=number,
                requires_python=requires_python,
                is_prerelease=row.is_prerelease,
                yanked=row.yanked,
                yanked_reason=row.yanked_reason,
                held_reason=row.held_reason,
            )
        )
    return listed


def list_files(session: Session, release: Release) -> Sequence[File]:
    """The release's files by name, with who uploaded them."""
    query = (
        select(File)
        .where(File.release_id == release.id)
        .options(joinedload(File.uploader).load_only(User.username, User.disabled_at))
        .order_by(File.filename)
    )
    return session.scalars(query).all()


def has_files_to_get(session: Session, release: Release, *, with_unkept: bool) -> bool:
    """Whether the bytes of any file of the release are here, or `with_unkept` elsewhere."""
    there: ColumnElement[bool] = File.storage_key.is_not(None)
    if with_unkept:
        there |= File.url.is_not(None)
    return bool(session.scalar(select(exists().where(File.release_id == release.id, there))))
