from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.documents import make_document, make_file, read
from tests.helpers.notes import unyank, yank

from packslip.accounts.models import User
from packslip.db import Base, write_transaction
from packslip.events.models import Event
from packslip.events.operations import Actor
from packslip.packages.importing.operations import import_document
from packslip.packages.importing.report import Changes, Kind, Outcome
from packslip.packages.models import (
    File,
    Language,
    License,
    Maintainer,
    MaintainerRole,
    Package,
    RegisteredFilename,
    Release,
)

ACTOR = Actor("tester")
TABLES = (User, License, Language, Package, Release, File, RegisteredFilename, Maintainer, Event)


def take_in(session: Session, content: Any, owner: User | None = None) -> Changes:
    with write_transaction(session):
        return import_document(session, ACTOR, read(content), owner)


def rows(session: Session) -> dict[str, int]:
    return {model.__name__: count(session, model) for model in TABLES}


def count(session: Session, model: type[Base]) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def get_file(session: Session, filename: str) -> File:
    return session.scalars(select(File).where(File.filename == filename)).one()


def maintainers(session: Session, package_id: str) -> dict[str, str]:
    package = session.get_one(Package, package_id, populate_existing=True)
    return {maintainer.user.username: maintainer.role for maintainer in package.maintainers}


def outcomes(changes: Changes, kind: Kind) -> dict[str, Outcome]:
    return {key: outcome for (k, key), outcome in changes.outcomes.items() if k == kind}


def full_document() -> dict[str, Any]:
    return make_document(
        "Demo.Pkg",
        {
            "1.0": [
                make_file("Demo.Pkg-1.0.tar.gz", size=10, requires_python=">=3.8"),
                make_file("Demo.Pkg-1.0-py3-none-any.whl", size=20, comment_text="first"),
            ],
            "0.9": [make_file("Demo.Pkg-0.9.tar.gz", yanked=True, yanked_reason="broken")],
            "0.1-odd": [],
        },
        version="1.0",
        summary="A demo.",
        description="Long.",
        author="Jane Doe, John Roe",
        author_email="jane@example.com",
        license="MIT License",
        classifiers=["Programming Language :: Python :: 3", "Programming Language :: C"],
        package_url="https://index.example.com/project/demo-pkg/",
        home_page="https://example.com/",
    )


def test_a_document_fills_all_tables(session: Session) -> None:
    changes = take_in(session, full_document())
    assert changes.skips == []
    package = session.get_one(Package, "demo-pkg")
    assert (package.name, package.summary, package.description) == ("Demo.Pkg", "A demo.", "Long.")
    assert (package.home_page, package.package_url) == (
        "https://example.com/",
        "https://index.example.com/project/demo-pkg/",
    )
    assert (package.author_name, package.author_email) == (
        "Jane Doe, John Roe",
        "jane@example.com",
    )
    assert package.license_id == "MIT"
    assert [language.id for language in package.languages] == ["C", "Python"]
    assert [release.version for release in package.releases] == ["1.0", "0.9", "0.1-odd"]
    newest, older, odd = package.releases
    assert (newest.size, newest.comment, newest.yanked) == (30, "first", False)
    assert (newest.major_ver, newest.minor_ver, newest.build_ver) == (1, 0, 0)
    assert newest.url == "https://files.example.com/Demo.Pkg-1.0.tar.gz"
    assert newest.core_metadata["summary"] == "A demo."
    assert (older.yanked, older.yanked_reason) == (True, "broken")
    assert (odd.files, odd.core_metadata) == ([], {})
    file = get_file(session, "Demo.Pkg-1.0.tar.gz")
    assert (file.storage_key, file.url) == (
        None,
        "https://files.example.com/Demo.Pkg-1.0.tar.gz",
    )
    assert (file.packagetype, file.tags, file.requires_python) == ("sdist", "source", ">=3.8")
    assert file.uploaded_at == datetime(2010, 4, 16, 14, 30, tzinfo=UTC)
    assert maintainers(session, "demo-pkg") == {"jane": "owner", "john-roe": "owner"}
    users = session.scalars(select(User)).all()
    assert {(user.name, user.email, user.hashed_password) for user in users} == {
        ("Jane Doe", "jane@example.com", None),
        ("John Roe", None, None),
    }


