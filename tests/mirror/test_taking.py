"""What upstreams say becomes rows, and what changes there is noticed here."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.notes import make_note
from tests.helpers.packages import add_package
from tests.helpers.upstream_pages import mirror, upstream_file

from packslip.db import write_transaction
from packslip.events.models import Action, Event
from packslip.index.queries import package_page, root_page
from packslip.mirror import taking
from packslip.mirror.models import MirrorFile, MirrorPage, PageState
from packslip.mirror.taking import HostedNowError, take_missing
from packslip.packages.models import Act, File, Package
from packslip.packages.queries import UnknownPackageError
from packslip.simple_api.page import FileEntry, PackagePage, PackageStatus

WHEEL = "demo-1.0-py3-none-any.whl"
SOURCE = "demo-1.0.tar.gz"


def page(session: Session) -> PackagePage:
    session.rollback()
    return package_page(session, taking.NormalizedName("demo"), with_unkept=True)


def files(session: Session) -> dict[str, FileEntry]:
    return {file.filename: file for file in page(session).files}


def actions(session: Session) -> list[str]:
    session.rollback()
    return list(session.scalars(select(Event.action).order_by(Event.id)))


def keep(session: Session, filename: str) -> None:
    with write_transaction(session):
        session.execute(update(File).where(File.filename == filename).values(storage_key="a/b/c"))


def test_a_page_is_told_on_with_everything_that_it_says(session: Session) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    wheel = upstream_file(
        WHEEL,
        uploaded_at=moment,
        requires_python=">=3.9",
        yanked="broken",
        metadata="c" * 64,
        provenance="https://packages.example.com/provenance",
    )
    source = upstream_file(SOURCE, digests={"sha512": "d" * 128}, size=0)
    mirror(
        session, "demo", wheel, source, versions=("0.9", "1.0"), status="deprecated",
        status_reason="use another",
    )  # fmt: skip
    found = page(session)
    assert list(found.versions) == ["0.9", "1.0"]
    assert (found.status, found.status_reason) == (PackageStatus.DEPRECATED, "use another")
    told = files(session)
    digest = wheel.digests["sha256"]
    assert told[WHEEL] == FileEntry(
        filename=WHEEL,
        url=f"../../files/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{WHEEL}",
        hashes={"sha256": digest},
        size=1000,
        upload_time=moment,
        requires_python=">=3.9",
        yanked=True,
        yanked_reason="broken",
        core_metadata_sha256="c" * 64,
        provenance="https://packages.example.com/provenance",
        version="1.0",
    )
    assert told[SOURCE].hashes == {"sha512": "d" * 128}
    assert told[SOURCE].url.startswith("../../files/by-name/")
    assert (told[SOURCE].size, told[SOURCE].upload_time) == (0, None)
    assert (told[SOURCE].yanked, told[SOURCE].core_metadata_sha256) == (False, None)
    assert [one.name for one in root_page(session, with_unkept=True).packages] == ["demo"]
    assert not root_page(session).packages


def test_what_is_said_again_changes_nothing(session: Session) -> None:
    said = [upstream_file(WHEEL), upstream_file(SOURCE)]
    mirror(session, "demo", *said)
    before = page(session)
    mirror(session, "demo", *said)
    assert page(session) == before
    assert actions(session) == [Action.MIRROR_ADD]


def test_what_upstream_changes_is_taken_in_and_recorded(session: Session) -> None:
    mirror(session, "demo", upstream_file(WHEEL))
    newer = upstream_file("demo-2.0-py3-none-any.whl", size=0)
    mirror(session, "demo", upstream_file(WHEEL, yanked="broken"), newer, status="archived")
    assert files(session)[WHEEL].yanked_reason == "broken"
    assert page(session).status is PackageStatus.ARCHIVED
    session.rollback()
    assert session.get_one(Package, "demo").latest_version == "2.0"
    mirror(session, "demo", upstream_file(WHEEL), newer)
    assert not files(session)[WHEEL].yanked
    assert actions(session) == [
        Action.MIRROR_ADD,
        Action.MIRROR_RELEASE,
        Action.MIRROR_YANK,
        Action.MIRROR_CHANGE_STATUS,
        Action.MIRROR_UNYANK,
        Action.MIRROR_CHANGE_STATUS,
    ]
    assert page(session).last_serial == session.scalar(
        select(Event.id).order_by(Event.id.desc()).limit(1)
    )


def test_a_file_that_vanished_is_offered_only_if_it_is_kept(session: Session) -> None:
    mirror(session, "demo", upstream_file(WHEEL), upstream_file(SOURCE))
    keep(session, WHEEL)
    mirror(session, "demo")
    assert list(files(session)) == [WHEEL]
    assert actions(session)[-1] == Action.MIRROR_MISS
    mirror(session, "demo", upstream_file(SOURCE))
    assert list(files(session)) == [WHEEL, SOURCE]


def test_quarantined_files_are_not_taken_for_vanished(session: Session) -> None:
    mirror(session, "demo", upstream_file(WHEEL))
    mirror(session, "demo", status="quarantined")
    assert not page(session).offered_files
    assert Action.MIRROR_MISS not in actions(session)
    mirror(session, "demo", upstream_file(WHEEL))
    assert [file.filename for file in page(session).offered_files] == [WHEEL]


def test_a_file_with_another_digest_is_refused_and_the_kept_one_stays(session: Session) -> None:
    mirror(session, "demo", upstream_file(WHEEL), upstream_file(SOURCE))
    keep(session, WHEEL)
    before = files(session)[WHEEL].hashes
    other = {"sha256": "e" * 64}
    for _ in range(2):
        mirror(
            session,
            "demo",
            upstream_file(WHEEL, digests=other),
            upstream_file(SOURCE, digests=other),
        )
    assert files(session)[WHEEL].hashes == before
    assert SOURCE not in files(session)
    assert actions(session) == [Action.MIRROR_ADD, Action.MIRROR_ALTER]
    mirror(session, "demo", upstream_file(WHEEL), upstream_file(SOURCE))
    assert list(files(session)) == [WHEEL, SOURCE]


def test_a_large_page_is_taken_in_by_parts(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "BATCH", 3)
    said = [
        upstream_file(f"demo-{version}{ending}")
        for version in range(7)
        for ending in (".tar.gz", "-py3-none-any.whl")
    ]
    mirror(session, "demo", *said)
    assert set(files(session)) == {file.filename for file in said}
    assert actions(session) == [Action.MIRROR_ADD]


def test_a_hosted_package_is_left_alone(session: Session) -> None:
    add_package(session, "demo")
    session.commit()
    with pytest.raises(HostedNowError):
        mirror(session, "demo", upstream_file(WHEEL))
    assert not session.scalars(select(MirrorFile)).all()


def test_files_of_two_upstreams_are_never_mixed(session: Session) -> None:
    mirror(session, "demo", upstream_file(WHEEL), upstream_file(SOURCE))
    keep(session, WHEEL)
    mirror(session, "demo", upstream_file(SOURCE, digests={"sha256": "e" * 64}), source="first")
    assert {name: file.hashes for name, file in files(session).items()} == {
        SOURCE: {"sha256": "e" * 64}
    }
    assert Action.MIRROR_MOVE in actions(session)


def test_a_package_that_is_gone_upstream_keeps_what_is_kept_here(session: Session) -> None:
    demo = mirror(session, "demo", upstream_file(WHEEL), upstream_file(SOURCE))
    keep(session, WHEEL)
    take_missing(session, demo)
    assert list(files(session)) == [WHEEL]
    assert session.get_one(MirrorPage, demo).state == PageState.MISSING
    with pytest.raises(UnknownPackageError):
        package_page(session, taking.NormalizedName("other"))


def test_an_act_catches_releases_that_upstream_publishes_later(session: Session) -> None:
    mirror(session, "demo", upstream_file(WHEEL))
    make_note(
        session, make_user(session), "It leaks", package="demo", version_range=">=2", act=Act.YANK
    )
    mirror(session, "demo", upstream_file(WHEEL), upstream_file("demo-2.1.tar.gz"))
    assert files(session)["demo-2.1.tar.gz"].yanked_reason == "It leaks (note 1)"
    assert not files(session)[WHEEL].yanked
