"""Notes that act, as advisories in OSV's format.

See https://ossf.github.io/osv-schema/ and, for the queries, OSV's API.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import Version
from sqlalchemy import ColumnElement, Row, and_, or_, select
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.db import is_key
from packslip.errors import NotFoundError
from packslip.notes.about import is_acting, visible
from packslip.notes.models import Note
from packslip.notes.osv_ranges import osv_ranges
from packslip.packages.models import Act, Release, StandingAct
from packslip.packages.version_ranges import covers
from packslip.packages.versions import parse_version

SCHEMA_VERSION = "1.7.4"

ECOSYSTEM = "PyPI"

#: The acts that are advisories. The others are told by the status of the package.
ADVISING = (Act.WARN, Act.YANK, Act.HOLD, Act.DEPRECATE)

_PREFIX = "PACKSLIP-"


class UnknownAdvisoryError(NotFoundError):
    """There is no such advisory, or not for who asks."""

    def __init__(self) -> None:
        super().__init__("There is no such advisory.")


@dataclass(frozen=True)
class OsvQuery:
    """What is asked for: advisories about a package, or about one version of it."""

    #: Normalised; None for what is of another ecosystem.
    package_id: str | None
    version: str | None


@dataclass(frozen=True)
class Advisory:
    """A note that acts, or did."""

    note_id: int
    package_id: str
    title: str
    body: str
    act: str
    version_range: str | None
    fixed_in: str | None
    created_at: datetime
    updated_at: datetime
    lifted_at: datetime | None

    @property
    def id(self) -> str:
        """Its name in OSV's world."""
        return f"{_PREFIX}{self.note_id}"

    @property
    def modified(self) -> datetime:
        """When it changed last."""
        # The database fills both times of a new row, one after the other.
        return max(self.created_at, self.updated_at, self.lifted_at or self.updated_at)

    def affects(self, version: str) -> bool:
        """Whether it is about this version, and that is not mended yet."""
        return covers(self.version_range, version) and not self._is_mended(version)

    def _is_mended(self, version: str) -> bool:
        mended, asked = self.mended_in, parse_version(version)
        return mended is not None and asked is not None and asked >= mended

    @property
    def mended_in(self) -> Version | None:
        """The version in which the note says that it is mended."""
        return parse_version(self.fixed_in) if self.fixed_in else None


def find_advisories(
    session: Session, queries: Sequence[OsvQuery], user: User | None
) -> list[list[Advisory]]:
    """The advisories for each query that the user may see; it takes one statement for all."""
    names = {query.package_id for query in queries if query.package_id is not None}
    found: Mapping[str, list[Advisory]] = defaultdict(list)
    for one in _advisories(session, and_(Note.package_id.in_(sorted(names)), _acts()), user):
        found[one.package_id].append(one)
    return [
        [
            one
            for one in found[query.package_id or ""]
            if query.version is None or one.affects(query.version)
        ]
        for query in queries
    ]


def get_advisory(session: Session, name: str, user: User | None) -> Advisory:
    """The advisory of this name, withdrawn ones included.

    Raises:
        UnknownAdvisoryError: there is none that the user may see.
    """
    number = re.fullmatch(rf"{_PREFIX}([0-9]{{1,19}})", name, re.ASCII)
    if number is None or not is_key(int(number[1])):
        raise UnknownAdvisoryError
    did = and_(Note.id == int(number[1]), or_(_acts(), Note.lifted_at.is_not(None)))
    found = _advisories(session, did, user)
    if not found:
        raise UnknownAdvisoryError
    return found[0]


def known_versions(session: Session, package_ids: Collection[str]) -> Mapping[str, Sequence[str]]:
    """The versions of each package that the index has, the oldest first."""
    rows = session.execute(
        select(Release.package_id, Release.version)
        .where(Release.package_id.in_(sorted(package_ids)))
        .order_by(Release.sort_key)
    )
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        found[row.package_id].append(row.version)
    return found


def record(advisory: Advisory, versions: Iterable[str], base_url: str) -> dict[str, Any]:
    """The advisory in OSV's format; `versions` are those of the package that the index has."""
    known = list(versions)
    parsed = [version for version in map(parse_version, known) if version is not None]
    ranges = osv_ranges(SpecifierSet(advisory.version_range or ""), parsed, advisory.mended_in)
    affected: dict[str, Any] = {
        "package": {
            "ecosystem": ECOSYSTEM,
            "name": advisory.package_id,
            "purl": f"pkg:pypi/{advisory.package_id}",
        },
        "versions": [version for version in known if advisory.affects(version)],
    }
    if ranges:
        affected["ranges"] = [{"type": "ECOSYSTEM", "events": events} for events in ranges]
    withdrawn = {} if advisory.lifted_at is None else {"withdrawn": advisory.lifted_at}
    return {
        "schema_version": SCHEMA_VERSION,
        "id": advisory.id,
        "modified": advisory.modified,
        "published": advisory.created_at,
        **withdrawn,
        "summary": advisory.title or f"{advisory.package_id}: {advisory.act}",
        "details": advisory.body,
        "affected": [affected],
        "references": [{"type": "ADVISORY", "url": f"{base_url}/notes/{advisory.note_id}"}],
        "database_specific": {"act": advisory.act, "versions": advisory.version_range},
    }


def _acts() -> ColumnElement[bool]:
    return StandingAct.note_id.is_not(None)


def _advisories(
    session: Session, condition: ColumnElement[bool], user: User | None
) -> list[Advisory]:
    rows = session.execute(
        select(
            Note.id, Note.package_id, Note.title, Note.body, Note.act, Note.version_range,
            Note.fixed_in, Note.created_at, Note.updated_at, Note.lifted_at,
        )
        .outerjoin(StandingAct, is_acting())
        .where(
            condition,
            Note.act.in_(ADVISING),
            Note.package_id.is_not(None),
            Note.deleted_at.is_(None),
            visible(user),
        )
        .order_by(Note.id)
    )  # fmt: skip
    return [_advisory(row) for row in rows]


def _advisory(row: Row[*tuple[Any, ...]]) -> Advisory:
    return Advisory(
        note_id=row.id,
        package_id=row.package_id,
        title=row.title,
        body=row.body,
        act=row.act,
        version_range=row.version_range,
        fixed_in=row.fixed_in,
        created_at=row.created_at,
        updated_at=row.updated_at,
        lifted_at=row.lifted_at,
    )
