from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.packages import add_releases

from packslip.db import Base, write_transaction
from packslip.events.models import Event
from packslip.packages import queries, removal
from packslip.packages.models import (
    File,
    Language,
    Maintainer,
    Origin,
    Package,
    RegisteredFilename,
    Release,
)
from packslip.storage.protocol import kept_metadata_key


def count(session: Session, model: type[Base]) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def events_of(session: Session, package_id: str) -> list[Event]:
    statement = select(Event).where(Event.package_id == package_id).order_by(Event.id)
    return list(session.scalars(statement))


def names(keys: list[str]) -> list[str]:
    return sorted(key.rpartition("/")[2] for key in keys)


def test_a_package_goes_with_all_that_it_has(session: Session) -> None:
    releases = {"1.0": ["a-1.0.tar.gz", "a-1.0.zip"], "2.0": ["a-2.0.tar.gz"]}
    package = add_releases(session, "a", releases, owner=make_user(session))
    add_releases(session, "b", {"1.0": ["b-1.0.tar.gz"]})
    with write_transaction(session):
        package.languages.append(Language(id="Python"))
        session.add(RegisteredFilename(id="a-1.0.tar.gz"))
    with write_transaction(session):
        keys = removal.remove_package(session, ACTOR, package)
    assert names(keys) == ["a-1.0.tar.gz", "a-1.0.zip", "a-2.0.tar.gz"]
    assert session.scalars(select(Package.id)).all() == ["b"]
    assert session.scalars(select(File.filename)).all() == ["b-1.0.tar.gz"]
    assert (count(session, Release), count(session, Maintainer)) == (1, 0)
    assert count(session, RegisteredFilename) == 1
    (event,) = events_of(session, "a")
    assert event.action == "package.remove"
    assert sorted(event.data["versions"]) == ["1.0", "2.0"]
    assert event.data["maintainers"] == [{"username": "ada", "role": "owner"}]


def test_a_release_goes_and_the_package_stays(session: Session) -> None:
    user = make_user(session)
    package = add_releases(session, "a", {"1.0": ["a-1.0.tar.gz"]}, owner=user)
    with write_transaction(session):
        keys = removal.remove_release(session, ACTOR, package.releases[0])
    assert names(keys) == ["a-1.0.tar.gz"]
    assert package.releases == []
    assert queries.find_maintainer(session, "a", user) is not None
    (event,) = events_of(session, "a")
    assert (event.action, event.id) == ("release.remove", package.serial)


def test_a_file_goes_and_its_release_shrinks(session: Session) -> None:
    package = add_releases(session, "a", {"1.0": ["a-1.0.tar.gz", "a-1.0.zip"]})
    with write_transaction(session):
        file = queries.get_file(session, package, "a-1.0.zip")
        keys = removal.remove_file(session, ACTOR, file)
    assert names(keys) == ["a-1.0.zip"]
    (release,) = package.releases
    assert [file.filename for file in release.files] == ["a-1.0.tar.gz"]
    assert release.size == 1234
    (event,) = events_of(session, "a")
    assert (event.action, event.id) == ("file.remove", package.serial)
    assert event.data["filename"] == "a-1.0.zip"


def test_with_its_last_file_a_release_goes_too(session: Session) -> None:
    package = add_releases(session, "a", {"1.0": ["a-1.0.zip"], "2.0": []})
    with write_transaction(session):
        file = queries.get_file(session, package, "a-1.0.zip")
        keys = removal.remove_file(session, ACTOR, file)
    assert names(keys) == ["a-1.0.zip"]
    assert [release.version for release in package.releases] == ["2.0"]
    actions = [event.action for event in events_of(session, "a")]
    assert actions == ["file.remove", "release.remove"]


def test_bytes_that_were_never_held_have_no_key(session: Session) -> None:
    package = add_releases(session, "a", {"1.0": ["a-1.0.zip"]})
    with write_transaction(session):
        package.releases[0].files[0].storage_key = None
    with write_transaction(session):
        assert removal.remove_package(session, ACTOR, package) == []


def test_kept_metadata_goes_with_its_file(session: Session) -> None:
    package = add_releases(session, "a", {"1.0": ["a-1.0.zip"]})
    file = queries.get_file(session, package, "a-1.0.zip")
    with write_transaction(session):
        file.metadata_sha256 = "0" * 64
    key = file.storage_key
    with write_transaction(session):
        assert removal.remove_file(session, ACTOR, file) == [key, f"{key}.metadata"]


def test_metadata_of_a_mirrored_file_goes_with_it_though_its_bytes_are_not_here(
    session: Session,
) -> None:
    package = add_releases(session, "a", {"1.0": ["a-1.0.zip"]})
    with write_transaction(session):
        package.origin = Origin.MIRRORED
        (file,) = package.releases[0].files
        file.storage_key, file.metadata_sha256 = None, "0" * 64
    with write_transaction(session):
        assert removal.remove_package(session, ACTOR, package) == [
            kept_metadata_key("0" * 64, "a-1.0.zip")
        ]
