from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.documents import make_document, read
from tests.helpers.notes import yank
from tests.helpers.search import add_found, look_for, names

from packslip.accounts.models import User
from packslip.db import write_transaction
from packslip.events.operations import Actor
from packslip.packages.importing.operations import import_document
from packslip.packages.models import MaintainerRole, Package, SearchEntry
from packslip.packages.operations import remove_maintainer, set_maintainer
from packslip.packages.removal import remove_package, remove_release
from packslip.packages.search_index import index_packages, package_ids_after, reindex_packages

ACTOR = Actor("tester")


def rows_of_index(session: Session) -> list[int]:
    """How many entries, words and trigrams there are."""
    tables = ("search_entries", "search_words", "search_trigrams")
    return [session.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in tables]


def test_what_changes_in_a_package_changes_in_the_index(session: Session) -> None:
    package = add_found(session, "demo", "About apples.", requires_python=">=3.9")
    with write_transaction(session):
        package = session.get_one(Package, "demo")
        package.summary, package.requires_python = "About pears.", ">=3.12"
        index_packages(session, ["demo"])
    assert names(look_for(session, "apples")) == []
    assert names(look_for(session, "pears")) == ["demo"]
    assert names(look_for(session, python="3.11")) == []
    assert rows_of_index(session) == [1, 1, 4]


def test_yanks_and_removals_of_releases_are_seen(session: Session) -> None:
    package = add_found(session, "demo", "About apples.")
    with write_transaction(session):
        yank(session, session.get_one(Package, "demo").releases[0])
    assert names(look_for(session, yanked=True)) == ["demo"]
    with write_transaction(session):
        remove_release(session, ACTOR, session.get_one(Package, "demo").releases[0])
    (line,) = look_for(session, "demo").packages
    assert (line.version, line.latest_at, line.yanked) == (None, None, False)
    # What it was about is still known.
    assert names(look_for(session, "apples", yanked=False)) == [package.id]


def test_those_who_look_after_a_package_are_found_by_their_usernames(session: Session) -> None:
    ada, grace = make_user(session).id, make_user(session, "grace").id
    package = add_found(session, "demo")
    with write_transaction(session):
        for user, role in ((ada, MaintainerRole.OWNER), (grace, MaintainerRole.MAINTAINER)):
            set_maintainer(session, ACTOR, package, session.get_one(User, user), role)
    assert names(look_for(session, "ada")) == names(look_for(session, "grace")) == ["demo"]
    with write_transaction(session):
        remove_maintainer(session, ACTOR, package, session.get_one(User, grace))
    assert names(look_for(session, "grace")) == []


def test_an_imported_package_is_found_by_its_words_and_people(session: Session) -> None:
    document = make_document(
        "Demo", summary="About apples.", author="Ada Lovelace", keywords="pears", license="MIT"
    )
    with write_transaction(session):
        import_document(session, ACTOR, read(document))
    for words in ("apples", "pears", "lovelace", "demo"):
        assert names(look_for(session, words, license="MIT")) == ["demo"], words
    (line,) = look_for(session, "ada-lovelace").packages
    assert line.version == "1.0"
    assert line.latest_at is not None
    assert line.latest_at.year == 2010


def test_nothing_is_left_of_a_removed_package(session: Session) -> None:
    for name in ("demo", "other"):
        add_found(session, name)
    with write_transaction(session):
        remove_package(session, ACTOR, session.get_one(Package, "demo"))
    assert rows_of_index(session) == [1, 1, 5]


def test_the_index_can_be_made_anew(session: Session) -> None:
    for name in ("aaa", "bbb", "ccc"):
        add_found(session, name, "About apples.")
    before = rows_of_index(session)
    with write_transaction(session):
        session.execute(text("DELETE FROM search_trigrams"))
        session.execute(text("UPDATE search_entries SET compact = 'x'"))
    assert package_ids_after(session, "aaa") == ["bbb", "ccc"]
    with write_transaction(session):
        reindex_packages(session, package_ids_after(session, ""))
    assert rows_of_index(session) == before
    assert {entry.compact for entry in session.query(SearchEntry)} == {"aaa", "bbb", "ccc"}
    assert names(look_for(session, "apples")) == ["aaa", "bbb", "ccc"]
