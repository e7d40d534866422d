"""What the storage has for the rows of a database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from packslip.index.models import StagedUpload
from packslip.index.staged_uploads import storage_key as waiting_key
from packslip.mirror.models import MirrorFile
from packslip.packages.models import File
from packslip.storage.protocol import kept_metadata_key, metadata_key

#: Rows that are read at once.
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Named:
    """A key that a row names."""

    key: str
    #: What its row says of the bytes.
    sha256: str


def named_bytes(connection: Connection) -> Iterator[Named]:
    """Yield every key that a row of the database names."""
    yield from _files(connection)
    yield from _waiting(connection)


def _files(connection: Connection) -> Iterator[Named]:
    rows = connection.execution_options(yield_per=_BATCH).execute(
        select(
            File.filename,
            File.sha256,
            File.storage_key,
            File.metadata_sha256,
            MirrorFile.file_id,
            MirrorFile.metadata_kept,
        ).outerjoin(MirrorFile, MirrorFile.file_id == File.id)
    )
    for row in rows:
        if row.storage_key is not None and row.sha256 is not None:
            yield Named(row.storage_key, row.sha256)
        if row.metadata_sha256 is None:
            continue
        if row.file_id is None and row.storage_key is not None:
            yield Named(metadata_key(row.storage_key), row.metadata_sha256)
        elif row.metadata_kept:
            key = kept_metadata_key(row.metadata_sha256, row.filename)
            yield Named(key, row.metadata_sha256)


def _waiting(connection: Connection) -> Iterator[Named]:
    """What people uploaded on a page and have not confirmed."""
    uploads = select(StagedUpload.id, StagedUpload.sha256, StagedUpload.faults).where(
        StagedUpload.arrived.is_(True), StagedUpload.expires_at > datetime.now(UTC)
    )
    for upload_id, sha256, faults in connection.execute(uploads):
        if not faults:
            yield Named(waiting_key(upload_id), sha256)
