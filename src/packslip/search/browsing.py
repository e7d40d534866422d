"""Packages by licence and by programming language."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, urlencode

from sqlalchemy import ColumnElement, Select, func, or_, select, true
from sqlalchemy.orm import Session

from packslip.accounts.access import readable_packages
from packslip.accounts.identity import Identity
from packslip.downloads.models import DownloadTotal
from packslip.downloads.rollups import RECENT_DAYS
from packslip.downloads.statistics import Period
from packslip.errors import NotFoundError
from packslip.packages.models import (
    Language,
    License,
    Package,
    SearchEntry,
    package_languages,
)
from packslip.search.candidates import MANY, MOST_RESULTS, in_order
from packslip.search.filters import conditions
from packslip.search.queries import found_packages
from packslip.search.request import Filters, Sort
from packslip.search.results import FoundPackage
from packslip.setting_choices import Read
from packslip.texts import brief

#: Packages on one page.
PER_PAGE = 50

#: So many names are compared with one that nothing has.
COMPARED = 400

#: Longer names are not compared; it takes too long.
LONGEST = 100

#: How much alike two names must be, from 0 to 1.
ALIKE = 0.5


class Kind(StrEnum):
    """By what packages can be browsed."""

    LICENSES = "licenses"
    LANGUAGES = "languages"

    @property
    def word(self) -> str:
        """What one of them is called."""
        return "licence" if self is Kind.LICENSES else "language"

    @property
    def heading(self) -> str:
        """What many of them are called."""
        return "Licences" if self is Kind.LICENSES else "Languages"


@dataclass(frozen=True)
class Group:
    """A licence or a language, and how many packages have it."""

    id: str
    packages: int
    description: str = ""


@dataclass(frozen=True)
class GroupPage:
    """Some of the packages of a group."""

    group: Group
    packages: list[FoundPackage]
    sort: Sort
    #: Counted from 1.
    page: int
    pages: int
    #: How many packages all pages show together; of large groups these are the first ones.
    shown: int


class UnknownGroupError(NotFoundError):
    """No package has that licence or language; perhaps one with a name like it was meant."""

    def __init__(self, kind: Kind, name: str, nearest: Sequence[str]) -> None:
        super().__init__(f"No package has the {kind.word} '{brief(name)}'.")
        self.kind = kind
        self.name = name
        self.links = [(address_of(kind, other), other) for other in nearest]
        self.links += [(f"/browse/{kind}/", f"All {kind.heading.lower()}")]


def address_of(kind: Kind, name: str) -> str:
    """The path of the page of a licence or language, whatever signs its name is made of."""
    # Browsers and servers leave such parts out of a path, however they are written.
    if {"", ".", ".."} & set(name.split("/")):
        return f"/browse/{kind}/?{urlencode({'id': name})}"
    return f"/browse/{kind}/{quote(name)}/"


def list_groups(session: Session, kind: Kind, viewer: Identity | None, read: Read) -> list[Group]:
    """All licences or languages that packages have; what most of them have comes first.

    The numbers are read from an index alone.
    """
    links = _links(kind, readable_packages(viewer, read))
    query = (
        select(links.group_id, func.count())
        .where(links.group_id.is_not(None), links.may_read)
        .group_by(links.group_id)
    )
    groups = [Group(name, number) for name, number in session.execute(query)]
    return sorted(groups, key=lambda group: (-group.packages, group.id))


def read_group(
    session: Session,
    kind: Kind,
    name: str,
    *,
    sort: Sort,
    page: int,
    viewer: Identity | None,
    read: Read,
) -> GroupPage:
    """One page of the packages that have the licence or language; the last one if there are fewer.

    The number of statements is the same however many packages there are.

    Raises:
        UnknownGroupError: no package that can be read has it.
    """
    readable = readable_packages(viewer, read)
    links = _links(kind, readable)
    group = _group(session, kind, name, links)
    # Few packages are collected and sorted. Of many, all packages are gone through in the order
    # that is asked for until enough are found, which takes the longer the more are left out.
    is_small = group.packages <= MANY
    shown = group.packages if is_small else min(group.packages, MOST_RESULTS)
    pages = max(1, -(-shown // PER_PAGE))
    page = min(max(page, 1), pages)
    first = (page - 1) * PER_PAGE
    if is_small:
        theirs = select(links.package_id).where(links.group_id == name, links.may_read)
        package_ids = _sorted(session, theirs, sort, first)
    else:
        filters = Filters(license=name) if kind is Kind.LICENSES else Filters(language=name)
        last = min(first + PER_PAGE, shown)
        candidates = in_order(session, conditions(filters, readable), sort, last)
        package_ids = [one.package_id for one in candidates[first:]]
    packages = found_packages(session, package_ids, Period(RECENT_DAYS).each_day())
    return GroupPage(group, packages, sort, page, pages, shown)


@dataclass(frozen=True)
class _Links:
    """Where it stands which package is in which group."""

    package_id: ColumnElement[str]
    group_id: ColumnElement[str]
    #: Whether a package can be read.
    may_read: ColumnElement[bool]


def _links(kind: Kind, readable: Collection[str] | None) -> _Links:
    if kind is Kind.LICENSES:
        columns = Package.__table__.c
        package_id, group_id = columns.id, columns.license_id
    else:
        columns = package_languages.c
        package_id, group_id = columns.package_id, columns.language_id
    return _Links(package_id, group_id, true() if readable is None else package_id.in_(readable))


def _group(session: Session, kind: Kind, name: str, links: _Links) -> Group:
    # PostgreSQL refuses NUL and halves of characters in whatever is compared with a text.
    is_storable = "\0" not in name and name == name.encode("utf-8", "replace").decode()
    if not is_storable:
        raise UnknownGroupError(kind, name, [])
    query = select(func.count()).where(links.group_id == name, links.may_read)
    number = session.scalar(query) or 0
    if not number:
        raise UnknownGroupError(kind, name, _nearest(session, kind, name, links))
    model = _model(kind)
    description = session.scalar(select(model.description).where(model.id == name))
    return Group(name, number, description or "")


def _model(kind: Kind) -> type[License] | type[Language]:
    return License if kind is Kind.LICENSES else Language


def _nearest(session: Session, kind: Kind, name: str, links: _Links) -> list[str]:
    """Groups with names like this one, the most similar first."""
    sought = name.strip()
    if not 0 < len(sought) <= LONGEST:
        return []
    column = _model(kind).id
    is_used = select(links.package_id).where(links.group_id == column, links.may_read).exists()
    query = (
        select(column)
        .where(
            or_(
                column.istartswith(sought[0], autoescape=True),
                column.icontains(sought, autoescape=True),
            ),
            is_used,
        )
        .order_by(func.abs(func.length(column) - len(sought)), column)
        .limit(COMPARED)
    )
    by_folded = {one.casefold(): one for one in session.scalars(query)}
    alike = difflib.get_close_matches(sought.casefold(), by_folded, 3, ALIKE)
    return [by_folded[one] for one in alike]


def _sorted(session: Session, theirs: Select[str], sort: Sort, first: int) -> Sequence[str]:
    query = select(SearchEntry.package_id).where(SearchEntry.package_id.in_(theirs))
    if sort is Sort.DATE:
        query = query.order_by(SearchEntry.latest_at.desc())
    elif sort is Sort.DOWNLOADS:
        total = DownloadTotal.package_id == SearchEntry.package_id
        recent = func.coalesce(DownloadTotal.recent, 0)
        query = query.outerjoin(DownloadTotal, total).order_by(recent.desc())
    query = query.order_by(SearchEntry.package_id)
    return session.scalars(query.offset(first).limit(PER_PAGE)).all()
