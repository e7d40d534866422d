"""The check for tools: `POST /api/v1/check`."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, request
from werkzeug.datastructures import FileStorage

from packslip.accounts.readers import guard_reading
from packslip.check.documents import document
from packslip.check.queries import check_lock
from packslip.check.readers.locks import MAX_SIZE
from packslip.check.readers.reading import read_lock
from packslip.check.viewers import current_viewer
from packslip.db import session
from packslip.errors import InvalidError
from packslip.web.forgery import takes_no_cookies
from packslip.web.urls import base_url

blueprint = Blueprint("check_api", __name__)
# Nothing is changed, and another site's page cannot read the answer.
takes_no_cookies(blueprint)
guard_reading(blueprint)

#: Bytes of a request's body: one large file, and what is around it.
_LONGEST_BODY = MAX_SIZE + 64 * 1024


class NoLockFileError(InvalidError):
    """A request has no lock file, or none with a name."""

    def __init__(self) -> None:
        super().__init__(
            "Send lock files as parts named `file` of a multipart/form-data body, "
            "or one as the body with its name in ?filename=."
        )


@blueprint.post("/api/v1/check")
def check() -> Response:
    """Tell what there is to know about the pins of lock files. None of them is stored."""
    request.max_content_length = _LONGEST_BODY
    locks = [read_lock(name, content) for name, content in _files()]
    viewer = current_viewer()
    found = document([check_lock(session(), lock, viewer) for lock in locks], base_url())
    response = Response(msgspec.json.encode(found), mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def _files() -> list[tuple[str, bytes]]:
    if request.mimetype == "multipart/form-data":
        sent = [_content(file) for file in request.files.getlist("file")]
    else:
        sent = [(request.args.get("filename", ""), request.get_data())]
    if not sent or not all(name for name, _ in sent):
        raise NoLockFileError
    return sent


def _content(file: FileStorage) -> tuple[str, bytes]:
    content = file.read()
    file.close()
    return file.filename or "", content
