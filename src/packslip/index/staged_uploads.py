"""Files that were uploaded on a page, and wait until their uploader confirms or discards them.

Their bytes wait in the storage, so that any node can go on. At every step a row tells of them: it
is committed before they are stored, and removed after they are. What is published or discarded is
first made to expire, and whatever has expired is cleared up, by whoever made it so or by the
sweeper. So a process may end anywhere: nothing that was acknowledged is lost, and nothing stays for
ever.
"""

from __future__ import annotations

import dataclasses
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Select, delete, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.db import write_transaction
from packslip.errors import NotFoundError, PackslipError, TooLargeError
from packslip.index.models import StagedUpload
from packslip.packages.examination import Examined
from packslip.packages.models import File
from packslip.storage.protocol import Storage

#: How long files wait.
LIFETIME = timedelta(hours=1)

#: How many files of one user wait at most, those with faults included.
MOST_FILES = 50

#: How many times the largest upload may wait for one user, in bytes.
MOST_UPLOADS = 2

_SHA256 = re.compile(r"[0-9a-f]{64}")

#: Says once more that the user may, inside of the transaction that relies on it, or raises.
Confirm = Callable[[Session], object]

log = structlog.get_logger(__name__)


class UnknownStagedUploadError(NotFoundError):
    """There is no such upload, it belongs to somebody else, or it waits no more."""

    def __init__(self) -> None:
        super().__init__(
            "This upload does not wait any more: it was published or discarded, or an hour is over."
        )
        self.links = [("/upload", "Upload")]


class TooMuchWaitsError(TooLargeError):
    """A user's uploads that wait are too many or too large together."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"At most {MOST_FILES} files with {most} bytes together can wait for you."
            " Publish or discard some of them first."
        )
        self.links = [("/upload", "Upload")]


def most_bytes(max_upload: int) -> int:
    """How many bytes may wait for one user."""
    return MOST_UPLOADS * max_upload


def list_staged(session: Session, user: User) -> Sequence[StagedUpload]:
    """What waits for the user's word, by file name."""
    return session.scalars(_waiting(user).order_by(StagedUpload.filename, StagedUpload.id)).all()


