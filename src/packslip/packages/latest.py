"""What a package says about itself: the texts of its latest release, and which one that is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from packslip.db import add_if_new
from packslip.packages.languages import languages_of
from packslip.packages.licenses import describe_license, license_of
from packslip.packages.metadata import CoreMetadata
from packslip.packages.models import File, Language, License, Package, Release
from packslip.packages.people import author_of
from packslip.packages.project_urls import docs_url, home_page
from packslip.packages.queries import latest_described_release, latest_release
from packslip.packages.requirements import note_requirements
from packslip.packages.search_index import index_packages


def refresh_texts(session: Session, package: Package) -> None:
    """Give the package the texts, author, licence, languages and addresses of its latest release.

    Call it after each change to its releases. Releases without metadata have no texts, and a
    package without any other keeps those that it has. What the latest one requires is kept too,
    and search finds the package by its texts from then on.
    """
    described = latest_described_release(session, package.id)
    said = {} if described is None else described.core_metadata
    note_requirements(session, package, said.get("requires_dist", ()))
    if described is not None:
        _take_texts(session, package, _from_json(said))
    _note_latest(session, package, latest_release(session, package.id))
    index_packages(session, [package.id])


def _take_texts(session: Session, package: Package, metadata: CoreMetadata) -> None:
    package.name = metadata.name or package.name
    package.summary = metadata.summary or ""
    package.description = metadata.description or ""
    package.description_content_type = metadata.description_content_type
    package.home_page = home_page(metadata)
    package.docs_url = docs_url(metadata)
    package.author_name, package.author_email = author_of(metadata)
    package.license = _license(session, metadata)
    package.languages = [_language(session, name) for name in _languages(metadata)]
    package.keywords = ", ".join(metadata.keywords)
    package.people = ", ".join(
        text
        for text in (
            metadata.author,
            metadata.author_email,
            metadata.maintainer,
            metadata.maintainer_email,
        )
        if text
    )


def _note_latest(session: Session, package: Package, latest: Release | None) -> None:
    if latest is None:
        package.latest_version = package.latest_at = package.requires_python = None
        package.latest_yanked = False
        return
    first_at, requires_python = _told_by_files(session, latest)
    package.latest_version = latest.version
    package.latest_at = first_at or latest.created_at
    # Of imported releases often the files alone tell it.
    package.requires_python = requires_python or latest.core_metadata.get("requires_python")
    package.latest_yanked = latest.yanked


def _told_by_files(session: Session, release: Release) -> tuple[datetime | None, str | None]:
    told = select(func.min(File.uploaded_at), func.max(File.requires_python))
    row = session.execute(told.where(File.release_id == release.id)).one()
    return row[0], row[1]


def _from_json(said: dict[str, Any]) -> CoreMetadata:
    """The metadata that was kept, as far as a package tells it."""
    pairs = (entry.partition(",") for entry in said.get("project_url", ()))
    return CoreMetadata(
        metadata_version=said.get("metadata_version", ""),
        name=said.get("name", ""),
        version=said.get("version", ""),
        summary=said.get("summary"),
        description=said.get("description"),
        description_content_type=said.get("description_content_type"),
        keywords=tuple(said.get("keywords", ())),
        home_page=said.get("home_page"),
        author=said.get("author"),
        author_email=said.get("author_email"),
        maintainer=said.get("maintainer"),
        maintainer_email=said.get("maintainer_email"),
        license=said.get("license"),
        license_expression=said.get("license_expression"),
        classifiers=tuple(said.get("classifier", ())),
        project_urls={label.strip(): url.strip() for label, _, url in pairs},
    )


def _languages(metadata: CoreMetadata) -> list[str]:
    # Two packages that add the same new languages at once do it in one order, and neither waits
    # for the other in vain.
    return sorted(languages_of(metadata.classifiers))


def _language(session: Session, name: str) -> Language:
    language = session.get(Language, name)
    if language is None:
        add_if_new(session, Language(id=name))
        language = session.get_one(Language, name)
    return language


def _license(session: Session, metadata: CoreMetadata) -> License | None:
    name = license_of(metadata.license_expression, metadata.classifiers, metadata.license)
    if name is None:
        return None
    known = session.get(License, name)
    if known is None:
        add_if_new(session, License(id=name, description=describe_license(name)))
        known = session.get_one(License, name)
    return known
