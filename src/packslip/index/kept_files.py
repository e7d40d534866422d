"""Answers with small files, or that have a proxy send one, see `packslip.index.finished`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from werkzeug import Response

from packslip.db import session
from packslip.downloads.recorder import current_recorder
from packslip.index.finished import Basis
from packslip.index.finishing import keep_finished, may_be_kept
from packslip.index.held_files import HeldFile
from packslip.mirror.file_operations import USE_GRAIN
from packslip.mirror.verdict import judged
from packslip.storage.protocol import MissingBytesError, kept_metadata_key, metadata_key
from packslip.web.context import current_storage
from packslip.web.handing_over import HEADER

#: Bytes of the largest file that is kept. The kernel sends larger ones as well.
MOST_KEPT = 64 * 1024


def keep_small(response: Response, found: HeldFile, *, is_metadata: bool) -> None:
    """Have the answer with the file, or with its metadata, kept if it is small."""
    key = _key_of(found, is_metadata=is_metadata)
    if key is None or (response.content_length or 0) > MOST_KEPT or not may_be_kept(response):
        return
    # What the proxy sends has no body here, however large it is.
    body = b"" if HEADER in response.headers else _read_small(key)
    if body is None:
        return
    on_sent = None if is_metadata else partial(_record, recording(found))
    keep_finished(response, body, Basis(found.package_id, found.stamp, _until(found)), on_sent)


def recording(found: HeldFile) -> Callable[..., None]:
    """Records a download of the file, of which it is told the rest."""
    return partial(
        current_recorder().record,
        package_id=found.package_id,
        release_id=found.release_id,
        filename=found.filename,
    )


def _record(record: Callable[..., None], address: str, agent: str) -> None:
    record(address=address, user_agent=agent)


def _key_of(found: HeldFile, *, is_metadata: bool) -> str | None:
    if not is_metadata:
        return found.storage_key
    if found.metadata_sha256 is None:
        return None
    if found.is_mirrored:
        return kept_metadata_key(found.metadata_sha256, found.filename)
    return None if found.storage_key is None else metadata_key(found.storage_key)


def _read_small(key: str) -> bytes | None:
    try:
        with current_storage().open(key) as stored:
            return b"".join(stored.read()) if stored.size <= MOST_KEPT else None
    except MissingBytesError:
        return None


def _until(found: HeldFile) -> datetime | None:
    ends = [found.acts_until]
    if found.is_mirrored:
        now = datetime.now(UTC)
        # By then its use is to be noted again.
        ends += [judged(session(), found.package_id, now)[1], now + USE_GRAIN]
    return min((end for end in ends if end is not None), default=None)
