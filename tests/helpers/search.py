"""Packages that can be found, and what a search finds."""

from __future__ import annotations

from typing import Any

from packaging.utils import canonicalize_name
from sqlalchemy.orm import Session
from tests.helpers.packages import add_package, add_release

from packslip.accounts.identity import Identity
from packslip.db import write_transaction
from packslip.packages.latest import refresh_texts
from packslip.packages.models import Package
from packslip.search.queries import search
from packslip.search.request import Filters, SearchQuery
from packslip.search.results import SearchResults
from packslip.setting_choices import Read


def add_found(
    session: Session, name: str, summary: str = "", version: str = "1.0", **said: Any
) -> Package:
    """A package whose one release says this, brought into the index."""
    package = add_package(session, name)
    yanked = said.pop("yanked", False)
    metadata = {"name": name, "version": version, "summary": summary} | said
    add_release(session, package, version, core_metadata=metadata, yanked=yanked)
    with write_transaction(session):
        refresh_texts(session, session.get_one(Package, canonicalize_name(name)))
    return session.get_one(Package, canonicalize_name(name))


def look_for(
    session: Session,
    text: str = "",
    *,
    viewer: Identity | None = None,
    read: Read = Read.PUBLIC,
    sort: Any = None,
    page: int = 1,
    per_page: int = 20,
    **filters: Any,
) -> SearchResults:
    """Search with these filters."""
    options = {} if sort is None else {"sort": sort}
    query = SearchQuery(text, Filters(**filters), page=page, per_page=per_page, **options)
    return search(session, query, viewer, read)


def names(found: SearchResults) -> list[str]:
    """The packages of the page, by their normalised names."""
    return [one.package for one in found.packages]
