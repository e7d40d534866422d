"""PyPI's JSON documents, as small as they can be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packslip.packages.importing.documents import PackageDocument, read_document


def make_file(filename: str, **values: Any) -> dict[str, Any]:
    """What a document says of a file; the digest is made of its name's length."""
    digest = f"{len(filename):064x}"
    return {
        "filename": filename,
        "packagetype": "bdist_wheel" if filename.endswith(".whl") else "sdist",
        "size": 100,
        "digests": {"sha256": digest},
        "upload_time": "2010-04-16T14:30:00",
        "url": f"https://files.example.com/{filename}",
    } | values


def make_document(
    name: str = "Demo",
    releases: Mapping[str, Any] | None = None,
    *,
    version: str = "1.0",
    urls: Any = None,
    **info: Any,
) -> dict[str, Any]:
    """A document; without `releases` one with the release 1.0, which has one file."""
    if releases is None:
        releases = {"1.0": [make_file(f"{name}-1.0.tar.gz")]}
    content: dict[str, Any] = {
        "info": {"name": name, "version": version} | info,
        "releases": dict(releases),
    }
    return content if urls is None else content | {"urls": urls}


def read(content: Any) -> PackageDocument:
    """The document that such a file is read as."""
    return read_document(json.dumps(content).encode())


def write_document(folder: Path, content: Any, filename: str | None = None) -> Path:
    """Write it into the folder, named for its package."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (filename or f"{content['info']['name']}.json")
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
