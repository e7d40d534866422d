"""From the setting to the storage."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from packslip.errors import SettingsError
from packslip.storage.local import LocalStorage
from packslip.storage.protocol import InvalidKeyError, Storage, check_key

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

_S3_FORM = (
    "The storage's address must read s3://bucket/prefix, perhaps followed by"
    " ?endpoint=https://objects.example.com&region=name."
)


def open_storage(location: str | Path, *, staging: Path) -> Storage:
    """Return the storage at `location`: a path, a `file:///…` address (RFC 8089), or `s3://…`.

    `staging` is the folder in which files are written that do not go to a folder. Nothing is
    touched yet; `Storage.check` tells whether it can be used.

    Raises:
        SettingsError: the location is none that can be used.
    """
    if isinstance(location, Path) or "://" not in location:
        if not str(location):
            raise SettingsError(["The storage's location is empty."])
        return LocalStorage(Path(location))
    parts = urlsplit(location)
    if parts.scheme == "s3":
        return _open_s3(location, staging)
    if parts.scheme != "file":
        raise SettingsError([f"The storage cannot be of the kind {parts.scheme}://."])
    if parts.netloc not in {"", "localhost"} or not parts.path or parts.query or parts.fragment:
        raise SettingsError(["The storage's address must read file:///path/of/a/folder."])
    return LocalStorage(Path(unquote(parts.path)))


def _open_s3(location: str, staging: Path) -> Storage:
    try:
        # It costs memory, and is an extra.
        from packslip.storage.s3 import S3Location, S3Storage  # noqa: PLC0415
    except ImportError as error:
        raise SettingsError(
            ["Keeping files in S3 needs a library: pip install 'packslip[s3]'."]
        ) from error
    parts = urlsplit(location)
    told = dict(parse_qsl(parts.query, keep_blank_values=True))
    prefix = unquote(parts.path).strip("/")
    is_plain = _BUCKET.fullmatch(parts.netloc) and not parts.fragment and _is_prefix(prefix)
    if not is_plain or told.keys() - {"endpoint", "region"}:
        raise SettingsError([_S3_FORM])
    where = S3Location(parts.netloc, prefix, told.get("endpoint"), told.get("region"))
    return S3Storage(where, staging)


def _is_prefix(text: str) -> bool:
    if not text:
        return True
    try:
        check_key(text)
    except InvalidKeyError:
        return False
    return True