def test_one_event_tells_of_the_import_and_is_the_serial(session: Session) -> None:
    take_in(session, full_document())
    package = session.get_one(Package, "demo-pkg")
    event = session.scalars(select(Event).where(Event.package_id == package.id)).one()
    assert (event.action, event.actor_name) == ("package.import", "tester")
    assert event.data["counts"]["files"] == {"added": 3, "changed": 0, "present": 0}
    assert event.data["maintainers"][0] == {"username": "jane", "role": "owner"}
    assert package.serial == event.id


def test_what_was_added_is_counted_by_kind(session: Session) -> None:
    counts = take_in(session, full_document()).counts()
    assert {kind: numbers["added"] for kind, numbers in counts.items()} == {
        "packages": 1,
        "releases": 3,
        "files": 3,
        "users": 2,
        "maintainers": 2,
        "licenses": 1,
        "languages": 2,
    }


def test_a_second_run_changes_nothing(session: Session) -> None:
    first = take_in(session, full_document())
    before = rows(session)
    stamp = session.get_one(Package, "demo-pkg").updated_at
    second = take_in(session, full_document())
    assert rows(session) == before
    assert session.get_one(Package, "demo-pkg").updated_at == stamp
    assert second.outcomes == dict.fromkeys(first.outcomes, Outcome.PRESENT)


def test_a_changed_document_changes_what_it_says_of_files_elsewhere(session: Session) -> None:
    take_in(session, make_document(summary="Old.", author_email="jane@example.com"))
    serial = session.get_one(Package, "demo").serial
    file = make_file("Demo-1.0.tar.gz", size=200, url="https://other.example.com/x", md5_digest="")
    releases = {"1.0": [file], "2.0": [make_file("Demo-2.0.tar.gz")]}
    content = make_document(
        releases=releases,
        version="2.0",
        summary="New.",
        author_email="jane@example.com, joe@example.com",
    )
    changes = take_in(session, content)
    package = session.get_one(Package, "demo")
    assert package.summary == "New."
    assert package.serial > serial
    newest, older = package.releases
    assert (older.size, older.url) == (200, "https://other.example.com/x")
    assert maintainers(session, "demo") == {"jane": "owner", "joe": "owner"}
    assert outcomes(changes, Kind.RELEASE) == {
        "demo 1.0": Outcome.CHANGED,
        "demo 2.0": Outcome.ADDED,
    }
    assert outcomes(changes, Kind.FILE) == {
        "Demo-1.0.tar.gz": Outcome.CHANGED,
        "Demo-2.0.tar.gz": Outcome.ADDED,
    }
    assert outcomes(changes, Kind.PACKAGE) == {"demo": Outcome.CHANGED}
    assert newest.size == 100


def test_bytes_never_become_others(session: Session) -> None:
    take_in(session, make_document())
    other = make_file("Demo-1.0.tar.gz", digests={"sha256": "f" * 64}, size=7)
    changes = take_in(session, make_document(releases={"1.0": [other]}))
    assert [skip.reason for skip in changes.skips] == ["other bytes are known under the name"]
    assert get_file(session, "Demo-1.0.tar.gz").size == 100


def test_digests_that_were_not_known_are_added(session: Session) -> None:
    weak = make_file("Demo-1.0.tar.gz", digests=None, md5_digest="ab" * 16)
    take_in(session, make_document(releases={"1.0": [weak]}))
    strong = weak | {"digests": {"sha256": "cd" * 32}}
    take_in(session, make_document(releases={"1.0": [strong]}))
    file = get_file(session, "Demo-1.0.tar.gz")
    assert (file.md5, file.sha256) == ("ab" * 16, "cd" * 32)


