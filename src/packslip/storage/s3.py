"""A bucket of an object store that speaks S3 as a storage.

Objects have the keys of the protocol, below the prefix. Beside them are::

    .aside/<moment>-<random>/<name>     what was damaged, and is kept to be looked at
    .ready                              shows that objects can be written

Files are written to the local disk first, where archives are read, and put when they are whole.
"""

from __future__ import annotations

import functools
import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    NotSupportedError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from packslip.errors import StorageFullError
from packslip.storage.protocol import (
    BLOCK_SIZE,
    InvalidKeyError,
    MissingBytesError,
    StagedFile,
    StorageUnavailableError,
    StoredFile,
    StoredKey,
    check_key,
)
from packslip.storage.staging import DiskStagedFile, Staging

if TYPE_CHECKING:
    from obstore import GetResult

#: Bytes of a part of a large object, and how many parts are sent at a time: together what a put
#: needs of memory at most.
PART_SIZE = 8 * 1024 * 1024
PARTS_AT_ONCE = 2

#: What is older is put again although it is there, so that nobody takes it for forgotten.
REFRESHED = timedelta(hours=12)

#: How often a request is tried again, and the seconds in which that is begun.
RETRIES = 3
RETRIED_FOR = 15

#: All objects are what browsers are to save, and never to show.
_ATTRIBUTES = {"Content-Type": "application/octet-stream", "Content-Disposition": "attachment"}

_READY = ".ready"
_ASIDE = ".aside"

#: What stores say when there is no room, or none for this account.
_FULL_SIGNS = ("QuotaExceeded", "StorageFull", "InsufficientStorage", "507 ", "TooManyBuckets")


@dataclass(frozen=True)
class S3Location:
    """Where a bucket is. What is not said here, obstore takes from the environment (`AWS_…`)."""

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None


