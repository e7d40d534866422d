from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.notes import unyank, yank
from tests.helpers.packages import add_file, add_package, add_release

from packslip.db import write_transaction
from packslip.events.operations import Actor
from packslip.packages.latest import refresh_texts
from packslip.packages.models import Language, License, Package
from packslip.packages.removal import remove_release


def refresh(session: Session, package: Package) -> Package:
    with write_transaction(session):
        refresh_texts(session, session.get_one(Package, package.id))
    return session.get_one(Package, package.id)


def add(session: Session, package: Package, version: str, **values: Any) -> None:
    said = {"name": package.name, "version": version, "summary": f"Summary of {version}."}
    add_release(session, package, version, core_metadata=said, **values)


def test_a_package_has_the_texts_of_its_latest_release(session: Session) -> None:
    package = add_package(session, "demo")
    said = {
        "metadata_version": "2.4",
        "name": "Demo",
        "version": "1.0",
        "summary": "A demo.",
        "description": "# Demo",
        "description_content_type": "text/markdown",
        "author_email": "Ada Lovelace <ada@example.com>",
        "license_expression": "MIT OR Apache-2.0",
        "classifier": ["Programming Language :: Rust", "Programming Language :: Python :: 3"],
        "project_url": ["Homepage, https://example.com/,demo", "Docs,https://example.com/docs"],
    }
    add_release(session, package, "1.0", core_metadata=said)
    package = refresh(session, package)
    assert (package.name, package.summary, package.description) == ("Demo", "A demo.", "# Demo")
    assert package.description_content_type == "text/markdown"
    assert (package.author_name, package.author_email) == ("Ada Lovelace", "ada@example.com")
    assert package.home_page == "https://example.com/,demo"
    assert package.docs_url == "https://example.com/docs"
    assert package.license_id == "MIT OR Apache-2.0"
    assert [language.id for language in package.languages] == ["Python", "Rust"]


def test_prereleases_and_yanked_releases_speak_only_when_there_is_no_other(
    session: Session,
) -> None:
    package = add_package(session, "demo")
    add(session, package, "3.0", yanked=True)
    assert refresh(session, package).summary == "Summary of 3.0."
    add(session, package, "2.0rc1")
    assert refresh(session, package).summary == "Summary of 2.0rc1."
    add(session, package, "1.0")
    assert refresh(session, package).summary == "Summary of 1.0."
    add(session, package, "1.10")
    assert refresh(session, package).summary == "Summary of 1.10."


def test_what_the_latest_release_no_longer_says_is_gone(session: Session) -> None:
    package = add_package(
        session, "demo", home_page="https://example.com", author_name="Ada", description="Old."
    )
    with write_transaction(session):
        package = session.get_one(Package, "demo")
        package.license = License(id="MIT")
        package.languages = [Language(id="C")]
    add(session, package, "1.0")
    package = refresh(session, package)
    assert (package.home_page, package.author_name, package.description) == (None, None, "")
    assert (package.license, package.languages) == (None, [])
    assert session.scalars(select(License.id)).all() == ["MIT"]


def test_a_package_tells_which_release_is_its_latest_and_when_it_came(session: Session) -> None:
    package = add_package(session, "demo")
    assert (package.latest_version, package.latest_at) == (None, None)
    add(session, package, "1.0")
    # Without metadata it has nothing to say, and is the latest all the same.
    release = add_release(session, package, "2.0", core_metadata={})
    package = refresh(session, package)
    assert (package.latest_version, package.latest_at) == ("2.0", release.created_at)
    assert (package.latest_yanked, package.requires_python) == (False, None)
    first, second = (datetime(2020, 1, day, tzinfo=UTC) for day in (1, 2))
    add_file(session, release, "demo-2.0.tar.gz", uploaded_at=second, requires_python=">=3.8")
    add_file(session, release, "demo-2.0-py3-none-any.whl", uploaded_at=first)
    package = refresh(session, package)
    assert (package.latest_at, package.requires_python) == (first, ">=3.8")
    with write_transaction(session):
        for one in package.releases:
            yank(session, one)
    package = session.get_one(Package, "demo")
    assert (package.latest_version, package.latest_yanked) == ("2.0", True)


def test_keywords_and_people_are_kept_as_the_metadata_names_them(session: Session) -> None:
    package = add_package(session, "demo")
    said = {"name": "demo", "keywords": ["a", "b c"], "author": "Ada", "maintainer": "Grace"}
    add_release(session, package, core_metadata=said)
    package = refresh(session, package)
    assert (package.keywords, package.people) == ("a, b c", "Ada, Grace")


def test_a_package_without_releases_stays_as_it_is(session: Session) -> None:
    package = add_package(session, "demo", summary="Kept.")
    assert refresh(session, package).summary == "Kept."


def test_a_known_licence_and_a_known_language_are_taken(session: Session) -> None:
    for name in ("demo", "other"):
        package = add_package(session, name)
        said = {"license": "MIT License", "classifier": ["Programming Language :: Python"]}
        add_release(session, package, "1.0", core_metadata=said)
        refresh(session, package)
    license_ = session.scalars(select(License)).one()
    assert (license_.id, license_.description) == ("MIT", "MIT License")
    assert session.scalars(select(Language.id)).all() == ["Python"]


def test_a_yank_and_a_removal_let_another_release_speak(session: Session) -> None:
    package = add_package(session, "demo")
    for version in ("1.0", "2.0", "3.0"):
        add(session, package, version)
    releases = {release.version: release for release in package.releases}
    with write_transaction(session):
        yank(session, releases["3.0"])
    assert session.get_one(Package, "demo").summary == "Summary of 2.0."
    with write_transaction(session):
        remove_release(session, Actor.command(), releases["2.0"])
    assert session.get_one(Package, "demo").summary == "Summary of 1.0."
    with write_transaction(session):
        unyank(session, releases["3.0"])
    assert session.get_one(Package, "demo").summary == "Summary of 3.0."


def test_releases_without_metadata_have_nothing_to_say(session: Session) -> None:
    package = add_package(session, "demo")
    add(session, package, "1.0")
    add_release(session, package, "2.0", core_metadata={})
    assert refresh(session, package).summary == "Summary of 1.0."
