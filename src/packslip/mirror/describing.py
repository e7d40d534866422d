"""What a release of a mirrored package says of itself, taken from its metadata file.

Pages of the Simple API have no summaries, licences or requirements.
"""

from __future__ import annotations

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.errors import PackslipError
from packslip.events.models import Action
from packslip.events.operations import record
from packslip.mirror.metadata import provide_metadata
from packslip.mirror.models import MirrorFile
from packslip.mirror.telling import MIRROR
from packslip.packages.latest import refresh_texts
from packslip.packages.metadata import CoreMetadata, inspect_metadata
from packslip.packages.models import File, Origin, Package, Release
from packslip.packages.operations import touch
from packslip.packages.queries import latest_release
from packslip.storage.protocol import kept_metadata_key
from packslip.web.context import current_storage

log = structlog.get_logger(__name__)


def describe(session: Session, package_id: str, version: str | None = None) -> bool:
    """Give a release its texts, if it has them not yet: the latest, or the one of that version.

    Upstream is asked for the release's metadata; where it offers none and there is no wheel, the
    release stays without texts.

    Returns:
        Whether it has them since now.
    """
    session.rollback()
    found = _release(session, package_id, version)
    if found is None or found.core_metadata or found.package.origin != Origin.MIRRORED:
        return False
    release_id, file_id = found.id, _telling_file(session, found)
    if file_id is None:
        return False
    metadata = _metadata(session, file_id)
    if metadata is None:
        return False
    with write_transaction(session):
        package = session.get(Package, package_id, with_for_update=True)
        release = session.get(Release, release_id)
        if package is None or release is None or package.origin != Origin.MIRRORED:
            return False
        release.core_metadata = metadata.as_json()
        refresh_texts(session, package)
        data = {"version": release.version}
        event = record(session, MIRROR, Action.MIRROR_DESCRIBE, package_id=package_id, data=data)
        touch(session, package, event)
    return True


def _release(session: Session, package_id: str, version: str | None) -> Release | None:
    if version is None:
        return latest_release(session, package_id)
    wanted = select(Release).where(Release.package_id == package_id, Release.version == version)
    return session.scalar(wanted)


def _telling_file(session: Session, release: Release) -> int | None:
    """A file whose metadata can be had: rather a wheel, which knows everything."""
    return session.scalar(
        select(File.id)
        .join(MirrorFile, MirrorFile.file_id == File.id)
        .where(
            File.release_id == release.id,
            File.metadata_is_static,
            MirrorFile.refused.is_(None),
            File.storage_key.is_not(None) | MirrorFile.vanished_at.is_(None),
        )
        .order_by(File.packagetype, MirrorFile.metadata_kept.desc(), File.size, File.id)
        .limit(1)
    )


def _metadata(session: Session, file_id: int) -> CoreMetadata | None:
    try:
        wanted = provide_metadata(session, file_id)
        key = kept_metadata_key(wanted.metadata_sha256 or "", wanted.filename)
        with current_storage().open(key) as stored:
            data = b"".join(stored.read())
    except PackslipError as error:
        log.info("no metadata of a mirrored file", file=file_id, reason=str(error))
        return None
    # Old packages break rules that came later; what can be read of them is better than nothing.
    return inspect_metadata(data)[0]
