"""Where the bytes of files live."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit


class Storage(Protocol):
    """Keeps bytes under keys."""


class LocalStorage:
    """Keeps bytes in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder


def open_storage(url: str) -> Storage:
    """The storage at a `file:///` address."""
    return LocalStorage(Path(unquote(urlsplit(url).path)))
