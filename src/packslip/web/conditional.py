"""Answers that a client may keep, but asks about before it uses them again (RFC 9111)."""

from __future__ import annotations

from hashlib import sha256

from flask import request
from werkzeug import Response
from werkzeug.http import parse_etags

from packslip.setting_choices import Read
from packslip.web.context import current_settings


def revalidated(body: bytes, content_type: str, encoding: str | None = None) -> Response:
    """Return the body with a strong ETag, or 304 to a client that already has it.

    No cache may use it without asking: what changed shows in the very next answer. `encoding` is
    the content coding that the body has.
    """
    response = Response(body, content_type=content_type)
    if encoding is not None:
        response.content_encoding = encoding
    # The same bytes under another type are another representation (RFC 9110, 8.8.3).
    response.set_etag(sha256(content_type.encode() + b"\0" + body).hexdigest())
    response.cache_control.no_cache = True
    if current_settings().read is Read.MEMBERS:
        response.cache_control.private = True
        response.vary.add("Authorization")
    return answer_conditionally(response)


def answer_conditionally(response: Response) -> Response:
    """Answer what the request says of the ETag that it knows, to GET and HEAD (RFC 9110, 13).

    With `If-Match` it wants this representation or none: 412 without a body if it is another one.
    werkzeug would answer that to `*` as well, which stands for any.
    """
    known = parse_etags(request.headers.get("If-Match"))
    etag, is_weak = response.get_etag()
    if known and not known.star_tag and (is_weak or not known.is_strong(etag or "")):
        response.set_data(b"")
        response.status_code = 412
        return response
    others = {name: value for name, value in request.environ.items() if name != "HTTP_IF_MATCH"}
    return response.make_conditional(others)


def vary_by_reader(response: Response, is_for_some: bool) -> None:
    """Tell caches that other readers are answered otherwise, and to share nothing that is for some.

    A shared cache would hand what a member was shown to everybody.
    """
    response.vary.add("Authorization")
    if is_for_some:
        response.cache_control.private = True
