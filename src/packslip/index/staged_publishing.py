"""Publishing what waited: it is read and checked again, on the path that tools' uploads take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from packslip.accounts.identity import Identity
from packslip.accounts.models import User
from packslip.errors import UnavailableError
from packslip.events.operations import Actor
from packslip.index.models import StagedUpload
from packslip.index.staged_uploads import (
    Confirm,
    UnknownStagedUploadError,
    clear_up_quietly,
    get_staged,
    storage_key,
)
from packslip.mirror.claiming import discard_unnamed, take_name
from packslip.notes.expiry import lift_expired_of
from packslip.packages.digests import Digester
from packslip.packages.distributions import Distribution, read_distribution
from packslip.packages.publishing import Published, publication, publish_upload
from packslip.storage.protocol import MissingBytesError, Storage


class DamagedWhileWaitingError(UnavailableError):
    """The bytes that waited are not those that came."""

    def __init__(self, filename: str) -> None:
        super().__init__(
            f"The bytes of {filename} were damaged while they waited. Upload it again."
        )


def publish_staged(
    session: Session,
    storage: Storage,
    user: User,
    actor: Actor,
    upload_ids: Iterable[str],
    *,
    confirm: Confirm,
) -> list[Published]:
    """Publish uploads that waited, all of them or none, as if they were uploaded just now.

    Their bytes are read and checked again, as those that tools send are.

    Raises:
        UnknownStagedUploadError: one of them is not there for the user, or has faults.
        InvalidError: one is refused; see `packslip.packages.publishing.publish_upload`.
        NotAllowedError: the user may not upload it.
    """
    ids = sorted(set(upload_ids))
    uploads = [_Held.of(get_staged(session, user, one)) for one in ids]
    # What follows may take long; the connection to the database goes back meanwhile.
    session.rollback()
    with ExitStack() as stack:
        # Always in the same order: two of these would wait for each other's packages otherwise.
        uploads.sort(key=lambda one: (one.filename, one.id))
        distributions = [stack.enter_context(_fetched(storage, one)) for one in uploads]
        for distribution in distributions:
            lift_expired_of(session, distribution.metadata.package)
        with publication(session, storage, *distributions):
            confirm(session)
            for one in ids:
                get_staged(session, user, one, lock=True).expires_at = datetime.now(UTC)
            unnamed = [
                key
                for distribution in distributions
                for key in take_name(session, user, actor, distribution.metadata.package)
            ]
            published = [
                publish_upload(session, storage, Identity(user), actor, distribution)
                for distribution in distributions
            ]
    clear_up_quietly(session, storage, ids)
    discard_unnamed(session, storage, unnamed)
    return published


@dataclass(frozen=True)
class _Held:
    """What must be known of an upload while there is no connection to the database."""

    id: str
    filename: str
    sha256: str

    @classmethod
    def of(cls, upload: StagedUpload) -> _Held:
        # Nothing is held of one with faults, and no page offers to publish it.
        if upload.faults:
            raise UnknownStagedUploadError
        return cls(upload.id, upload.filename, upload.sha256)


@contextmanager
def _fetched(storage: Storage, upload: _Held) -> Iterator[Distribution]:
    """The upload as a distribution that was read and checked anew."""
    digester = Digester()
    with storage.stage() as staged:
        try:
            with storage.open(storage_key(upload.id)) as file:
                for block in file.read():
                    staged.write(block)
                    digester.update(block)
        except MissingBytesError:
            # It was discarded or published a moment ago.
            raise UnknownStagedUploadError from None
        digests = digester.digests()
        if digests.sha256 != upload.sha256:
            raise DamagedWhileWaitingError(upload.filename)
        yield read_distribution(staged, upload.filename, digests)
