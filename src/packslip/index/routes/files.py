"""The bytes of files, and their metadata (PEP 658)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import Blueprint, request
from werkzeug import Response

from packslip.accounts.access import require_reader
from packslip.accounts.identity import Identity
from packslip.accounts.readers import current_reader, guard_reading
from packslip.attestations.answers import answer_provenance
from packslip.attestations.queries import provenance_of
from packslip.db import session
from packslip.errors import NotAllowedError
from packslip.index.held_files import HeldFile, UnknownFileError, held_file, numbered_file
from packslip.index.kept_files import keep_small, recording
from packslip.index.mirrored_files import send_mirrored, send_mirrored_metadata
from packslip.mirror.verdict import require_allowed, rules_of_token
from packslip.notes.expiry import read_current
from packslip.simple_api.page import PackageStatus
from packslip.storage.protocol import metadata_key
from packslip.web.context import current_settings
from packslip.web.stored import send_stored

blueprint = Blueprint("files", __name__)
guard_reading(blueprint)

_METADATA = ".metadata"
_PROVENANCE = ".provenance"


class OnHoldError(NotAllowedError):
    """A note holds the release; what it says is all that installers print."""


class QuarantinedError(NotAllowedError):
    """Nothing of the package is offered (PEP 792)."""

    def __init__(self, file: HeldFile) -> None:
        because = f": {file.status_reason}" if file.status_reason else "."
        super().__init__(f"The package {file.package_id!r} is quarantined{because}")


@blueprint.get(
    "/files/<string(length=2):first>/<string(length=2):second>/<string(length=60):rest>/<filename>"
)
def file(first: str, second: str, rest: str, filename: str) -> Response:
    """Send a file, or with `.metadata` after its name the metadata from inside of it.

    With `.provenance` it is what came with it to show where it was made.
    """
    name = filename.removesuffix(_METADATA).removesuffix(_PROVENANCE)
    return _answer(filename, lambda: held_file(session(), first + second + rest, name))


@blueprint.get("/files/by-name/<int:file_id>/<filename>")
def file_by_name(file_id: int, filename: str) -> Response:
    """The same for a mirrored file whose digest upstream does not tell."""
    name = filename.removesuffix(_METADATA)
    return _answer(filename, lambda: numbered_file(session(), file_id, name))


def _answer(filename: str, read: Callable[[], HeldFile]) -> Response:
    reader = current_reader()
    found = read_current(session(), read)
    require_reader(reader, current_settings().read, found.package_id)
    _require_offered(found)
    if filename.endswith(_PROVENANCE):
        return answer_provenance(
            provenance_of(session(), found.package_id, found.version, found.filename)
        )
    is_metadata = filename.endswith(_METADATA)
    response = _metadata(found) if is_metadata else _bytes(found, reader)
    keep_small(response, found, is_metadata=is_metadata)
    return response


def _require_offered(found: HeldFile) -> None:
    """Allow to send anything of the file; what refuses it raises, with what installers print."""
    if found.status is PackageStatus.QUARANTINED:
        raise QuarantinedError(found)
    if found.is_mirrored:
        rules = rules_of_token(session(), found.rules_token)
        require_allowed(session(), found.package_id, found.filename, rules_now=rules)


def _bytes(found: HeldFile, reader: Identity | None) -> Response:
    if found.held_reason is not None:
        # Only the bytes: with the metadata tools go on to tell why the release is yanked.
        raise OnHoldError(found.held_reason)
    record = partial(
        recording(found),
        address=request.remote_addr,
        user_agent=request.headers.get("User-Agent", ""),
        user_id=reader.user.id if reader else None,
        token_id=reader.token.id if reader and reader.token else None,
    )
    if found.is_mirrored:
        return send_mirrored(session(), found, record)
    assert found.storage_key is not None
    assert found.sha256 is not None
    return send_stored(
        found.storage_key,
        sha256=found.sha256,
        last_modified=found.uploaded_at,
        on_whole=record,
        may_redirect=True,
    )


def _metadata(found: HeldFile) -> Response:
    if found.is_mirrored:
        return send_mirrored_metadata(session(), found)
    if found.metadata_sha256 is None or found.storage_key is None:
        raise UnknownFileError(f"{found.filename}{_METADATA}")
    return send_stored(
        metadata_key(found.storage_key),
        sha256=found.metadata_sha256,
        last_modified=found.uploaded_at,
    )
