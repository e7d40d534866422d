"""Reading the rules about what comes through the mirror, and the files that they are about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from packslip.db import is_key
from packslip.errors import NotFoundError
from packslip.mirror.models import MirrorFile
from packslip.mirror.rule_models import MirrorRule, MirrorRuleState
from packslip.mirror.rules import FileFacts, FileKind, Kind, Rule
from packslip.packages.models import File, Origin, Package, Release
from packslip.packages.versions import canonical


class UnknownRuleError(NotFoundError):
    """There is no such rule."""

    def __init__(self, rule_id: int) -> None:
        super().__init__(f"There is no rule {rule_id}.")
        self.rule_id = rule_id


def rule_of(row: MirrorRule) -> Rule:
    """The rule that is kept in the row."""
    return Rule(
        id=row.id,
        kind=Kind(row.kind),
        packages=tuple(row.packages),
        version_range=row.version_range,
        licenses=tuple(row.licenses),
        file_kind=None if row.file_kind is None else FileKind(row.file_kind),
        tags=tuple(row.tags),
        days=row.days,
        not_after=row.not_after,
        expires_at=row.expires_at,
        lifts_deny=row.lifts_deny,
        reason=row.reason,
        note_id=row.note_id,
    )


def list_rule_rows(session: Session, kinds: Iterable[Kind] = Kind) -> Sequence[MirrorRule]:
    """The rules of these kinds by their numbers, those that have expired included."""
    wanted = select(MirrorRule).where(MirrorRule.kind.in_(list(kinds)))
    return session.scalars(wanted.order_by(MirrorRule.id)).all()


def get_rule_row(session: Session, rule_id: int) -> MirrorRule:
    """The rule of that number, as it is now.

    Raises:
        UnknownRuleError: there is none.
    """
    found = None
    if is_key(rule_id):
        found = session.get(MirrorRule, rule_id, populate_existing=True)
    if found is None:
        raise UnknownRuleError(rule_id)
    return found


def rules_token(session: Session) -> str | None:
    """A text that is another one after each change of the rules; None before there was any."""
    return session.scalar(select(MirrorRuleState.token))


def rules_token_column() -> ColumnElement[str | None]:
    """The same for a statement that is sent anyway."""
    return select(MirrorRuleState.token).scalar_subquery().label("rules_token")


def facts_of_package(
    session: Session, package_id: str, version: str | None = None
) -> Sequence[FileFacts]:
    """What rules look at, of all files of the package, the newest release first, or of the one.

    There is none of a hosted package.
    """
    wanted = _select_facts().where(Package.id == package_id)
    if version is not None:
        wanted = wanted.where(Release.canonical_version == canonical(version))
    return _facts(session, wanted)


def facts_of_file(session: Session, package_id: str, filename: str) -> FileFacts | None:
    """The same of one file; None when there is none, or it is hosted."""
    wanted = _select_facts().where(Package.id == package_id, File.filename == filename)
    return next(iter(_facts(session, wanted)), None)


def _select_facts() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Release.package_id,
            Release.version,
            File.filename,
            File.packagetype,
            File.tags,
            File.uploaded_at,
            File.size,
            Package.license_id,
            MirrorFile.dated,
        )
        .join(Release, File.release_id == Release.id)
        .join(Package, Release.package_id == Package.id)
        .outerjoin(MirrorFile, MirrorFile.file_id == File.id)
        .where(Package.origin == Origin.MIRRORED)
        .order_by(Release.sort_key.desc(), File.filename)
    )


def _facts(session: Session, wanted: Select[*tuple[Any, ...]]) -> Sequence[FileFacts]:
    return [
        FileFacts(
            package=row.package_id,
            version=row.version,
            filename=row.filename,
            packagetype=row.packagetype,
            tags=row.tags,
            license=row.license_id,
            # What was told by nobody is no date either.
            uploaded_at=row.uploaded_at if row.dated else None,
            size=row.size,
        )
        for row in session.execute(wanted)
    ]
