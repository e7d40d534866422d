"""The tables: their keys, indexes and relationships."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from packaging.version import Version
from sqlalchemy import Table, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from packslip import all_models as models
from packslip.db import Base
from packslip.packages.versions import sort_key

TABLES = Base.metadata.tables


def primary_key(table: str) -> list[str]:
    return [column.name for column in TABLES[table].primary_key]


def foreign_keys(table: str) -> dict[str, str]:
    return {key.parent.name: key.target_fullname for key in TABLES[table].foreign_keys}


def indexed(table: str) -> set[str]:
    """Columns that an index of their own finds."""
    return {
        next(iter(index.columns)).name for index in TABLES[table].indexes if len(index.columns) == 1
    }


def test_every_model_is_named_once_in_alphabetical_order() -> None:
    names = [name for name in models.__all__ if name != "Base"]
    assert names == sorted(set(names))
    mapped = {mapper.class_.__name__ for mapper in Base.registry.mappers}
    assert mapped == set(names)


@pytest.mark.parametrize(
    "table",
    # The rows of `package_languages` are written together with what they link.
    [table for table in TABLES.values() if table.name != "package_languages"],
    ids=lambda table: table.name,
)
def test_every_table_has_an_indexed_moment_of_creation_set_by_the_database(table: Table) -> None:
    assert table.name == table.name.lower()
    assert table.c.created_at.server_default is not None
    assert not table.c.created_at.nullable
    assert "created_at" in indexed(table.name)


def test_users() -> None:
    users = TABLES["users"]
    assert primary_key("users") == ["id"]
    assert users.c.id.autoincrement
    assert not users.c.username.nullable
    assert users.c.username.type.length == 80
    assert {"email", "last_login", "created_at"} <= indexed("users")
    assert {"hashed_password", "profile_image_url", "name", "updated_at"} <= set(users.c.keys())


@pytest.mark.parametrize("column", ["username", "email"])
def test_a_user_has_a_username_and_address_of_their_own(session: Session, column: str) -> None:
    session.add(models.User(**{"username": "ada", column: "same"}))
    session.flush()
    session.add(models.User(**{"username": "grace", column: "same"}))
    with pytest.raises(IntegrityError):
        session.flush()


def test_a_user_needs_a_username(session: Session) -> None:
    session.add(models.User())
    with pytest.raises(IntegrityError):
        session.flush()


def test_packages() -> None:
    packages = TABLES["packages"]
    assert primary_key("packages") == ["id"]
    assert packages.c.id.type.python_type is str
    assert foreign_keys("packages") == {"license_id": "licenses.id"}
    assert {"created_at", "author_email", "license_id"} <= indexed("packages")
    assert {
        "updated_at", "summary", "description", "home_page", "docs_url", "package_url",
        "author_name",
    } <= set(packages.c.keys())  # fmt: skip


def test_releases() -> None:
    releases = TABLES["releases"]
    assert primary_key("releases") == ["id"]
    assert foreign_keys("releases") == {"package_id": "packages.id"}
    assert {"major_ver", "minor_ver", "build_ver", "created_at"} <= indexed("releases")
    assert {"comment", "url", "size"} <= set(releases.c.keys())


def test_downloads_are_found_by_package_and_by_release() -> None:
    assert primary_key("downloads") == ["id"]
    assert {"package_id", "release_id", "created_at"} <= indexed("downloads")
    assert {"ip_address", "user_agent"} <= set(TABLES["downloads"].c.keys())


@pytest.mark.parametrize("table", ["licenses", "languages"])
def test_licences_and_languages_are_keyed_by_their_name(table: str) -> None:
    assert primary_key(table) == ["id"]
    assert TABLES[table].c.id.type.python_type is str
    assert {"created_at", "description"} <= set(TABLES[table].c.keys())


def test_maintainers_link_users_and_packages_by_two_keys_that_are_one() -> None:
    assert primary_key("maintainers") == ["user_id", "package_id"]
    assert foreign_keys("maintainers") == {"user_id": "users.id", "package_id": "packages.id"}


def test_many_users_look_after_many_packages(session: Session) -> None:
    users = [models.User(username=name) for name in ("ada", "grace")]
    packages = [models.Package(id=name, name=name) for name in ("one", "two")]
    session.add_all(
        models.Maintainer(user=user, package=package) for user in users for package in packages
    )
    session.commit()
    for package in packages:
        assert {maintainer.user.username for maintainer in package.maintainers} == {"ada", "grace"}
    twice = models.Maintainer(user_id=users[0].id, package_id="one")
    session.expunge_all()
    session.add(twice)
    with pytest.raises(IntegrityError):
        session.flush()


def test_a_user_owns_many_notes_and_a_note_has_its_author(session: Session) -> None:
    ada = models.User(username="ada")
    session.add_all([models.Note(title=title, author=ada) for title in ("first", "second")])
    session.commit()
    session.expire_all()
    assert {note.title for note in ada.notes} == {"first", "second"}
    assert {note.author.username for note in session.scalars(select(models.Note))} == {"ada"}


def test_a_note_needs_an_author_and_a_title(session: Session) -> None:
    notes = TABLES["notes"]
    assert foreign_keys("notes")["user_id"] == "users.id"
    assert notes.c.title.type.length == 200
    assert not notes.c.title.nullable
    session.add(models.Note(title="nobody wrote this"))
    with pytest.raises(IntegrityError):
        session.flush()


def test_a_changed_note_keeps_its_moment_of_creation(session: Session) -> None:
    note = models.Note(title="first", author=models.User(username="ada"))
    session.add(note)
    session.commit()
    created_at, updated_at = note.created_at, note.updated_at
    assert abs(created_at - updated_at) < timedelta(seconds=5)
    while note.updated_at <= updated_at:  # SQLite's clock has milliseconds.
        note.title += "."
        session.commit()
    assert note.created_at == created_at


def test_releases_stand_newest_first_in_the_order_of_pep_440(session: Session) -> None:
    versions = [
        "1.0.dev1", "1.0a1", "1.0a1.post1", "1.0b2", "1.0rc1", "1.0", "1.0+corp.1", "1.0.post1",
        "1.2", "1.9", "1.10", "2.0.0", "10.0", "2024.1", "1!0.1",
    ]  # fmt: skip
    assert versions == sorted(versions, key=Version)
    shuffled = random.Random(7).sample(versions, len(versions))
    package = models.Package(id="demo", name="demo")
    package.releases = [
        models.Release(version=version, canonical_version=version, sort_key=sort_key(version))
        for version in shuffled
    ]
    session.add(package)
    session.commit()
    session.expire_all()
    assert [release.version for release in package.releases] == versions[::-1]


def test_relationships_point_both_ways_between_a_package_and_what_it_holds() -> None:
    package = inspect(models.Package).relationships
    assert {"releases", "license", "languages", "maintainers"} <= set(package.keys())
    assert "package" in inspect(models.Release).relationships
