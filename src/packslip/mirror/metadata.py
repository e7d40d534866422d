"""The metadata of mirrored files (PEP 658): passed on, or made from the wheel."""

from __future__ import annotations

import hashlib
import re
import time
from contextlib import ExitStack

from msgspec.structs import replace
from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.errors import NotFoundError
from packslip.mirror import file_operations
from packslip.mirror.circuit import asking
from packslip.mirror.client import UpstreamClient, current_client
from packslip.mirror.errors import UpstreamFailedError, UpstreamSlowError
from packslip.mirror.fetches import POLL, mirror_folder
from packslip.mirror.fetching import upstream_of
from packslip.mirror.file_operations import RETRY_AFTER
from packslip.mirror.file_queries import OFFERED, Wanted, wanted_file
from packslip.mirror.following import PATIENCE, NothingCameError, follow
from packslip.mirror.made_metadata import compare_made_metadata, metadata_of_kept
from packslip.mirror.parts import PartFile, Stage, failure_of, part_path
from packslip.mirror.ranged import WINDOW, RangedFile, wheel_metadata
from packslip.mirror.transfer import WrongBytesError
from packslip.mirror.upstreams import Upstream, is_bundled
from packslip.mirror.waiting import a_place
from packslip.packages.archives.members import LARGEST_METADATA
from packslip.packages.archives.zip_records import LARGEST_DIRECTORY
from packslip.storage.protocol import kept_metadata_key
from packslip.web.context import current_storage

#: Seconds for which a whole wheel is waited for where upstream sends no parts of it.
WHOLE_PATIENCE = 60.0

_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)\Z")


class NoMetadataError(NotFoundError):
    """There is no metadata beside the file, and it is no wheel that has some within."""

    def __init__(self, filename: str) -> None:
        super().__init__(f"There is no metadata for {filename}.")


class _NoRangesError(Exception):
    """Upstream sends files only whole."""


def provide_metadata(session: Session, file_id: int) -> Wanted:
    """Have the metadata of the file in the storage; give what is known of the file then.

    One of all that ask on this machine fetches it, the others wait. The session's transaction is
    ended, and nothing is read of it while upstream is asked.

    Raises:
        NoMetadataError: there is none.
        WrongBytesError: upstream's is another one than it announced.
        PackslipError: upstream could not be asked.
    """
    wanted = _read(session, file_id)
    if wanted.metadata_kept:
        return wanted
    with a_place():
        return _take_turn(session, wanted)


def _take_turn(session: Session, wanted: Wanted) -> Wanted:
    path = part_path(mirror_folder(), f"{wanted.part_name}-metadata")
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with PartFile(path) as turn:
            if turn.lock() and turn.has_name:
                return _provide(session, wanted.file_id, turn)
        time.sleep(POLL)
    raise NothingCameError(f"{wanted.filename}.metadata", PATIENCE)


def _provide(session: Session, file_id: int, turn: PartFile) -> Wanted:
    wanted, head = _read(session, file_id), turn.head()
    if wanted.metadata_kept:
        turn.remove()
        return wanted
    if head.stage is Stage.FAILED and time.time() - head.told_at < RETRY_AFTER.total_seconds():
        raise head.error()
    try:
        data = _get(session, wanted)
    except WrongBytesError as error:
        with write_transaction(session):
            file_operations.record_refused_metadata(session, wanted, error.fault)
        failure = failure_of(error)
        turn.write_head(replace(head, stage=Stage.FAILED, failure=failure, told_at=time.time()))
        raise
    except BaseException:
        turn.remove()
        raise
    sha256 = hashlib.sha256(data).hexdigest()
    current_storage().put_bytes(kept_metadata_key(sha256, wanted.filename), data)
    with write_transaction(session):
        file_operations.note_metadata(session, wanted, sha256)
    turn.remove()
    compare_made_metadata(session, current_storage(), file_id)
    return _read(session, file_id)


def _read(session: Session, file_id: int) -> Wanted:
    wanted = wanted_file(session, file_id)
    # Nobody shall wait for upstream with a connection of the database in hand.
    session.rollback()
    return wanted


