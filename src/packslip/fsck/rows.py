"""Whether rows agree with each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Row, func, select

from packslip.db import write_transaction
from packslip.fsck.findings import Finding, Kind, Place
from packslip.mirror.models import MirrorFile
from packslip.packages.filenames import InvalidFilenameError, parse_filename
from packslip.packages.latest import refresh_texts
from packslip.packages.models import File, Origin, Package, RegisteredFilename, Release
from packslip.packages.queries import latest_release
from packslip.packages.search_index import (
    count_stray_words,
    forget_stray_words,
    index_packages,
    package_ids_after,
    stale_packages,
)

#: Files that are read at once.
_BATCH = 500


def check_sizes(place: Place) -> Iterator[Finding | None]:
    """Compare the sizes of hosted releases with those of their files."""
    total = func.coalesce(func.sum(File.size), 0)
    rows = place.session.execute(
        select(Release.id, Release.package_id, Release.version, Release.size, total.label("total"))
        .join(Package, Package.id == Release.package_id)
        .outerjoin(File, File.release_id == Release.id)
        .where(Package.origin == Origin.HOSTED)
        .group_by(Release.id)
        .having(total != Release.size)
        .order_by(Release.id)
    ).all()
    place.session.rollback()
    for row in rows:
        what = f"{row.package_id} {row.version}"
        reason = f"its row says {row.size} bytes, and its files have {row.total}"
        yield Finding(Kind.ROW, what, reason, partial(_mend_size, place, row.id), row.package_id)
    yield None


def _mend_size(place: Place, release_id: int) -> str | None:
    with write_transaction(place.session) as session:
        release = session.get(Release, release_id)
        if release is None:
            return None
        session.get(Package, release.package_id, with_for_update=True)
        before, release.size = release.size, sum(file.size for file in release.files)
        if before == release.size:
            return None
        what = f"the size of {release.package_id} {release.version}"
        place.record_mend(what, f"{before} bytes", release.package_id)
    return "its row was changed"


def check_packages(place: Place) -> Iterator[Finding | None]:
    """Compare packages with their latest releases, and the index of the search with packages."""
    last = ""
    while package_ids := package_ids_after(place.session, last):
        last = package_ids[-1]
        stale = stale_packages(place.session, package_ids)
        wrong = _with_another_latest(place, package_ids)
        place.session.rollback()
        for package_id in wrong:
            mend = partial(_refresh, place, package_id)
            yield Finding(
                Kind.ROW, package_id, "its latest release is another one", mend, package_id
            )
        for package_id in stale:
            if package_id not in wrong:
                mend = partial(_index, place, package_id)
                yield Finding(Kind.SEARCH, package_id, "search does not know it", mend, package_id)
    stray = count_stray_words(place.session)
    place.session.rollback()
    if stray:
        what = f"the words of {stray} packages"
        reason = "search knows them, and there are no such packages"
        yield Finding(Kind.SEARCH, what, reason, partial(_forget_words, place))
    yield None


def _with_another_latest(place: Place, package_ids: Sequence[str]) -> list[str]:
    rows = place.session.execute(
        select(Release.package_id, Release.version, Release.yanked)
        .where(Release.package_id.in_(package_ids))
        # As `packslip.packages.queries.precedence` says, the greatest last.
        .order_by(Release.yanked.desc(), Release.is_prerelease.desc(), Release.sort_key)
    )
    latest = {package_id: (version, yanked) for package_id, version, yanked in rows}
    noted = place.session.execute(
        select(Package.id, Package.latest_version, Package.latest_yanked)
        .where(Package.id.in_(package_ids))
        .order_by(Package.id)
    )
    return [
        package_id
        for package_id, version, yanked in noted
        if (version, yanked) != latest.get(package_id, (None, False))
    ]


def _refresh(place: Place, package_id: str) -> str | None:
    with write_transaction(place.session) as session:
        package = session.get(Package, package_id, with_for_update=True)
        if package is None or not _with_another_latest(place, [package_id]):
            return None
        refresh_texts(session, package)
        latest = latest_release(session, package_id)
        place.record_mend(f"the latest release of {package_id}", "another one", package_id)
        return f"it is {latest.version}" if latest else "it has none"


def _index(place: Place, package_id: str) -> str | None:
    with write_transaction(place.session) as session:
        if not stale_packages(session, [package_id]):
            return None
        index_packages(session, [package_id])
        place.record_mend(f"what search knows of {package_id}", "it was out of step", package_id)
    return "it was read in again"


def _forget_words(place: Place) -> str | None:
    with write_transaction(place.session) as session:
        stray = count_stray_words(session)
        if not stray:
            return None
        forget_stray_words(session)
        place.record_mend("what search knows", f"words of {stray} packages that are gone")
    return "they were removed"


def check_names(place: Place) -> Iterator[Finding | None]:
    """Look for hosted files whose names are not taken: other bytes could come under them."""
    last = 0
    while rows := _hosted_files(place, last):
        last = rows[-1].id
        by_key = _keys(rows)
        taken = set(
            place.session.scalars(
                select(RegisteredFilename.id).where(RegisteredFilename.id.in_(by_key))
            )
        )
        place.session.rollback()
        for key in sorted(by_key.keys() - taken):
            row = by_key[key]
            mend = partial(_take_name, place, key, row.id)
            yield Finding(Kind.ROW, row.filename, "its name is not taken", mend, row.package_id)
    yield None


def _hosted_files(place: Place, last: int) -> Sequence[Row[*tuple[Any, ...]]]:
    return place.session.execute(
        select(File.id, File.filename, Release.package_id)
        .join(Release, Release.id == File.release_id)
        .join(Package, Package.id == Release.package_id)
        .where(File.id > last, Package.origin == Origin.HOSTED)
        .order_by(File.id)
        .limit(_BATCH)
    ).all()


def _keys(rows: Sequence[Row[*tuple[Any, ...]]]) -> dict[str, Any]:
    found = {}
    for row in rows:
        try:
            found[parse_filename(row.filename, row.package_id).key] = row
        except InvalidFilenameError:
            # Of a kind that is only known from elsewhere, and cannot be uploaded.
            continue
    return found


def _take_name(place: Place, key: str, file_id: int) -> str | None:
    with write_transaction(place.session) as session:
        file = session.get(File, file_id)
        if file is None or session.get(RegisteredFilename, key) is not None:
            return None
        session.add(RegisteredFilename(id=key, sha256=file.sha256))
        place.record_mend(f"the name {file.filename}", "it was not taken", file.release.package_id)
    return "it is taken now"


def check_mirrored(place: Place) -> Iterator[Finding | None]:
    """Look for mirrored files that are said to be held in one table and not in the other."""
    rows = place.session.execute(
        select(File.id, File.filename, Release.package_id, File.storage_key, MirrorFile.kept_at)
        .join(MirrorFile, MirrorFile.file_id == File.id)
        .join(Release, Release.id == File.release_id)
        .where(File.storage_key.is_(None) != MirrorFile.kept_at.is_(None))
        .order_by(File.id)
    ).all()
    place.session.rollback()
    for row in rows:
        said = "not held" if row.storage_key is None else "held"
        reason = f"one row says that it is {said}, another one the opposite"
        mend = partial(_mend_kept, place, row.id)
        yield Finding(Kind.ROW, row.filename, reason, mend, row.package_id)
    yield None


def _mend_kept(place: Place, file_id: int) -> str | None:
    with write_transaction(place.session) as session:
        file = session.get(File, file_id, with_for_update=True)
        mirrored = session.get(MirrorFile, file_id)
        if file is None or mirrored is None:
            return None
        if (file.storage_key is None) == (mirrored.kept_at is None):
            return None
        mirrored.kept_at = None if file.storage_key is None else place.started_at
        package_id = file.release.package_id
        place.record_mend(f"whether {file.filename} is held", "rows differed", package_id)
    return "both say the same now"
