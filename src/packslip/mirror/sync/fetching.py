"""Getting what is wanted of mirrored files, by the fetches that serve clients too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from packslip.errors import PackslipError, StorageFullError
from packslip.mirror.describing import describe
from packslip.mirror.fetching import RefusedError, own_session
from packslip.mirror.file_queries import Wanted, wanted_file
from packslip.mirror.following import follow
from packslip.mirror.metadata import provide_metadata
from packslip.mirror.sync.patience import InterruptedSyncError, Patience
from packslip.mirror.sync.values import KnownFile

T = TypeVar("T")

#: Files that are fetched at a time; servers on the same data folder fetch more beside them.
AT_ONCE = 4

#: Seconds between two looks at whether all is to end.
_LOOK = 0.5

log = structlog.get_logger(__name__)


class NotKeptError(StorageFullError):
    """A file came, and was not there any more a moment later."""

    def __init__(self, filename: str) -> None:
        super().__init__(
            f"{filename} came and did not stay: there is no room for it, or it could not be stored."
        )


@dataclass(frozen=True)
class Failure:
    """Something that was not got."""

    package: str
    version: str
    #: None for what the release says of itself.
    filename: str | None
    reason: str


@dataclass(frozen=True)
class Job:
    """A file that is to be held with its metadata."""

    package: str
    version: str
    file: KnownFile


class Crew:
    """Does work of one kind a few at a time, each in the application and its own thread."""

    def __init__(self, app: Flask, patience: Patience) -> None:
        self._app = app
        self.patience = patience

    def each(self, items: Sequence[T], work: Callable[[T], None], done: Callable[[], None]) -> None:
        """Do it for all of them; `done` is called in this thread after each.

        Raises:
            KeyboardInterrupt: of this thread, once those that are at work have ended.
        """

        def run(item: T) -> None:
            with self._app.app_context():
                work(item)

        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sync") as pool:
            waiting = [pool.submit(run, item) for item in items]
            try:
                for one in as_completed(waiting):
                    one.result()
                    done()
            except BaseException:
                self.patience.stop()
                pool.shutdown(wait=True, cancel_futures=True)
                raise


def hold(file_id: int, patience: Patience) -> Wanted:
    """Have the file in the storage; give what is known of it then.

    Raises:
        InterruptedSyncError: all is to end. What came so far stays for the next attempt.
        PackslipError: it could not be fetched.
    """
    return patience.attempt(lambda: _hold(file_id, patience))


def hold_metadata(file_id: int, patience: Patience) -> Wanted:
    """The same for the metadata beside it."""
    with own_session() as session:
        return patience.attempt(lambda: provide_metadata(session, file_id))


def fetch(job: Job, patience: Patience) -> Iterator[Failure]:
    """Get bytes and metadata of a file; tell what was not got."""
    for what, is_wanted in (
        (hold, not job.file.is_held),
        (hold_metadata, job.file.has_metadata and not job.file.metadata_is_held),
    ):
        if not is_wanted:
            continue
        suffix = "" if what is hold else ".metadata"
        with failures(job.package, job.version, f"{job.file.filename}{suffix}") as found:
            what(job.file.file_id, patience)
        yield from found


@contextmanager
def failures(package: str, version: str, filename: str | None) -> Iterator[list[Failure]]:
    """Gather in a list what makes the block fail, an interruption left out."""
    found: list[Failure] = []
    try:
        yield found
    except InterruptedSyncError:
        return
    except PackslipError as error:
        found.append(Failure(package, version, filename, error.reason))
    except (OSError, SQLAlchemyError) as error:
        log.exception("synchronising failed", package=package, version=version, file=filename)
        reason = f"{type(error).__name__}: the log has more."
        found.append(Failure(package, version, filename, reason))


def describe_release(package: str, version: str) -> None:
    """Give the release its texts, so that its page has them."""
    with own_session() as session:
        describe(session, package, version)


def _hold(file_id: int, patience: Patience) -> Wanted:
    wanted = _read(file_id)
    if wanted.storage_key is not None:
        return wanted
    following = follow(wanted)
    try:
        while not following.keep(_LOOK):
            if patience.is_stopping:
                raise InterruptedSyncError
    finally:
        following.close()
    wanted = _read(file_id)
    if wanted.storage_key is None:
        if wanted.refused is not None:
            raise RefusedError(wanted)
        raise NotKeptError(wanted.filename)
    return wanted


def _read(file_id: int) -> Wanted:
    with own_session() as session:
        return wanted_file(session, file_id)
