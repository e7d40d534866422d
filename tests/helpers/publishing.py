"""Publishing distributions, and looking at what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from packslip.accounts.identity import Identity
from packslip.accounts.models import User
from packslip.db import Base, write_transaction
from packslip.events.operations import Actor
from packslip.packages.digests import digests_of
from packslip.packages.distributions import Distribution, read_distribution
from packslip.packages.publishing import (
    Published,
    publication,
    publish_file,
    publish_upload,
)
from packslip.storage.protocol import Storage

COMMAND = Actor.command()


@contextmanager
def staged(storage: Storage, path: Path, comment: str | None = None) -> Iterator[Distribution]:
    """The distribution, read and ready to be published."""
    with storage.stage() as file:
        file.write(path.read_bytes())
        yield read_distribution(file, path.name, digests_of(path), comment)


def upload(
    session: Session,
    storage: Storage,
    who: User | Identity,
    path: Path,
    comment: str | None = None,
) -> Published:
    identity = who if isinstance(who, Identity) else Identity(who)
    actor = identity.actor("127.0.0.1")
    with (
        staged(storage, path, comment) as distribution,
        publication(session, storage, distribution),
    ):
        return publish_upload(session, storage, identity, actor, distribution)


def put(session: Session, storage: Storage, path: Path, **values: Any) -> Published:
    with (
        staged(storage, path) as distribution,
        publication(session, storage, distribution),
    ):
        return publish_file(session, storage, COMMAND, distribution, **values)


def stored(app: Flask) -> list[str]:
    folder = Path(app.instance_path) / "files"
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def count_rows(session: Session) -> dict[str, int]:
    """Of all tables but that of the stamps of pages, which outlive their packages."""
    with write_transaction(session):
        return {
            name: session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in Base.metadata.tables.items()
            if name != "page_stamps"
        }


def read_all(storage: Storage, key: str) -> bytes:
    with storage.open(key) as file:
        return b"".join(file.read())
