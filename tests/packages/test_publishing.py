"""Publishing: who may, and what becomes of a distribution."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from packaging.utils import canonicalize_name
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_token, make_user
from tests.helpers.distributions import build_sdist, build_wheel
from tests.helpers.publishing import COMMAND, count_rows, put, read_all, staged, stored, upload

from packslip.accounts.access import TokenPackagesError
from packslip.accounts.identity import Identity, WrongCredentialsError
from packslip.accounts.operations import revoke_token
from packslip.db import write_transaction
from packslip.events.models import Event
from packslip.packages.access import NotMaintainerError
from packslip.packages.digests import digests_of
from packslip.packages.effects import apply_acts
from packslip.packages.free_names import LookalikeNameError, ReservedNameError
from packslip.packages.models import (
    File,
    Maintainer,
    Package,
    RegisteredFilename,
    Release,
)
from packslip.packages.publishing import (
    ClosedPackageError,
    FilenameTakenError,
    FilenameUsedError,
    SecondSourceError,
    publication,
    publish_upload,
)
from packslip.packages.removal import remove_file
from packslip.storage.protocol import Storage
from packslip.web.context import current_storage


@pytest.fixture
def storage(app: Flask) -> Storage:
    return current_storage()


def test_a_published_file_has_all_that_the_index_tells_of_it(
    session: Session, storage: Storage, tmp_path: Path
) -> None:
    ada = make_user(session)
    path = build_wheel(tmp_path, "Demo", "1.2.3rc1", tags="cp311-abi3-any", requires_python=">=3.9")
    before = datetime.now(UTC)
    file = upload(session, storage, ada, path, "First words.").file
    digests = digests_of(path)
    assert (file.filename, file.packagetype, file.tags) == (
        "demo-1.2.3rc1-cp311-abi3-any.whl",
        "bdist_wheel",
        "cp311-abi3-any",
    )
    assert (file.size, file.requires_python) == (path.stat().st_size, ">=3.9")
    assert (file.sha256, file.md5, file.blake2_256) == (
        digests.sha256,
        digests.md5,
        digests.blake2_256,
    )
    assert before <= file.uploaded_at <= before + timedelta(minutes=1)
    assert file.uploader == ada
    assert file.storage_key == (
        f"{digests.sha256[:2]}/{digests.sha256[2:4]}/{digests.sha256[4:]}/{path.name}"
    )
    assert read_all(storage, file.storage_key) == path.read_bytes()
    metadata = read_all(storage, f"{file.storage_key}.metadata")
    assert b"Requires-python: >=3.9" in metadata
    assert file.metadata_is_static
    release = file.release
    assert (release.version, release.canonical_version) == ("1.2.3rc1", "1.2.3rc1")
    assert (release.major_ver, release.minor_ver, release.build_ver) == (1, 2, 3)
    assert (release.is_prerelease, release.size) == (True, file.size)
    assert release.comment == "First words."
    assert release.core_metadata["requires_python"] == ">=3.9"
    package = release.package
    assert (package.id, package.name, package.status) == ("demo", "Demo", "active")
    assert [(one.user, one.role) for one in package.maintainers] == [(ada, "owner")]
    assert session.get(RegisteredFilename, "demo-1.2.3rc1-cp311-abi3-any.whl") is not None


def test_a_source_distribution_is_static_only_when_its_metadata_says_so(
    session: Session, storage: Storage, tmp_path: Path
) -> None:
    cases = {"1.0": ("2.1", []), "2.0": ("2.2", []), "3.0": ("2.2", ["Requires-Dist"])}
    for version, (metadata_version, dynamic) in cases.items():
        path = build_sdist(
            tmp_path, "demo", version, metadata_version=metadata_version, dynamic=dynamic
        )
        file = put(session, storage, path).file
        assert file.metadata_is_static == (version == "2.0")
        assert file.metadata_sha256 is not None


def test_events_tell_what_happened_and_the_last_one_is_the_serial(
    session: Session, storage: Storage, tmp_path: Path
) -> None:
    ada = make_user(session)
    token, _ = make_token(session, ada)
    file = upload(session, storage, Identity(ada, token), build_wheel(tmp_path, "demo", "1.0")).file
    events = session.scalars(select(Event).where(Event.package_id == "demo").order_by(Event.id))
    told = [(one.action, one.actor_name, one.token_id, one.ip_address) for one in events]
    assert told == [
        (action, "ada", token.id, "127.0.0.1")
        for action in ("package.create", "release.create", "file.upload")
    ]
    assert file.release.package.serial == session.scalar(select(func.max(Event.id)))


def test_the_same_bytes_again_change_nothing(
    session: Session, storage: Storage, tmp_path: Path
) -> None:
    ada = make_user(session)
    path = build_sdist(tmp_path, "demo", "1.0")
    first = upload(session, storage, ada, path)
    rows = count_rows(session)
    again = upload(session, storage, ada, path)
    assert (first.created, again.created) == (True, False)
    assert again.file.id == first.file.id
    assert count_rows(session) == rows


def test_the_same_bytes_under_another_spelling_are_the_same_file(
    session: Session, storage: Storage, tmp_path: Path
) -> None:
    ada = make_user(session)
    path = build_sdist(tmp_path, "demo", "1.0")
    first = upload(session, storage, ada, path)
    other = path.rename(tmp_path / "Demo-1.0.0.tar.gz")
    assert upload(session, storage, ada, other).file.id == first.file.id


def test_other_bytes_under_any_spelling_of_a_name_are_refused(
    app: Flask, session: Session, storage: Storage, tmp_path: Path
) -> None:
    ada = make_user(session)
    file = upload(session, storage, ada, build_sdist(tmp_path, "demo", "1.0")).file
    before = stored(app)
    for filename in ("demo-1.0.tar.gz", "Demo-1.0.0.tar.gz"):
        other = build_sdist(tmp_path, "demo", "1.0", filename=filename, summary="Other.")
        with pytest.raises(FilenameTakenError) as caught:
            upload(session, storage, ada, other)
        assert caught.value.reason.startswith(f"File already exists: {filename}")
    assert stored(app) == before
    session.refresh(file)
    assert file.sha256 != digests_of(other).sha256


def test_the_name_of_a_removed_file_stays_taken(
    app: Flask, session: Session, storage: Storage, tmp_path: Path
) -> None:
    ada = make_user(session)
    path = build_wheel(tmp_path, "demo", "1.0")
    file = upload(session, storage, ada, path).file
    with write_transaction(session):
        keys = remove_file(session, COMMAND, session.get_one(File, file.id))
    for key in keys:
        storage.delete(key)
    with pytest.raises(FilenameUsedError, match=r"demo-1\.0-py3-none-any\.whl was used before"):
        upload(session, storage, ada, path)
    assert stored(app) == []


def test_versions_that_are_equal_are_one_release(
    session: Session, storage: Storage, tmp_path: Path
) -> None:
    ada = make_user(session)
    first = build_wheel(tmp_path, "demo", "1.0")
    second = build_wheel(tmp_path, "demo", "1.0.0", tags="py2-none-any")
    upload(session, storage, ada, first)
    release = upload(session, storage, ada, second).file.release
    assert release.version == "1.0"
    assert [file.filename for file in release.files] == [first.name, second.name]
    assert release.size == first.stat().st_size + second.stat().st_size


def test_a_second_source_distribution_is_refused_unless_the_operator_adds_it(
    session: Session, storage: Storage, tmp_path: Path
) -> None:
    ada = make_user(session)
    upload(session, storage, ada, build_sdist(tmp_path, "demo", "1.0"))
    second = build_sdist(tmp_path, "demo", "1.0", filename="demo-1.0.zip")
    with pytest.raises(SecondSourceError, match=r"demo-1\.0\.zip .* beside demo-1\.0\.tar\.gz"):
        upload(session, storage, ada, second)
    assert put(session, storage, second).created


def test_the_metadata_of_a_wheel_replaces_that_of_a_source_distribution_once(
    session: Session, storage: Storage, tmp_path: Path
) -> None:
    ada = make_user(session)
    summaries = []
    for path in (
        build_sdist(tmp_path, "demo", "1.0", summary="source"),
        build_wheel(tmp_path, "demo", "1.0", summary="wheel"),
        build_wheel(tmp_path, "demo", "1.0", tags="py2-none-any", summary="second wheel"),
    ):
        release = upload(session, storage, ada, path).file.release
        summaries.append(release.core_metadata["summary"])
        assert release.package.summary == summaries[-1]
    assert summaries == ["source", "wheel", "wheel"]


def test_new_packages_may_not_have_the_name_of_a_standard_module(
    app: Flask, session: Session, storage: Storage, tmp_path: Path
) -> None:
    ada = make_user(session)
    path = build_wheel(tmp_path, "Concurrent", "1.0")
    with pytest.raises(ReservedNameError, match="'Concurrent' is not free"):
        upload(session, storage, ada, path)
    assert session.get(Package, "concurrent") is None
    assert put(session, storage, path, user_id=ada.id).created
    assert upload(session, storage, ada, build_wheel(tmp_path, "concurrent", "2.0")).created


def test_new_packages_may_not_look_like_another_one(
    session: Session, storage: Storage, tmp_path: Path
) -> None:
    ada, grace = make_user(session), make_user(session, "grace")
    upload(session, storage, ada, build_wheel(tmp_path, "Lib.Tool-10", "1.0"))
    for name in ("1ib-tool-10", "LIB_T0OL_1O", "iib-tooi-i0", "lib-tool-lo"):
        for user in (ada, grace):
            with pytest.raises(LookalikeNameError, match="it looks like 'lib-tool-10'"):
                upload(session, storage, user, build_wheel(tmp_path, name, "1.0"))
        assert session.get(Package, canonicalize_name(name)) is None
    for name in ("lib-tool-11a", "libtool10", "lib-tool-100", "lib-tool", "lib-tool-20"):
        assert upload(session, storage, grace, build_wheel(tmp_path, name, "1.0")).created
    assert upload(session, storage, ada, build_wheel(tmp_path, "lib-tool-10", "2.0")).created
    assert put(session, storage, build_wheel(tmp_path, "l1b-tool-10", "1.0")).created


def test_the_operator_publishes_into_any_package(
    session: Session, storage: Storage, tmp_path: Path
) -> None:
    ada, grace = make_user(session), make_user(session, "grace")
    when = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    path = build_wheel(tmp_path, "demo", "1.0")
    file = put(session, storage, path, user_id=ada.id, uploaded_at=when).file
    assert (file.uploaded_at, file.uploader) == (when, ada)
    put(session, storage, build_wheel(tmp_path, "demo", "2.0"), user_id=grace.id)
    put(session, storage, build_wheel(tmp_path, "demo", "3.0"))
    assert [one.user for one in session.scalars(select(Maintainer))] == [ada]


def test_others_may_not_upload(session: Session, storage: Storage, tmp_path: Path) -> None:
    ada, grace = make_user(session), make_user(session, "grace")
    upload(session, storage, ada, build_wheel(tmp_path, "demo", "1.0"))
    with pytest.raises(NotMaintainerError):
        upload(session, storage, grace, build_wheel(tmp_path, "demo", "2.0"))
    assert session.scalars(select(Release.version)).all() == ["1.0"]


def test_a_token_for_other_packages_makes_no_new_one(
    app: Flask, session: Session, storage: Storage, tmp_path: Path
) -> None:
    ada = make_user(session)
    token, _ = make_token(session, ada, packages=["other"])
    with pytest.raises(TokenPackagesError):
        upload(session, storage, Identity(ada, token), build_wheel(tmp_path, "demo", "1.0"))
    assert session.get(Package, "demo") is None
    assert stored(app) == []


def test_a_token_that_is_revoked_while_the_file_arrives_publishes_nothing(
    session: Session, storage: Storage, tmp_path: Path
) -> None:
    ada = make_user(session)
    token, _ = make_token(session, ada)
    identity = Identity(ada, token)
    actor = identity.actor(None)
    with write_transaction(session):
        revoke_token(session, COMMAND, token)
    with (
        staged(storage, build_wheel(tmp_path, "demo", "1.0")) as distribution,
        pytest.raises(WrongCredentialsError),
        publication(session, storage, distribution),
    ):
        publish_upload(session, storage, identity, actor, distribution)
    assert session.get(Package, "demo") is None


@pytest.mark.parametrize("status", ["archived", "quarantined"])
def test_closed_packages_take_no_files(
    session: Session, storage: Storage, tmp_path: Path, status: str
) -> None:
    ada = make_user(session)
    upload(session, storage, ada, build_wheel(tmp_path, "demo", "1.0"))
    with write_transaction(session):
        package = session.get_one(Package, "demo")
        package.upstream_status, package.upstream_status_reason = status, "Use other."
        apply_acts(session, package)
    path = build_wheel(tmp_path, "demo", "2.0")
    with pytest.raises(ClosedPackageError, match=f"'demo' is {status} .*: Use other"):
        upload(session, storage, ada, path)
    with pytest.raises(ClosedPackageError):
        put(session, storage, path)


def test_a_deprecated_package_takes_files(
    session: Session, storage: Storage, tmp_path: Path
) -> None:
    ada = make_user(session)
    upload(session, storage, ada, build_wheel(tmp_path, "demo", "1.0"))
    with write_transaction(session):
        session.get_one(Package, "demo").upstream_status = "deprecated"
    assert upload(session, storage, ada, build_wheel(tmp_path, "demo", "2.0")).created
    assert session.get_one(Package, "demo").status == "deprecated"


def test_a_file_that_was_only_known_gets_its_bytes(
    session: Session, storage: Storage, tmp_path: Path
) -> None:
    path = build_sdist(tmp_path, "demo", "1.0")
    made = put(session, storage, path).file
    id_, key, url = made.id, made.storage_key, "https://files.example.com/demo-1.0.tar.gz"
    with write_transaction(session):
        file = session.get_one(File, id_)
        file.storage_key, file.sha256, file.blake2_256, file.size, file.url = (
            None, None, None, 1, url,
        )  # fmt: skip
    file = put(session, storage, path).file
    assert (file.id, file.storage_key, file.url) == (id_, key, url)
    assert file.sha256 == digests_of(path).sha256
    assert file.release.size == file.size == path.stat().st_size


def test_other_bytes_than_those_of_a_file_that_is_only_known_are_refused(
    session: Session, storage: Storage, tmp_path: Path
) -> None:
    path = build_sdist(tmp_path, "demo", "1.0")
    id_ = put(session, storage, path).file.id
    for digests in ({"md5": "0" * 32}, {"md5": None}, {"blake2_256": "0" * 64}):
        with write_transaction(session):
            file = session.get_one(File, id_)
            file.storage_key = file.sha256 = file.blake2_256 = None
            for name, value in digests.items():
                setattr(file, name, value)
        with pytest.raises(FilenameTakenError):
            put(session, storage, path)
