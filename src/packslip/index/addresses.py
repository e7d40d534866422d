"""Where files stand."""

from __future__ import annotations

from urllib.parse import quote


def file_path(sha256: str, filename: str) -> str:
    """Return the address of a file, percent-encoded, relative to the root of the index.

    It holds the digest, so that other bytes can never appear under it.
    """
    return f"files/{sha256[:2]}/{sha256[2:4]}/{sha256[4:]}/{quote(filename)}"


def row_path(file_id: int, sha256: str | None, filename: str) -> str:
    """The same for a file of which perhaps nobody has said its digest yet."""
    if sha256 is not None:
        return file_path(sha256, filename)
    return f"files/by-name/{file_id}/{quote(filename)}"