class S3StoredFile:
    """An object that is being read; see `StoredFile`.

    What was not asked for when the object is deleted is missing.
    """

    local_file: BinaryIO | None = None

    def __init__(self, storage: S3Storage, key: str) -> None:
        self._storage = storage
        self._key = key
        with _translated_errors(key):
            result = obstore.get(storage.store, storage.path(key))
        self.size = result.meta["size"]
        self._incoming = _Incoming(result, 0)

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        stop = self.size if stop is None else stop
        if start < stop and self._incoming.position != start:
            if start >= self.size:
                raise MissingBytesError(self._key)
            with _translated_errors(self._key):
                asked = {"range": (start, min(stop, self.size))}
                path = self._storage.path(self._key)
                result = obstore.get(self._storage.store, path, options=asked)  # type: ignore[arg-type]
            self._incoming = _Incoming(result, start)
        while start < stop:
            with _translated_errors(self._key):
                block = self._incoming.next_block(min(BLOCK_SIZE, stop - start))
            if not block:
                raise MissingBytesError(self._key)
            start += len(block)
            yield block

    def close(self) -> None:
        self._incoming = _Incoming(None, -1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        self.close()


class _Incoming:
    """Bytes of an object from some position on, one block after the other."""

    def __init__(self, result: GetResult | None, position: int) -> None:
        self.position = position
        self._pieces = None if result is None else iter(result.stream(min_chunk_size=BLOCK_SIZE))
        self._rest = memoryview(b"")

    def next_block(self, size: int) -> bytes:
        """At most so many bytes; none at the end."""
        while not self._rest:
            piece = None if self._pieces is None else next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = memoryview(piece)
        block = bytes(self._rest[:size])
        self._rest = self._rest[size:]
        self.position += len(block)
        return block


class S3Storage:
    """Keeps bytes in a bucket; see `Storage`.

    Nobody sees an object before it is whole, and a put returns when the store has acknowledged
    it. The connection is made by the process that first needs it, and not shared with forks.
    """

    def __init__(self, location: S3Location, staging: Path) -> None:
        self.location = location
        self._staging = Staging(staging)
        self._is_known_ready = False

    @functools.cached_property
    def store(self) -> S3Store:
        """The client, which threads share."""
        with _translated_errors():
            return _connect(self.location)

    def path(self, key: str) -> str:
        """The object's key in the bucket."""
        prefix = self.location.prefix
        return f"{prefix}/{check_key(key)}" if prefix else check_key(key)

    def stage(self) -> AbstractContextManager[StagedFile]:
        return self._staging.stage()

    def put(self, key: str, staged: StagedFile) -> None:
        if not isinstance(staged, DiskStagedFile):
            raise TypeError("staged by another storage")
        path = self.path(key)
        with _translated_errors(key):
            if staged.size <= PART_SIZE:
                self._create(path, staged.path.read_bytes())
            elif not self._is_recent(path):
                # S3 has no condition for what comes in parts. Two writers bring the same bytes, as
                # the key says.
                obstore.put(
                    self.store,
                    path,
                    staged.path,
                    attributes=_ATTRIBUTES,
                    chunk_size=PART_SIZE,
                    max_concurrency=PARTS_AT_ONCE,
                )

    def put_bytes(self, key: str, data: bytes) -> None:
        path = self.path(key)
        with _translated_errors(key):
            self._create(path, data)

    def open(self, key: str) -> StoredFile:
        return S3StoredFile(self, key)

    def signed_address(self, key: str, lifetime: timedelta) -> str | None:
        with _translated_errors(key):
            return obstore.sign(self.store, "GET", self.path(key), lifetime)

    def delete(self, key: str) -> None:
        path = self.path(key)
        with _translated_errors(key):
            obstore.delete(self.store, path)

    def exists(self, key: str) -> bool:
        return self._put_at(self.path(key)) is not None

    def keys(self) -> Iterator[StoredKey]:
        prefix = self.location.prefix
        with _translated_errors():
            for page in obstore.list(self.store, prefix or None):
                for meta in page:
                    key = meta["path"].removeprefix(f"{prefix}/") if prefix else meta["path"]
                    try:
                        check_key(key)
                    except InvalidKeyError:
                        continue
                    yield StoredKey(key, meta["size"], meta["last_modified"])

    def delete_unused(self, key: str, *, since: datetime) -> bool:
        """See `Storage.delete_unused`.

        S3 deletes without a condition. Whoever puts an object that is older than `REFRESHED`
        writes it again, so that it counts as put; who does so in the moment between the look and
        the deletion loses. What calls this holds the lock that uploads take.
        """
        path = self.path(key)
        put_at = self._put_at(path)
        if put_at is None or put_at > since:
            return False
        self.delete(key)
        return True

    def set_aside(self, key: str) -> None:
        path = self.path(key)
        moment = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        aside = self._beside(f"{_ASIDE}/{moment}/{key.rpartition('/')[2]}")
        try:
            with _translated_errors(key):
                obstore.copy(self.store, path, aside)
                obstore.delete(self.store, path)
        except MissingBytesError:
            return

    def check(self) -> None:
        with self.stage() as staged:
            staged.write(b"ready")
        path = self._beside(_READY)
        if not self._is_known_ready or self._put_at(path) is None:
            with _translated_errors():
                obstore.put(self.store, path, b"ready")
            self._is_known_ready = True

    def clean_staging(self, *, dry_run: bool = False) -> int:
        return self._staging.clean(dry_run=dry_run)

    def _create(self, path: str, data: bytes) -> None:
        try:
            obstore.put(self.store, path, data, attributes=_ATTRIBUTES, mode="create")
        except (AlreadyExistsError, PreconditionError):
            if self._is_recent(path):
                return
        except (NotSupportedError, NotImplementedError):
            # Not all stores know the condition; `AWS_CONDITIONAL_PUT=disabled` says so.
            if self._is_recent(path):
                return
        else:
            return
        obstore.put(self.store, path, data, attributes=_ATTRIBUTES)

    def _is_recent(self, path: str) -> bool:
        """Whether the object is there, and need not be put again to count as used."""
        put_at = self._put_at(path)
        return put_at is not None and datetime.now(UTC) - put_at < REFRESHED

    def _put_at(self, path: str) -> datetime | None:
        try:
            with _translated_errors(path):
                return obstore.head(self.store, path)["last_modified"]
        except MissingBytesError:
            return None

    def _beside(self, name: str) -> str:
        """The object's key in the bucket, of something that is no key of the protocol."""
        return f"{self.location.prefix}/{name}" if self.location.prefix else name


def _connect(location: S3Location) -> S3Store:
    config = {
        "endpoint": location.endpoint,
        "region": location.region,
        # Each part is checked by the store when it comes.
        "checksum_algorithm": os.environ.get("AWS_CHECKSUM_ALGORITHM") or "SHA256",
    }
    endpoint = location.endpoint or os.environ.get("AWS_ENDPOINT_URL") or ""
    return S3Store(
        location.bucket,
        config={name: value for name, value in config.items() if value},  # type: ignore[arg-type]
        client_options={
            "connect_timeout": "5s",
            "read_timeout": "30s",
            # Of a whole answer, which takes as long as the client that it goes to.
            "timeout": "12h",
            "allow_http": endpoint.startswith("http://"),
            "user_agent": "packslip",
        },
        retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRIED_FOR)},
    )


@contextmanager
def _translated_errors(key: str = "") -> Iterator[None]:
    """Turn what the store says into errors of Packslip, without addresses and credentials."""
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        if "NoSuchBucket" in str(error):
            raise StorageUnavailableError("there is no such bucket") from error
        raise MissingBytesError(key) from error
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise StorageUnavailableError("the object store refuses the credentials") from error
    except (AlreadyExistsError, PreconditionError, NotSupportedError):
        raise
    except BaseError as error:
        text = str(error)
        if any(sign in text for sign in _FULL_SIGNS):
            raise StorageFullError("There is no room left in the storage.") from error
        raise StorageUnavailableError("the object store does not answer as it should") from error
