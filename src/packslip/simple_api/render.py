"""Write pages of the Simple API as JSON (PEP 691) and as HTML (PEP 503), API version 1.4.

PEP 833 froze the HTML form: it has no size, upload time or list of versions, and stays at 1.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Any

import msgspec

from packslip.simple_api.page import FileEntry, NoteEntry, PackagePage, RootPage

API_VERSION = "1.4"

_encoder = msgspec.json.Encoder()

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def package_json(page: PackagePage) -> bytes:
    """Write the page of a package as `application/vnd.pypi.simple.v1+json`."""
    status = {"status": page.status.value}
    if page.status_reason:
        status["reason"] = page.status_reason
    document: dict[str, Any] = {
        "meta": _meta(page.last_serial),
        "name": page.name,
        "project-status": status,
        "versions": page.versions,
        "files": [_file(file) for file in page.offered_files],
    }
    if page.notes:
        document["_notes"] = notes_json(page.notes)
    return _encoder.encode(document)


def notes_json(notes: Iterable[NoteEntry]) -> list[dict[str, Any]]:
    """What stands under `_notes`: keys with an underscore are an index's own (PEP 691)."""
    return [
        {
            "id": note.id,
            "title": note.title,
            "url": note.url,
            "act": note.act,
            "versions": note.versions,
        }
        for note in notes
    ]


def package_html(page: PackagePage) -> bytes:
    """Write the page of a package as `application/vnd.pypi.simple.v1+html` or `text/html`."""
    metas = [("pypi:project-status", page.status.value)]
    if page.status_reason:
        metas.append(("pypi:project-status-reason", page.status_reason))
    anchors = [_anchor(file) for file in page.offered_files]
    return _document(f"Links for {page.name}", metas, anchors)


def root_json(page: RootPage) -> bytes:
    """Write the list of all packages as `application/vnd.pypi.simple.v1+json`."""
    return _encoder.encode(
        {
            "meta": _meta(page.last_serial),
            "projects": [
                {"name": package.name, "_last-serial": package.last_serial}
                for package in page.packages
            ],
        }
    )


def root_html(page: RootPage) -> bytes:
    """Write the list of all packages as `application/vnd.pypi.simple.v1+html` or `text/html`."""
    anchors = [
        f'<a href="{_text(package.name)}/">{_text(package.name)}</a>' for package in page.packages
    ]
    return _document("Simple index", [], anchors)


def _meta(last_serial: int) -> dict[str, Any]:
    return {"api-version": API_VERSION, "_last-serial": last_serial}


def _file(file: FileEntry) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "filename": file.filename,
        "url": file.url,
        "hashes": file.hashes,
        # An empty reason is not allowed here, unlike in HTML.
        "yanked": (file.yanked_reason or True) if file.yanked else False,
    }
    if file.size:
        entry["size"] = file.size
    if file.upload_time is not None:
        entry["upload-time"] = file.upload_time
    if file.requires_python:
        entry["requires-python"] = file.requires_python
    if file.core_metadata_sha256 is not None:
        sha256 = file.core_metadata_sha256
        # The second is the name that PEP 714 replaced, for clients that know no other.
        announced = {"sha256": sha256} if sha256 else True
        entry["core-metadata"] = entry["dist-info-metadata"] = announced
    if file.provenance:
        entry["provenance"] = file.provenance
    if file.notes:
        entry["_notes"] = notes_json(file.notes)
    return entry


def _anchor(file: FileEntry) -> str:
    attributes = [("href", file.url + _fragment(file))]
    if file.requires_python:
        attributes.append(("data-requires-python", file.requires_python))
    if file.yanked:
        attributes.append(("data-yanked", file.yanked_reason or ""))
    if file.core_metadata_sha256 is not None:
        sha256 = file.core_metadata_sha256
        digest = f"sha256={sha256}" if sha256 else "true"
        attributes += [("data-core-metadata", digest), ("data-dist-info-metadata", digest)]
    if file.provenance:
        attributes.append(("data-provenance", file.provenance))
    return f"<a{_attributes(attributes)}>{_text(file.filename)}</a>"


def _fragment(file: FileEntry) -> str:
    # An address has room for one digest only.
    algorithm = "sha256" if "sha256" in file.hashes else next(iter(file.hashes), None)
    return f"#{algorithm}={file.hashes[algorithm]}" if algorithm else ""


def _document(title: str, metas: Iterable[tuple[str, str]], anchors: Iterable[str]) -> bytes:
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        *(
            f"<meta{_attributes([('name', name), ('content', content)])}>"
            for name, content in [("pypi:repository-version", API_VERSION), *metas]
        ),
        f"<title>{_text(title)}</title>",
        "</head>",
        "<body>",
        f"<h1>{_text(title)}</h1>",
        *(f"{anchor}<br>" for anchor in anchors),
        "</body>",
        "</html>",
    ]
    return ("\n".join(lines) + "\n").encode()


def _attributes(attributes: Iterable[tuple[str, str]]) -> str:
    return "".join(f' {name}="{_text(value)}"' for name, value in attributes)


def _text(value: str) -> str:
    # No escape makes a control character valid in HTML.
    return escape(_CONTROL_CHARACTERS.sub(" ", value))
