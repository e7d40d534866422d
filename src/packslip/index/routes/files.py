"""The bytes of files, and their metadata (PEP 658)."""

from __future__ import annotations

from functools import partial

from flask import Blueprint, request
from werkzeug import Response

from packslip.db import session
from packslip.downloads.recorder import current_recorder
from packslip.index import queries
from packslip.storage.protocol import metadata_key
from packslip.web.stored import send_stored

blueprint = Blueprint("files", __name__)

_METADATA = ".metadata"


@blueprint.get(
    "/files/<string(length=2):first>/<string(length=2):second>/<string(length=60):rest>/<filename>"
)
def file(first: str, second: str, rest: str, filename: str) -> Response:
    """Send a file, or with `.metadata` after its name the metadata from inside of it."""
    sha256 = first + second + rest
    if filename.endswith(_METADATA):
        return _metadata(sha256, filename.removesuffix(_METADATA))
    found = queries.held_file(session(), sha256, filename)
    record = partial(
        current_recorder().record,
        package_id=found.package_id,
        release_id=found.release_id,
        filename=found.filename,
        address=request.remote_addr,
        user_agent=request.headers.get("User-Agent", ""),
    )
    return send_stored(
        found.storage_key, sha256=sha256, last_modified=found.uploaded_at, on_whole=record
    )


def _metadata(sha256: str, filename: str) -> Response:
    found = queries.held_file(session(), sha256, filename)
    if found.metadata_sha256 is None:
        raise queries.UnknownFileError(f"{filename}{_METADATA}")
    return send_stored(
        metadata_key(found.storage_key),
        sha256=found.metadata_sha256,
        last_modified=found.uploaded_at,
    )