def test_what_is_held_here_is_left_as_it_is(session: Session) -> None:
    take_in(session, make_document(summary="Its own."))
    with write_transaction(session):
        get_file(session, "Demo-1.0.tar.gz").storage_key = "aa/bb/cc/Demo-1.0.tar.gz"
    file = make_file("Demo-1.0.tar.gz", size=5, requires_python=">=3.12")
    changes = take_in(session, make_document(releases={"1.0": [file]}, summary="Another's."))
    kept = get_file(session, "Demo-1.0.tar.gz")
    assert (kept.size, kept.requires_python) == (100, None)
    assert session.get_one(Package, "demo").summary == "Its own."
    assert not changes.are_any


def test_a_yank_is_taken_over_and_never_lifted(session: Session) -> None:
    plain, yanked = make_file("Demo-1.0.tar.gz"), make_file("Demo-1.0.tar.gz", yanked=True)
    take_in(session, make_document(releases={"1.0": [plain]}))
    take_in(session, make_document(releases={"1.0": [yanked | {"yanked_reason": "bad"}]}))
    release = session.scalars(select(Release)).one()
    assert (release.yanked, release.yanked_reason) == (True, "bad")
    with write_transaction(session):
        note = yank(session, session.scalars(select(Release)).one(), "ours")
    take_in(session, make_document(releases={"1.0": [plain]}))
    take_in(session, make_document(releases={"1.0": [yanked]}))
    release = session.scalars(select(Release)).one()
    assert (release.yanked, release.yanked_reason) == (True, f"ours (note {note.id}); bad")
    with write_transaction(session):
        unyank(session, release)
    assert (release.yanked, release.yanked_reason) == (True, "bad")


def test_a_name_that_was_once_taken_stays_so(session: Session) -> None:
    with write_transaction(session):
        session.add(RegisteredFilename(id="demo-1.tar.gz"))
    changes = take_in(session, make_document())
    assert [skip.reason for skip in changes.skips] == ["the name is taken"]
    assert count(session, File) == 0


def test_one_file_under_two_spellings_is_known_once(session: Session) -> None:
    files = [make_file("Demo-1.0.tar.gz"), make_file("demo-1.0.0.tar.gz")]
    changes = take_in(session, make_document(releases={"1.0": files}))
    assert [skip.name for skip in changes.skips] == ["demo-1.0.0.tar.gz"]
    assert count(session, File) == count(session, RegisteredFilename) == 1


def test_texts_are_those_of_the_described_release_however_old(session: Session) -> None:
    releases = {"1.0": [], "3.0": []}
    take_in(session, make_document(releases=releases, version="1.0", summary="Of 1.0."))
    package = session.get_one(Package, "demo")
    assert (package.summary, package.releases[1].core_metadata["summary"]) == ("Of 1.0.",) * 2


def test_a_whole_licence_as_text_becomes_its_name(session: Session) -> None:
    text = (
        "MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a "
        "copy of this software and associated documentation files"
    )
    take_in(session, make_document(license=text))
    assert session.get_one(Package, "demo").license_id == "MIT"


def test_one_address_is_one_user_in_all_packages(session: Session) -> None:
    make_user(session, "ada", email="jane@example.com")
    take_in(session, make_document("one", author="Jane", author_email="JANE@example.com"))
    changes = take_in(session, make_document("two", author="J.", author_email="jane@example.com"))
    assert maintainers(session, "one") == maintainers(session, "two") == {"ada": "owner"}
    assert outcomes(changes, Kind.USER) == {"jane@example.com": Outcome.PRESENT}
    assert count(session, User) == 1


def test_equal_names_without_address_are_different_people(session: Session) -> None:
    take_in(session, make_document("one", author="Jane Doe"))
    take_in(session, make_document("two", author="Jane Doe"))
    assert maintainers(session, "one") == {"jane-doe": "owner"}
    assert maintainers(session, "two") == {"jane-doe-2": "owner"}


