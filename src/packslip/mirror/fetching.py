"""One attempt to get a file from upstream, and to keep it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import structlog
from flask import Flask
from msgspec.structs import replace
from packaging.utils import NormalizedName
from sqlalchemy.orm import Session

from packslip.db import db, write_transaction
from packslip.errors import BadGatewayError, PackslipError, StorageFullError
from packslip.mirror import file_operations
from packslip.mirror.client import current_client
from packslip.mirror.current import current_mirror
from packslip.mirror.errors import UpstreamFailedError, UpstreamSlowError
from packslip.mirror.file_queries import NotInBundleError, Wanted, wanted_file
from packslip.mirror.made_metadata import compare_made_metadata
from packslip.mirror.parts import PartFile, Stage, failure_of
from packslip.mirror.sharing import alone
from packslip.mirror.transfer import BrokenOffError, Transfer, VanishedError, WrongBytesError
from packslip.mirror.upstreams import Upstream, is_bundled
from packslip.storage.protocol import Storage, content_key
from packslip.web.context import current_storage

#: Seconds in which a file that upstream cannot deliver whole is recorded once.
TELL_AGAIN = 60 * 60

_BLOCK = 256 * 1024

log = structlog.get_logger(__name__)


class RefusedError(BadGatewayError):
    """The file is not asked for, as upstream's bytes were wrong."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(f"The mirror refuses {wanted.filename}: {wanted.refused}")


class NoUpstreamError(BadGatewayError):
    """None of the upstreams may be asked for the package now."""

    def __init__(self, package_id: str) -> None:
        super().__init__(f"No upstream is asked for the package {package_id!r} any more.")


def upstream_of(wanted: Wanted) -> Upstream:
    """The upstream that has the file.

    Raises:
        NotInBundleError: it came by a bundle.
        NoUpstreamError: it is none any more, or must not be asked for this package.
    """
    if is_bundled(wanted.upstream):
        raise NotInBundleError(wanted.filename)
    for upstream in current_mirror().upstreams_for(NormalizedName(wanted.package_id)):
        if wanted.upstream in {None, upstream.name}:
            return upstream
    raise NoUpstreamError(wanted.package_id)


def require_trusted(wanted: Wanted) -> None:
    """Allow to ask upstream for the file.

    Raises:
        RefusedError: its bytes were wrong, and not long enough ago.
    """
    waits = wanted.retry_at is None or wanted.retry_at > datetime.now(UTC)
    if wanted.refused is not None and waits:
        raise RefusedError(wanted)


@contextmanager
def own_session() -> Iterator[Session]:
    """A session of the database that belongs to nobody else."""
    with Session(db.engine) as session:
        yield session


class Attempt:
    """Fetches one file into its part file, which is locked and open, and keeps it.

    It runs in a thread of its own. What comes of it stands in the head of the part file; nothing is
    raised.
    """

    def __init__(
        self,
        app: Flask,
        file_id: int,
        part: PartFile,
        tell: Callable[[], None],
        stopping: threading.Event,
    ) -> None:
        self._app = app
        self._file_id = file_id
        self._part = part
        self._tell = tell
        self._stopping = stopping
        self._is_spent = False

    def run(self) -> bool:
        """Do so; return whether the file was kept."""
        try:
            with self._app.app_context(), alone(self._file_id, self._stopping):
                return self._run()
        except PackslipError as error:
            self._fail(error)
        except Exception as error:
            log.exception("fetching a file failed", file=self._file_id)
            self._fail(BadGatewayError("The mirror failed to fetch the file. Its log has more."))
            self._is_spent = not isinstance(error, OSError)
        finally:
            # What is worth going on from stays for the next one.
            if self._is_spent or not self._part.size:
                with suppress(OSError):
                    self._part.remove()
            self._part.close()
            self._tell()
        return False

    def _run(self) -> bool:
        with own_session() as session:
            wanted = wanted_file(session, self._file_id)
        if wanted.storage_key is not None:
            self._is_spent = True
            self._end(Stage.KEPT)
            return False
        require_trusted(wanted)
        upstream = upstream_of(wanted)
        transfer = Transfer(
            current_client(),
            upstream,
            wanted,
            self._part,
            tell=self._tell,
            stopping=self._stopping,
        )
        try:
            checker = transfer.run()
        except WrongBytesError as error:
            self._is_spent = True
            with own_session() as session, write_transaction(session):
                file_operations.refuse(session, wanted, error.fault)
            log.error("upstream sent wrong bytes", file=wanted.filename, fault=error.fault)
            raise
        except (VanishedError, StorageFullError):
            self._is_spent = True
            raise
        except (BrokenOffError, UpstreamFailedError, UpstreamSlowError) as error:
            if transfer.has_gained:
                self._note_loss(wanted, error.problem)
            raise
        self._is_spent = True
        self._end(Stage.WHOLE)
        return self._keep(wanted, checker.sha256)

    def _end(self, stage: Stage) -> None:
        head = self._part.head()
        self._part.write_head(replace(head, stage=stage, length=self._part.size))
        self._tell()

    def _fail(self, error: PackslipError) -> None:
        log.warning("a file was not fetched", file=self._file_id, reason=error.reason)
        head = self._part.head()
        if head.is_done:
            # Who waits has what they wait for; it only is not kept.
            return
        with suppress(PackslipError):
            if isinstance(error, StorageFullError):
                self._part.cut(0)
            self._part.write_head(replace(head, stage=Stage.FAILED, failure=failure_of(error)))

    def _note_loss(self, wanted: Wanted, problem: str) -> None:
        head, now = self._part.head(), time.time()
        log.warning("upstream broke off", file=wanted.filename, problem=problem)
        if now - head.told_at < TELL_AGAIN:
            return
        with own_session() as session, write_transaction(session):
            file_operations.record_loss(session, wanted, problem)
        self._part.write_head(replace(head, told_at=now))

    def _keep(self, wanted: Wanted, sha256: str) -> bool:
        storage, size = current_storage(), self._part.size
        key = content_key(sha256, wanted.filename)
        with own_session() as session:
            try:
                self._store(storage, key, size)
                with write_transaction(session):
                    file_operations.note_kept(session, wanted, sha256, size, key)
            except Exception:
                file_operations.discard(session, storage, key)
                raise
            try:
                compare_made_metadata(session, storage, wanted.file_id)
            except Exception as error:
                # The file is right, whatever became of its metadata.
                log.error("metadata was not compared", file=wanted.filename, exc_info=error)
        return True

    def _store(self, storage: Storage, key: str, size: int) -> None:
        with storage.stage() as staged:
            for block in self._part.read(0, size, _BLOCK):
                staged.write(block)
            if staged.size != size:
                raise UpstreamFailedError("the mirror", "the bytes that came are gone")
            storage.put(key, staged)
