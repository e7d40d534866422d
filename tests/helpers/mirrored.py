"""Mirrored files for tests of rules."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session
from tests.helpers.packages import add_file

from packslip.mirror.models import MirrorFile
from packslip.packages.models import File, Release


def add_mirrored_file(
    session: Session, release: Release, filename: str, uploaded_at: datetime | None
) -> File:
    """A file of upstream, whose bytes are not held; without a time upstream gives none."""
    values = {"storage_key": None} | ({} if uploaded_at is None else {"uploaded_at": uploaded_at})
    file = add_file(session, release, filename, **values)
    session.add(MirrorFile(file_id=file.id, dated=uploaded_at is not None))
    session.commit()
    return file