def test_a_taken_username_gets_a_number(session: Session) -> None:
    make_user(session, "jane")
    make_user(session, "jane-2")
    take_in(session, make_document(author_email="jane@one.example, jane@two.example"))
    assert maintainers(session, "demo") == {"jane-3": "owner", "jane-4": "owner"}


def test_an_address_that_becomes_known_is_added_to_the_name(session: Session) -> None:
    take_in(session, make_document(author="Jane Doe"))
    take_in(session, make_document(author="Jane Doe", author_email="jane@example.com"))
    user = session.scalars(select(User)).one()
    assert (user.username, user.email) == ("jane-doe", "jane@example.com")
    event = session.scalars(select(Event).where(Event.action == "user.change")).one()
    assert event.data["before"]["email"] is None
    assert event.data["after"]["email"] == session.get_one(User, event.subject_id).email


def test_nobody_is_added_where_somebody_with_a_password_looks_after_it(session: Session) -> None:
    ada = make_user(session, "ada", hashed_password="$argon2id$")
    take_in(session, make_document(), owner=ada)
    content = make_document(author="Mallory", author_email="mallory@example.com")
    changes = take_in(session, content)
    assert maintainers(session, "demo") == {"ada": "owner"}
    assert [skip.reason for skip in changes.skips] == ["others look after the package"]
    assert count(session, User) == 1


def test_the_given_owner_owns_new_packages_beside_the_named_people(session: Session) -> None:
    ada = make_user(session, "ada", hashed_password="$argon2id$")
    take_in(session, make_document("one", author_email="jane@example.com"), owner=ada)
    assert maintainers(session, "one") == {"ada": "owner", "jane": "owner"}
    content = make_document("two", maintainer_email="joe@example.com", author_email=ada.email)
    take_in(session, content, owner=ada)
    assert maintainers(session, "two") == {"ada": "owner", "joe": "owner"}
    take_in(session, make_document("three"))
    take_in(session, make_document("three"), owner=ada)
    assert maintainers(session, "three") == {}


def test_roles_that_were_given_here_stay(session: Session) -> None:
    content = make_document(author_email="jane@example.com")
    take_in(session, content)
    with write_transaction(session):
        session.scalars(select(Maintainer)).one().role = MaintainerRole.MAINTAINER
    take_in(session, content)
    assert maintainers(session, "demo") == {"jane": "maintainer"}


def test_people_whose_address_accounts_refuse_are_skipped(session: Session) -> None:
    changes = take_in(session, make_document(author="Jane", author_email="jane\\@example.com"))
    assert [(skip.name, skip.reason) for skip in changes.skips] == [
        ("Jane", "not a user's name or address")
    ]
    assert count(session, User) == count(session, Maintainer) == 0


def test_the_oddest_values_are_stored(session: Session) -> None:
    file = make_file(
        "Demo-1.0.tar.gz",
        size=2**70,
        upload_time="9999-12-31T23:59:59.999999",
        comment_text="\0\ud800",
        packagetype="x" * 100,
        requires_python="nonsense",
        url="javascript:1",
    )
    versions = {"1.0": [file], "9" * 150: [], "1!0": [], "0.0.0.dev1+local.1": [], "~": []}
    content = make_document(
        releases=versions,
        author="\0\ud83d" * 500,
        author_email="\udfff@example.com",
        summary="\0" + "s" * 5000,
        description="\0\ud800",
        license="x\0y" * 5000,
        classifiers=["Programming Language :: " + "x" * 5000],
        keywords="\ud800, b",
        requires_dist=["\0", "a"],
    )
    changes = take_in(session, content)
    assert outcomes(changes, Kind.PACKAGE) == {"demo": Outcome.ADDED}
    assert count(session, Release) == 5
    assert not take_in(session, content).are_any
