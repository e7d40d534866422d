import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.packages import add_releases

from packslip.db import write_transaction
from packslip.packages import queries
from packslip.packages.models import Maintainer, MaintainerRole, Release


@pytest.mark.parametrize("name", ["Zope.Interface", "zope-interface", "ZOPE__INTERFACE"])
def test_a_package_is_found_however_it_is_spelt(session: Session, name: str) -> None:
    package = add_releases(session, "zope.interface")
    assert queries.get_package(session, name) is package


def test_an_unknown_package_is_told_as_it_was_asked(session: Session) -> None:
    with pytest.raises(queries.UnknownPackageError, match=r"'No\.Such'"):
        queries.get_package(session, "No.Such")


@pytest.mark.parametrize("version", ["1.0", "1", "1.0.0", "v1.0"])
def test_a_release_is_found_however_its_version_is_written(session: Session, version: str) -> None:
    package = add_releases(session, "a", {"1.0": [], "1.0.1": []})
    assert queries.get_release(session, package, version).version == "1.0"


@pytest.mark.parametrize("version", ["2.0", "1.0.2", "nonsense", "", "9" * 5000])
def test_an_unknown_release_is_told(session: Session, version: str) -> None:
    package = add_releases(session, "a", {"1.0": []})
    with pytest.raises(queries.UnknownReleaseError):
        queries.get_release(session, package, version)


def test_a_file_of_another_package_is_unknown(session: Session) -> None:
    a = add_releases(session, "a", {"1.0": ["a-1.0.tar.gz"]})
    b = add_releases(session, "b", {"1.0": ["b-1.0.tar.gz"]})
    assert queries.get_file(session, a, "a-1.0.tar.gz").release.package is a
    with pytest.raises(queries.UnknownFileError):
        queries.get_file(session, b, "a-1.0.tar.gz")


def latest(*versions: str) -> str | None:
    """The version that is chosen of these; a `!` in front of one marks it as yanked."""
    releases = [
        Release(
            version=version.strip("!"),
            sort_key=f"{Version(version.strip('!')).major:03}{'a' if 'a' in version else 'f'}",
            is_prerelease="a" in version,
            yanked=version.startswith("!"),
        )
        for version in versions
    ]
    found = queries.package_latest_release(releases)
    return None if found is None else found.version


def test_the_latest_release_is_the_highest_usable_one() -> None:
    assert latest() is None
    assert latest("1.0", "10.0", "9.0") == "10.0"
    assert latest("1.0", "2.0a1") == "1.0"
    assert latest("1.0", "!2.0") == "1.0"
    assert latest("1.0a1", "2.0a1") == "2.0a1"
    assert latest("!1.0", "2.0a1") == "2.0a1"
    assert latest("!1.0", "!2.0a1") == "1.0"


@given(st.permutations(["1.0", "!3.0", "2.0a1", "0.9"]))
def test_the_order_of_the_releases_does_not_matter(versions: list[str]) -> None:
    assert latest(*versions) == "1.0"


def test_packages_are_listed_by_name_with_their_releases(session: Session) -> None:
    add_releases(session, "Zebra", {"1.0": ["zebra-1.0.tar.gz"]})
    add_releases(session, "ant", {"1.0": [], "2.0": []})
    session.expunge_all()
    packages = queries.list_packages(session)
    assert [package.name for package in packages] == ["ant", "Zebra"]
    assert [release.version for release in packages[0].releases] == ["2.0", "1.0"]
    assert packages[1].releases[0].files[0].filename == "zebra-1.0.tar.gz"


def test_owners_are_listed_before_maintainers(session: Session) -> None:
    package = add_releases(session, "a")
    people = {"cy": "owner", "ada": "maintainer", "bob": "owner"}
    for username, role in people.items():
        user = make_user(session, username)
        with write_transaction(session):
            session.add(Maintainer(user=user, package=package, role=MaintainerRole(role)))
    listed = queries.list_maintainers(session, package)
    assert [m.user.username for m in listed] == ["bob", "cy", "ada"]
