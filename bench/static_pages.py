"""The answers of a server, written into folders that nginx serves: the same bytes, finished."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from bench.index import HTML, JSON, get
from bench.server import Server


def write(server: Server, packages: Iterable[str], root: Path, *, with_files: bool = True) -> None:
    """Write the root list, the pages of the packages, and all files with their metadata.

    Packslip's files lie in folders like those of their addresses.
    """
    _write_page(server.base + server.target.simple, root / "simple")
    for name in packages:
        _write_page(server.page_url(name), root / "simple" / name)
    if with_files:
        shutil.copytree(server.data / "files", root / "files", copy_function=os.link)


def _write_page(url: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for form, accept in (("html", HTML), ("json", JSON)):
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        body = get(url, headers).content
        (folder / f"index.{form}").write_bytes(body)
        (folder / f"index.{form}.gz").write_bytes(gzip.compress(body, 9, mtime=0))
