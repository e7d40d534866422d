"""Where files stand."""

from __future__ import annotations

from urllib.parse import quote


def file_path(sha256: str, filename: str) -> str:
    """Return the address of a file, percent-encoded, relative to the root of the index.

    It holds the digest, so that other bytes can never appear under it.
    """
    return f"files/{sha256[:2]}/{sha256[2:4]}/{sha256[4:]}/{quote(filename)}"


def address_of(file_id: int, sha256: str | None, filename: str) -> str:
    """The same for every file of a package: one whose digest is not known is found by its number.

    Its metadata is at the same address with `.metadata` after it.
    """
    if sha256 is None:
        return f"files/by-name/{file_id}/{quote(filename)}"
    return file_path(sha256, filename)


def provenance_path(package: str, version: str, filename: str) -> str:
    """The address of a file's provenance (PEP 740), relative to the root of the index."""
    return f"integrity/{package}/{quote(version)}/{quote(filename)}/provenance"
