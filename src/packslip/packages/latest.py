"""What a package says about itself: the texts of its latest release."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from packslip.db import add_if_new
from packslip.packages.languages import languages_of
from packslip.packages.licenses import describe_license, license_of
from packslip.packages.metadata import CoreMetadata
from packslip.packages.models import Language, License, Package
from packslip.packages.people import author_of
from packslip.packages.project_urls import docs_url, home_page
from packslip.packages.queries import latest_described_release
from packslip.packages.requirements import note_requirements


def refresh_texts(session: Session, package: Package) -> None:
    """Give the package the texts, author, licence, languages and addresses of its latest release.

    What that requires is kept too. Call it after each change to the package's releases. Releases
    without metadata do not count, and a package without any other keeps its texts.
    """
    latest = latest_described_release(session, package.id)
    said = {} if latest is None else latest.core_metadata
    note_requirements(session, package, said.get("requires_dist", ()))
    if latest is None:
        return
    metadata = _from_json(said)
    package.name = metadata.name or package.name
    package.summary = metadata.summary or ""
    package.description = metadata.description or ""
    package.description_content_type = metadata.description_content_type
    package.home_page = home_page(metadata)
    package.docs_url = docs_url(metadata)
    package.author_name, package.author_email = author_of(metadata)
    package.license = _license(session, metadata)
    package.languages = [_language(session, name) for name in _languages(metadata)]
    session.flush()


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