def get_staged(session: Session, user: User, upload_id: str, *, lock: bool = False) -> StagedUpload:
    """One of the user's uploads.

    Raises:
        UnknownStagedUploadError: none of them has this id.
    """
    query = _waiting(user).where(StagedUpload.id == upload_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    upload = session.scalar(query) if "\0" not in upload_id else None
    if upload is None:
        raise UnknownStagedUploadError
    return upload


def published_before(
    session: Session, user: User, upload_ids: Sequence[str], digests: Sequence[str]
) -> Sequence[File]:
    """The files that the user published with these digests, when none of the uploads waits.

    None unless it is all of them: then something else became of one.
    """
    waiting = session.scalars(_waiting(user, arrived=None)).all()
    if not all(map(_SHA256.fullmatch, digests)) or len(digests) > MOST_FILES:
        return []
    if not digests or {one.id for one in waiting}.intersection(upload_ids):
        return []
    query = select(File).where(
        File.sha256.in_(digests), File.uploader_id == user.id, File.storage_key.is_not(None)
    )
    found = {file.sha256: file for file in session.scalars(query.order_by(File.id))}
    return list(found.values()) if found.keys() == set(digests) else []


def require_room(
    session: Session,
    user: User,
    files: int,
    size: int,
    max_upload: int,
    *,
    without: Sequence[str] = (),
) -> None:
    """Allow so many more files, with so many bytes together, to wait for the user.

    Those with the ids in `without` do not count.

    Raises:
        TooMuchWaitsError: it is too much.
    """
    waiting = _waiting(user, arrived=None).where(StagedUpload.id.not_in(without)).subquery()
    total = func.coalesce(func.sum(waiting.c.size), 0)
    count, held = session.execute(select(func.count(), total).select_from(waiting)).one()
    most = most_bytes(max_upload)
    if count + files > MOST_FILES or held + size > most:
        raise TooMuchWaitsError(most)


def keep(
    session: Session,
    storage: Storage,
    user_id: int,
    examined: Iterable[Examined],
    *,
    max_upload: int,
    confirm: Confirm,
) -> None:
    """Let files wait. Of those that have faults only what was found is kept.

    Those of the same name that waited for the user are replaced.

    Raises:
        TooMuchWaitsError: too much would wait for the user.
        StorageFullError: there is no room left for the bytes.
    """
    # Of files of one name the last one counts, as if they had come one after the other.
    kept = {secrets.token_hex(16): one for one in {one.filename: one for one in examined}.values()}
    with write_transaction(session):
        confirm(session)
        # Whatever else this user uploads now waits here, and is counted then.
        user = session.get_one(User, user_id, with_for_update=True)
        older = _waiting(user).where(StagedUpload.filename.in_([o.filename for o in kept.values()]))
        replaced = [one.id for one in session.scalars(older)]
        size = sum(map(_held, kept.values()))
        require_room(session, user, len(kept), size, max_upload, without=replaced)
        session.add_all([_row(upload_id, user_id, one) for upload_id, one in kept.items()])
    try:
        for upload_id, one in kept.items():
            if one.distribution is not None:
                storage.put(storage_key(upload_id), one.staged)
        with write_transaction(session):
            _note_arrived(session, list(kept))
            _expire(session, replaced)
    except BaseException:
        # What goes wrong with this too is left to the sweeper; the first error is the one to tell.
        with suppress(PackslipError, SQLAlchemyError):
            discard(session, storage, list(kept))
        raise
    clear_up_quietly(session, storage, replaced)


def discard(session: Session, storage: Storage, upload_ids: Sequence[str]) -> None:
    """Drop uploads, whoever's they are."""
    with write_transaction(session):
        _expire(session, upload_ids)
    clear_up_quietly(session, storage, upload_ids)


def sweep(session: Session, storage: Storage) -> int:
    """Clear up all that has expired, and return how many uploads that were."""
    session.rollback()
    expired = select(StagedUpload.id).where(StagedUpload.expires_at <= datetime.now(UTC))
    ids = session.scalars(expired).all()
    session.rollback()
    clear_up(session, storage, ids)
    return len(ids)


def clear_up(session: Session, storage: Storage, upload_ids: Sequence[str]) -> None:
    """Remove the bytes and rows of uploads that have expired."""
    if not upload_ids:
        return
    for upload_id in upload_ids:
        storage.delete(storage_key(upload_id))
    with write_transaction(session):
        session.execute(
            delete(StagedUpload).where(
                StagedUpload.id.in_(upload_ids), StagedUpload.expires_at <= datetime.now(UTC)
            )
        )


def clear_up_quietly(session: Session, storage: Storage, upload_ids: Sequence[str]) -> None:
    """The same, when what somebody asked for is done already: what fails is left to the sweeper."""
    try:
        clear_up(session, storage, upload_ids)
    except (PackslipError, SQLAlchemyError) as error:
        log.warning("uploads that have expired were left for later", error=str(error))


def storage_key(upload_id: str) -> str:
    """The key under which the bytes of an upload wait. No address leads to it."""
    return f"staged/{upload_id}"


def _row(upload_id: str, user_id: int, examined: Examined) -> StagedUpload:
    digests, metadata = examined.digests, examined.metadata
    return StagedUpload(
        id=upload_id,
        user_id=user_id,
        filename=examined.filename,
        size=_held(examined),
        sha256=digests.sha256,
        md5=digests.md5,
        blake2_256=digests.blake2_256,
        faults=[dataclasses.asdict(fault) for fault in examined.faults],
        core_metadata={} if metadata is None else metadata.as_json(),
        expires_at=datetime.now(UTC) + LIFETIME,
    )


def _held(examined: Examined) -> int:
    return 0 if examined.distribution is None else examined.staged.size


def _note_arrived(session: Session, upload_ids: list[str]) -> None:
    now = datetime.now(UTC)
    uploads = session.scalars(
        select(StagedUpload)
        .where(StagedUpload.id.in_(upload_ids), StagedUpload.expires_at > now)
        .order_by(StagedUpload.id)
        .with_for_update()
    ).all()
    # Storing took so long that it may have been swept away meanwhile.
    if len(uploads) < len(upload_ids):
        raise UnknownStagedUploadError
    for upload in uploads:
        upload.arrived, upload.expires_at = True, now + LIFETIME


def _expire(session: Session, upload_ids: Sequence[str]) -> None:
    uploads = select(StagedUpload).where(StagedUpload.id.in_(upload_ids)).order_by(StagedUpload.id)
    for upload in session.scalars(uploads.with_for_update()):
        upload.expires_at = datetime.now(UTC)
    session.flush()


def _waiting(user: User, *, arrived: bool | None = True) -> Select[StagedUpload]:
    query = select(StagedUpload).where(
        StagedUpload.user_id == user.id, StagedUpload.expires_at > datetime.now(UTC)
    )
    return query if arrived is None else query.where(StagedUpload.arrived.is_(arrived))