def _get(session: Session, wanted: Wanted) -> bytes:
    is_asked = wanted.metadata_offered and not is_bundled(wanted.upstream)
    data = _passed_on(wanted) if is_asked else None
    if data is None:
        if not wanted.is_wheel:
            raise NoMetadataError(wanted.filename)
        data = _made(session, wanted)
    known = {wanted.metadata_sha256, wanted.metadata_offered} - {None, OFFERED}
    found = hashlib.sha256(data).hexdigest()
    for digest in known:
        if digest != found:
            fault = f"its sha256 is {found} instead of {digest}"
            raise WrongBytesError(f"{wanted.filename}.metadata", fault)
    return data


def _passed_on(wanted: Wanted) -> bytes | None:
    upstream = upstream_of(wanted)
    with asking(upstream):
        answer = current_client().get(upstream, wanted.metadata_url, limit=LARGEST_METADATA)
    if answer.status == 200:
        return answer.body
    if answer.status in {404, 410}:
        return None
    raise UpstreamFailedError(upstream.name, f"it answered {answer.status} for metadata")


def _made(session: Session, wanted: Wanted) -> bytes:
    if wanted.storage_key is None:
        try:
            upstream = upstream_of(wanted)
            return _from_parts(current_client(), upstream, wanted)
        except _NoRangesError:
            wanted = _keep_whole(session, wanted)
    return metadata_of_kept(current_storage(), wanted)


def _keep_whole(session: Session, wanted: Wanted) -> Wanted:
    following = follow(wanted)
    try:
        is_kept = following.keep(WHOLE_PATIENCE)
    finally:
        following.close()
    wanted = _read(session, wanted.file_id)
    if not is_kept or wanted.storage_key is None:
        raise NothingCameError(f"{wanted.filename}.metadata", WHOLE_PATIENCE)
    return wanted


def _from_parts(client: UpstreamClient, upstream: Upstream, wanted: Wanted) -> bytes:
    parts = _Parts(client, upstream, wanted)
    size = wanted.expected.size
    first = f"bytes=-{WINDOW}" if size is None else f"bytes={max(0, size - WINDOW)}-{size - 1}"
    start, data = parts.ask(first)
    file = RangedFile(parts.size, parts.between)
    file.add(start, data)
    return wheel_metadata(file, wanted.filename)


class _Parts:
    """Asks upstream for parts of one file."""

    def __init__(self, client: UpstreamClient, upstream: Upstream, wanted: Wanted) -> None:
        self._client = client
        self._upstream = upstream
        self._wanted = wanted
        self._validator: str | None = None
        self._deadline = time.monotonic() + PATIENCE
        self.size = 0

    def ask(self, wanted_range: str) -> tuple[int, bytes]:
        """The part, and where it begins.

        Raises:
            _NoRangesError: upstream sends the whole file, or another one by now.
            UpstreamSlowError: all parts together take too long.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise UpstreamSlowError(self._upstream.name, PATIENCE)
        headers = {"Accept-Encoding": "identity", "Range": wanted_range}
        if self._validator is not None:
            headers["If-Range"] = self._validator
        with ExitStack() as stack:
            with asking(self._upstream):
                incoming = stack.enter_context(
                    self._client.open(
                        self._upstream, self._wanted.url, headers=headers, seconds=min(left, 12)
                    )
                )
            told = _RANGE.match(incoming.headers.get("Content-Range") or "")
            if incoming.status != 206 or told is None:
                raise _NoRangesError
            start, last, self.size = int(told[1]), int(told[2]), int(told[3])
            length = last - start + 1
            if not 0 < length <= LARGEST_DIRECTORY:
                raise _NoRangesError
            etag = incoming.headers.get("ETag")
            self._validator = etag if etag and etag.startswith('"') else None
            data = bytearray()
            for chunk in incoming.chunks():
                data += chunk
                if len(data) > length:
                    break
                if time.monotonic() > self._deadline:
                    raise UpstreamSlowError(self._upstream.name, PATIENCE)
        if len(data) != length:
            raise UpstreamFailedError(self._upstream.name, "a part had another length than it said")
        return start, bytes(data)

    def between(self, begin: int, end: int) -> bytes:
        """The bytes from one position up to another one."""
        start, data = self.ask(f"bytes={begin}-{end - 1}")
        if (start, len(data)) != (begin, end - begin):
            raise UpstreamFailedError(self._upstream.name, "another part came than was asked for")
        return data
