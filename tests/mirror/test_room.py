"""Which mirrored files are dropped when there is no room."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.clock import now
from tests.helpers.mirroring import add_mirrored_file

from packslip.mirror.file_queries import wanted_file
from packslip.mirror.models import MirrorFile
from packslip.mirror.parts import PartFile, part_path
from packslip.mirror.room import make_room, used_room
from packslip.notes.about import noted_ranges
from packslip.notes.models import Note
from packslip.packages.models import File
from packslip.storage.protocol import content_key
from packslip.web.context import current_storage


def kept(session: Session, number: int, package: str = "demo", **mirrored: object) -> File:
    """A file of 10 bytes that is held, and was asked for the longer ago the smaller its number."""
    data = f"{number:010}".encode()
    filename = f"{package}-1.0-{number}-py3-none-any.whl"
    key = content_key(sha256(data).hexdigest(), filename)
    current_storage().put_bytes(key, data)
    used_at = now() - timedelta(days=100 - number)
    return add_mirrored_file(
        session,
        f"http://127.0.0.1:9/{filename}",
        data,
        filename,
        package=package,
        storage_key=key,
        mirrored={"kept_at": now(), "used_at": used_at, **mirrored},
    )


def held(session: Session) -> list[int]:
    session.rollback()
    query = select(File.filename).where(File.storage_key.is_not(None)).order_by(File.id)
    return [int(name.split("-")[2]) for name in session.scalars(query)]


def test_those_not_asked_for_longest_go_until_there_is_room(
    session: Session, tmp_path: Path
) -> None:
    files = [kept(session, number) for number in (3, 1, 2)]
    key = files[1].storage_key or ""
    with current_storage().open(key) as reader:
        assert make_room(session, current_storage(), tmp_path, 20, noted_ranges) == 10
        assert held(session) == [3, 2]
        assert not current_storage().exists(key)
        # Whoever reads it goes on reading.
        assert b"".join(reader.read()) == b"0000000001"
    assert session.get_one(MirrorFile, files[1].id).kept_at is None
    assert used_room(session) == 20
    assert make_room(session, current_storage(), tmp_path, 20, noted_ranges) == 0


def test_what_is_pinned_noted_or_just_fetched_stays(
    app: Flask, session: Session, tmp_path: Path
) -> None:
    kept(session, 1, pinned=True)
    fetched = kept(session, 2)
    kept(session, 3)
    kept(session, 4, "noted")
    kept(session, 5, "other")
    author = make_user(session)
    session.add(Note(title="x", user_id=author.id, package_id="noted", version_range="<2"))
    session.add(Note(title="x", user_id=author.id, package_id="other", version_range=">=2"))
    session.commit()
    path = part_path(tmp_path, wanted_file(session, fetched.id).part_name)
    with PartFile(path) as part:
        assert part.lock()
        assert make_room(session, current_storage(), tmp_path, 0, noted_ranges) == 20
    assert held(session) == [1, 2, 4]


def test_what_is_pinned_or_noted_at_the_last_moment_stays(session: Session, tmp_path: Path) -> None:
    pinned, noted = kept(session, 1), kept(session, 2, "noted")
    asked: list[set[str]] = []

    def at_the_last_moment(session: Session, packages: Collection[str]) -> dict[str, list[None]]:
        asked.append(set(packages))
        if len(asked) == 1:
            with Session(session.get_bind()) as other:
                other.execute(
                    update(MirrorFile).where(MirrorFile.file_id == pinned.id).values(pinned=True)
                )
                other.commit()
        return {"noted": [None]} if len(asked) > 1 else {}

    assert make_room(session, current_storage(), tmp_path, 0, at_the_last_moment) == 0
    assert asked[:2] == [{"demo", "noted"}, {"noted"}]
    assert held(session) == [1, 2]
    assert noted.storage_key is not None
