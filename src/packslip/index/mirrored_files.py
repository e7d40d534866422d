"""Answers made of mirrored files, whose bytes come from upstream while they are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flask import request
from sqlalchemy.orm import Session
from werkzeug import Response

from packslip.db import write_transaction
from packslip.index.held_files import HeldFile
from packslip.mirror.file_operations import note_lost, note_lost_metadata, note_use
from packslip.mirror.file_queries import NotInBundleError, came_by_bundle, wanted_file
from packslip.mirror.following import Following, NothingCameError, follow
from packslip.mirror.metadata import provide_metadata
from packslip.mirror.waiting import a_place
from packslip.storage.protocol import MissingBytesError, kept_metadata_key
from packslip.web.metrics import current_metrics
from packslip.web.stored import blank_answer, send_stored

#: Seconds for which a client that asks for a part waits until the file is held; it gets the whole
#: file otherwise.
PART_PATIENCE = 10.0

#: Seconds for which a client waits that could not tell an end from a break.
WHOLE_PATIENCE = 60.0


def send_mirrored(session: Session, found: HeldFile, on_whole: Callable[[], None]) -> Response:
    """Answer with the bytes of a mirrored file: held ones, or those that come from upstream.

    Nothing wrong and nothing short is sent as if it were the whole: the last bytes go out once all
    of them were verified, and the connection is cut otherwise. `on_whole` is as in `send_stored`.

    Raises:
        PackslipError: the file could not be fetched, and nothing of it was sent.
    """
    held = _send_held(session, found, on_whole)
    count = current_metrics().mirror_answers.labels
    if held is not None:
        count("file", "kept").inc()
        return held
    if came_by_bundle(session, found.package_id):
        raise NotInBundleError(found.filename)
    response = _blank(found)
    if response.status_code != 200:
        return response
    if request.method == "HEAD" and found.size:
        response.content_length = found.size
        return response
    wanted = wanted_file(session, found.id)
    # The answer may take long, and the connections of the database are few.
    session.rollback()
    following = follow(wanted)
    try:
        with a_place():
            following.begin()
            kept = _send_kept(session, found, following, on_whole)
            if kept is None and not _can_tell_break(following):
                _finish(following)
    except BaseException:
        count("file", "failed").inc()
        following.close()
        raise
    count("file", "fetched").inc()
    if kept is not None:
        following.close()
        return kept
    if following.length is not None:
        response.content_length = following.length
    response.call_on_close(following.close)
    if request.method != "HEAD":
        response.response = _send(following, on_whole)
    return response


def send_mirrored_metadata(session: Session, found: HeldFile) -> Response:
    """Answer with the metadata of a mirrored file, from upstream or out of the wheel.

    Raises:
        PackslipError: there is none, or it could not be fetched.
    """
    sha256 = found.metadata_sha256 if found.metadata_kept else None
    if sha256 is not None:
        current_metrics().mirror_answers.labels("metadata", "kept").inc()
    try:
        return _send_metadata(sha256 or _provide_metadata(session, found), found)
    except MissingBytesError:
        with write_transaction(session):
            note_lost_metadata(session, found.id)
        return _send_metadata(_provide_metadata(session, found), found)


def _blank(found: HeldFile) -> Response:
    if found.sha256 is not None:
        return blank_answer(found.sha256, found.uploaded_at)
    response = Response(mimetype="application/octet-stream")
    # Nobody knows yet which bytes belong to this address.
    response.cache_control.no_store = True
    return response


def _send_held(session: Session, found: HeldFile, on_whole: Callable[[], None]) -> Response | None:
    """The answer from the storage; None when the bytes are not there."""
    if found.storage_key is None or found.sha256 is None:
        return None
    note_use(session, found.id, found.used_at)
    try:
        return send_stored(
            found.storage_key,
            sha256=found.sha256,
            last_modified=found.uploaded_at,
            on_whole=on_whole,
            may_redirect=True,
        )
    except MissingBytesError:
        if came_by_bundle(session, found.package_id):
            raise
        # Upstream still has them.
        with write_transaction(session):
            note_lost(session, found.id, found.storage_key)
        return None


def _send_kept(
    session: Session, found: HeldFile, following: Following, on_whole: Callable[[], None]
) -> Response | None:
    """The answer from the storage for a file that came there meanwhile; None for all others.

    Who asks for a part waits for that.
    """
    asks_for_part = request.method == "GET" and "Range" in request.headers
    if not (following.is_kept or (asks_for_part and following.keep(PART_PATIENCE))):
        return None
    wanted = wanted_file(session, found.id)
    session.rollback()
    if wanted.storage_key is None or wanted.sha256 is None:
        # The storage did not take it.
        return None
    return send_stored(
        wanted.storage_key,
        sha256=wanted.sha256,
        last_modified=found.uploaded_at,
        on_whole=on_whole,
        may_redirect=True,
    )


def _can_tell_break(following: Following) -> bool:
    """Whether the client would see that the connection is cut before the end."""
    return following.length is not None or request.environ["SERVER_PROTOCOL"] == "HTTP/1.1"


def _finish(following: Following) -> None:
    if not following.finish(WHOLE_PATIENCE):
        raise NothingCameError(following.wanted.filename, WHOLE_PATIENCE)


def _provide_metadata(session: Session, found: HeldFile) -> str:
    outcome = "failed"
    try:
        sha256 = provide_metadata(session, found.id).metadata_sha256
        outcome = "fetched"
    finally:
        current_metrics().mirror_answers.labels("metadata", outcome).inc()
    assert sha256 is not None
    return sha256


def _send_metadata(sha256: str, found: HeldFile) -> Response:
    return send_stored(
        kept_metadata_key(sha256, found.filename),
        sha256=sha256,
        last_modified=found.uploaded_at,
    )


def _send(following: Following, on_whole: Callable[[], None]) -> Iterator[bytes]:
    for block, is_last in following.blocks():
        if is_last:
            on_whole()
        yield block
