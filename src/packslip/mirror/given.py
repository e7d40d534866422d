"""Which releases of mirrored packages installers really get: what the rules withhold is none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from packslip.mirror.current import current_mirror
from packslip.mirror.models import MirrorFile
from packslip.mirror.rule_queries import facts_of_package
from packslip.mirror.verdict import Refusal, judged, rules_about, withheld
from packslip.packages.heads import Choice
from packslip.packages.models import File, Release
from packslip.packages.queries import by_precedence


def choose_release(session: Session, latest: Release) -> Choice | None:
    """The release that speaks for a mirrored package when installers cannot have its latest one.

    It is the one that they choose themselves. None says that they can have the latest.
    """
    now = datetime.now(UTC)
    package_id = latest.package_id
    listed = session.scalars(_listed(package_id).where(Release.id == latest.id)).all()
    refused: Mapping[str, Refusal] = {}
    if rules_about(session, package_id):
        facts = facts_of_package(session, package_id, latest.version)
        refused = withheld(session, package_id, facts, now)
    if any(filename not in refused for filename in listed):
        return None
    # The first of its files that it would have, by their names.
    refusal = next((refused[name] for name in sorted(listed) if name in refused), None)
    given = files_given(session, package_id, now)
    others = (
        by_precedence(package_id)
        .join(File, File.release_id == Release.id)
        .with_only_columns(Release.version, File.filename)
    )
    instead = next(
        (version for version, filename in session.execute(others) if filename in given), None
    )
    return Choice(
        instead,
        reason=None if refusal is None else refusal.reason,
        until=None if refusal is None else refusal.until,
    )


def files_given(session: Session, package_id: str, now: datetime) -> set[str]:
    """The names of the mirrored package's files that installers find on its page."""
    refused = judged(session, package_id, now)[0]
    return set(session.scalars(_listed(package_id))) - refused.keys()


def files_undated(session: Session, package_id: str) -> set[str]:
    """The names of those of which upstream does not say when they came."""
    undated = select(File.filename).join(MirrorFile, MirrorFile.file_id == File.id)
    undated = undated.join(Release, File.release_id == Release.id)
    of_package = undated.where(Release.package_id == package_id, MirrorFile.dated.is_(False))
    return set(session.scalars(of_package))


def _listed(package_id: str) -> Select[str]:
    can_be_had: ColumnElement[bool] = File.storage_key.is_not(None)
    if current_mirror():
        can_be_had |= MirrorFile.refused.is_(None) & MirrorFile.vanished_at.is_(None)
    return (
        select(File.filename)
        .join(Release, File.release_id == Release.id)
        .join(MirrorFile, MirrorFile.file_id == File.id)
        .where(Release.package_id == package_id, can_be_had)
    )
