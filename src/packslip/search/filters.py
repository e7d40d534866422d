"""Which entries of the index may be among the results."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, false, select

from packslip.accounts.models import User
from packslip.packages.models import (
    MaintainerRole,
    SearchEntry,
    package_languages,
)
from packslip.packages.roles import packages_of
from packslip.search.request import Filters, minor_of


def conditions(filters: Filters, readable: Collection[str] | None) -> list[ColumnElement[bool]]:
    """What holds for each `SearchEntry` that may be shown.

    Only packages in `readable` are; None stands for all.
    """
    found: list[ColumnElement[bool]] = []
    if readable is not None:
        found.append(SearchEntry.package_id.in_(readable))
    for column, value in (
        (SearchEntry.license_id, filters.license),
        (SearchEntry.origin, filters.origin),
        (SearchEntry.yanked, filters.yanked),
    ):
        if value is not None:
            found.append(column == value)
    if filters.language is not None:
        found.append(_has_language(filters.language))
    if filters.python is not None:
        found.append(_allows(filters.python))
    if filters.owner is not None:
        found.append(_is_owned_by(filters.owner))
    return found


def _allows(python: str) -> ColumnElement[bool]:
    minor = minor_of(python)
    return false() if minor is None else SearchEntry.pythons.bitwise_and(1 << minor) != 0


def _has_language(name: str) -> ColumnElement[bool]:
    links = package_languages.c
    return (
        select(links.package_id)
        .where(links.package_id == SearchEntry.package_id, links.language_id == name)
        .exists()
    )


def _is_owned_by(username: str) -> ColumnElement[bool]:
    owner = select(User.id).where(User.username == username).scalar_subquery()
    return SearchEntry.package_id.in_(packages_of(owner, role=MaintainerRole.OWNER))
