"""Files whose bytes are held."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from sqlalchemy.orm import Session
from tests.helpers.packages import add_file, add_package, add_release

from packslip.packages.models import File, Package, Release
from packslip.simple_api.addresses import file_path
from packslip.storage.protocol import content_key, metadata_key
from packslip.web.context import current_storage


def add_stored_file(
    session: Session,
    data: bytes = b"0123456789",
    filename: str = "demo-1.0-py3-none-any.whl",
    *,
    metadata: bytes | None = None,
    **values: Any,
) -> File:
    """A file of the release 1.0 of demo, with its bytes and perhaps its metadata stored."""
    digest = sha256(data).hexdigest()
    key = content_key(digest, filename)
    current_storage().put_bytes(key, data)
    if metadata is not None:
        current_storage().put_bytes(metadata_key(key), metadata)
        values["metadata_sha256"] = sha256(metadata).hexdigest()
    package = session.get(Package, "demo") or add_package(session)
    release = session.query(Release).filter_by(package_id="demo").first()
    release = release or add_release(session, package)
    return add_file(
        session, release, filename, size=len(data), sha256=digest, storage_key=key, **values
    )


def path_of(file: File) -> str:
    """The address of a file on this server."""
    assert file.sha256 is not None
    return f"/{file_path(file.sha256, file.filename)}"
