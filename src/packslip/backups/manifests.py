"""The manifest of a snapshot: what a backup was at one moment. It is written last."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

import msgspec

from packslip.errors import InvalidError
from packslip.storage.protocol import InvalidKeyError, check_key

FORMAT = "packslip-backup"
VERSION = 1

#: What the parts of a snapshot are called within its folder.
MANIFEST = "manifest.json"
SECRET_KEY = "secret-key"  # noqa: S105 - a name

_SNAPSHOTS = "snapshots"
_FILES = "files"
_NAME = re.compile(r"\d{8}T\d{12}Z-[0-9a-f]{8}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class InvalidBackupError(InvalidError):
    """It is no backup, or not one that this version can read."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"The backup cannot be read: {fault}.")
        self.fault = fault


class Part(msgspec.Struct, frozen=True):
    """Something in a backup."""

    #: The key under which the storage has it; within a snapshot its name there.
    key: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot holds."""

    format: str = FORMAT
    version: int = VERSION
    #: When the database was as it is in the snapshot.
    made: datetime
    #: What made it, such as `packslip 1.0`.
    made_by: str
    #: `sqlite` or `postgresql`.
    kind: str
    #: The revision of the schema.
    revision: str
    #: The copy of the database, compressed by gzip.
    database: Part
    #: None when the key is not kept in the data folder.
    secret_key: Part | None
    #: All that the storage has for the rows of this database.
    files: list[Part]
    #: Keys that rows name, and of which the storage did not have the right bytes.
    damaged: list[str]


class _Head(msgspec.Struct):
    format: str
    version: int


def new_name(now: datetime) -> str:
    """A name for a snapshot. Later ones are greater."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(4)}"


def path_in(snapshot: str, part: str) -> str:
    """Where a backup has a part of a snapshot."""
    return f"{_SNAPSHOTS}/{snapshot}/{part}"


def path_of(key: str) -> str:
    """Where a backup has what the storage has under the key."""
    return f"{_FILES}/{key}"


def snapshot_of(path: str) -> str | None:
    """The snapshot whose manifest has this path; None when it is something else."""
    parts = path.split("/")
    is_manifest = len(parts) == 3 and parts[0] == _SNAPSHOTS and parts[2] == MANIFEST
    return parts[1] if is_manifest and _NAME.match(parts[1]) else None


def write_manifest(manifest: Manifest) -> bytes:
    """The manifest as JSON."""
    return msgspec.json.encode(manifest)


def read_manifest(data: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        InvalidBackupError: it is none, or of another version.
    """
    try:
        head = msgspec.json.decode(data, type=_Head)
        if head.format != FORMAT:
            raise InvalidBackupError("it is none of Packslip")
        if head.version != VERSION:
            raise InvalidBackupError(f"it has version {head.version}, and this reads {VERSION}")
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise InvalidBackupError("its manifest is damaged") from None
    _check(manifest)
    return manifest


def _check(manifest: Manifest) -> None:
    extra = [] if manifest.secret_key is None else [manifest.secret_key]
    for part in [manifest.database, *extra, *manifest.files]:
        try:
            check_key(part.key)
        except InvalidKeyError:
            raise InvalidBackupError("its manifest names a file that no storage takes") from None
        if part.size < 0 or not _SHA256.match(part.sha256):
            raise InvalidBackupError("its manifest is damaged")
