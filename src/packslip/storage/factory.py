"""From the setting to the storage."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from packslip.errors import SettingsError
from packslip.storage.local import LocalStorage
from packslip.storage.protocol import Storage


def open_storage(location: str | Path) -> Storage:
    """Return the storage at `location`: a path, or a `file:///…` address (RFC 8089).

    Nothing is touched yet; `Storage.check` tells whether it can be used.

    Raises:
        SettingsError: the location is none that this version can use.
    """
    if isinstance(location, Path) or "://" not in location:
        if not str(location):
            raise SettingsError(["The storage's location is empty."])
        return LocalStorage(Path(location))
    parts = urlsplit(location)
    if parts.scheme == "s3":
        raise SettingsError(["This version cannot keep files in S3; use file:///… or a path."])
    if parts.scheme != "file":
        raise SettingsError([f"The storage cannot be of the kind {parts.scheme}://."])
    if parts.netloc not in {"", "localhost"} or not parts.path or parts.query or parts.fragment:
        raise SettingsError(["The storage's address must read file:///path/of/a/folder."])
    return LocalStorage(Path(unquote(parts.path)))
