"""Answers made of stored bytes."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import BinaryIO

import structlog
from flask import request
from werkzeug import Response
from werkzeug.http import is_resource_modified, parse_date, parse_range_header

from packslip.setting_choices import Read, StorageDownloads
from packslip.storage.protocol import MissingBytesError, StoredFile
from packslip.web.context import current_settings, current_storage
from packslip.web.handing_over import HEADER, address_for_proxy

#: Bytes at the end of a body that are held back until everything before them was sent.
LAST_BLOCK = 64 * 1024

#: For how long a client may begin to fetch what it was sent to.
LIFETIME = timedelta(minutes=5)

#: Seconds for which caches may keep what never changes.
_YEAR = 365 * 24 * 60 * 60

log = structlog.get_logger()


def send_stored(
    key: str,
    *,
    sha256: str,
    last_modified: datetime,
    on_whole: Callable[[], None] | None = None,
    may_redirect: bool = False,
) -> Response:
    """Answer with what is stored under `key`, whose digest is `sha256`, or with a part of it.

    Preconditions, single ranges and `If-Range` are honoured (RFC 9110, 13 and 14); what asks for
    several ranges gets the whole. Caches may keep the answer for ever.

    `on_whole` is called when the body is sent whole: once, after all of it but a last block went
    to the client's connection, and before that block does. So it is called for every client that
    got everything, whenever the process dies, and for none whose connection broke before. When the
    proxy sends the bytes instead (`packslip.web.handing_over`), it is called once it is told to.

    With `may_redirect` the client is sent to the object store, if that is set and there is one.
    `on_whole` is then called when it is sent there for the whole: nobody tells how it went on.

    Raises:
        MissingBytesError: there is nothing under the key.
    """
    response = blank_answer(sha256, last_modified)
    if response.status_code != 200:
        return response
    if may_redirect and request.method == "GET":
        redirection = _redirection(key)
        if redirection is not None:
            if on_whole is not None and "Range" not in request.headers:
                on_whole()
            return redirection
    stored = _open(key)
    is_file = on_whole is not None
    part = _requested_part(response, stored.size)
    if part is None:
        part = range(stored.size)
    elif not part:
        stored.close()
        return _not_satisfiable(response, stored.size)
    else:
        on_whole = None
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{stored.size}"
    by_proxy = address_for_proxy(key, stored) if request.method == "GET" and is_file else None
    if by_proxy is not None:
        return _hand_over(response, stored, by_proxy, on_whole)
    response.content_length = len(part)
    if request.method == "HEAD":
        stored.close()
    else:
        response.response = _send(stored, part, _socket(), on_whole)
        # For a client that is gone before the first block.
        response.call_on_close(stored.close)
    return response


def blank_answer(sha256: str, last_modified: datetime) -> Response:
    """An answer with the headers for bytes of that digest, which never change, and without them.

    Its status is another one than 200 when a precondition decides that no bytes are to follow.
    """
    response = Response(mimetype="application/octet-stream")
    # Whatever a browser might take the bytes for, they are nothing to show.
    response.headers["Content-Disposition"] = "attachment"
    response.set_etag(sha256)
    response.last_modified = last_modified
    response.accept_ranges = "bytes"
    _allow_caching(response)
    if not is_resource_modified(request.environ, f'"{sha256}"', last_modified=last_modified):
        response.status_code = 412 if request.if_match else 304
    return response


def _hand_over(
    response: Response, stored: StoredFile, address: str, on_whole: Callable[[], None] | None
) -> Response:
    """Have the proxy send the bytes, or the part of them that the client asks for."""
    stored.close()
    response.status_code = 200
    response.headers.pop("Content-Range", None)
    response.headers[HEADER] = address
    response.content_length = 0
    if on_whole is not None:
        on_whole()
    return response


def _open(key: str) -> StoredFile:
    try:
        return current_storage().open(key)
    except MissingBytesError:
        log.error("stored bytes are missing", key=key)
        raise


def _redirection(key: str) -> Response | None:
    if current_settings().storage_downloads is not StorageDownloads.REDIRECT:
        return None
    storage = current_storage()
    address = storage.signed_address(key, LIFETIME)
    if address is None:
        return None
    if not storage.exists(key):
        log.error("stored bytes are missing", key=key)
        raise MissingBytesError(key)
    response = Response(status=302, mimetype="text/plain")
    response.location = address
    # It is for this client alone, and soon worth nothing.
    response.cache_control.no_store = True
    return response


def _allow_caching(response: Response) -> None:
    response.cache_control.max_age = _YEAR
    response.cache_control.immutable = True
    if current_settings().read is Read.MEMBERS:
        response.cache_control.private = True
        response.vary.add("Authorization")
    else:
        response.cache_control.public = True


def _requested_part(response: Response, size: int) -> range | None:
    """The part that is asked for, empty if the content has no such part; None for the whole."""
    if request.method != "GET" or not _is_range_wanted(response):
        return None
    parsed = parse_range_header(request.headers.get("Range"))
    if parsed is None or parsed.units != "bytes" or len(parsed.ranges) != 1:
        return None
    start, stop = parsed.ranges[0]
    if start < 0:
        # The last bytes, of which there may be fewer.
        start = max(0, start + size)
    return range(start, size if stop is None else min(stop, size))


def _is_range_wanted(response: Response) -> bool:
    condition = request.headers.get("If-Range")
    if condition is None:
        return True
    # Strong comparison (RFC 9110, 13.1.5): a weak tag never fits.
    if condition == response.headers["ETag"]:
        return True
    return parse_date(condition) == response.last_modified


def _not_satisfiable(response: Response, size: int) -> Response:
    response.status_code = 416
    response.headers["Content-Range"] = f"bytes */{size}"
    response.headers["Cache-Control"] = "no-store"
    return response


def _socket() -> socket.socket | None:
    """The client's connection, when the server gives it and the body goes over it as it is."""
    found = request.environ.get("gunicorn.socket")
    is_http1 = request.environ.get("SERVER_PROTOCOL") in {"HTTP/1.0", "HTTP/1.1"}
    return found if is_http1 and isinstance(found, socket.socket) else None


def _send(
    stored: StoredFile,
    part: range,
    connection: socket.socket | None,
    on_whole: Callable[[], None] | None,
) -> Iterator[bytes]:
    with stored:
        held_back = max(part.start, part.stop - LAST_BLOCK)
        if connection is None or stored.local_file is None:
            yield from stored.read(part.start, held_back)
        elif part.start < held_back:
            # gunicorn sends the headers before the first block, even before an empty one. The rest
            # can then go from the file to the connection within the kernel.
            yield b""
            _sendfile(connection, stored.local_file, range(part.start, held_back))
        last_block = b"".join(stored.read(held_back, part.stop))
        if on_whole is not None:
            on_whole()
        yield last_block


def _sendfile(connection: socket.socket, file: BinaryIO, part: range) -> None:
    if connection.sendfile(file, part.start, len(part)) < len(part):
        raise MissingBytesError(file.name)
