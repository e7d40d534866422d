"""Keeping what the routes answer, see `packslip.index.finished`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, current_app, request
from werkzeug import Response

from packslip.index.finished import Basis, Finished, FinishedAnswers, Key, OnSent
from packslip.setting_choices import Read
from packslip.settings import Settings
from packslip.web.context import current_settings
from packslip.web.handing_over import HEADER
from packslip.web.measuring import current_route

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_MARK = "packslip.finished"

_EXTENSION = "packslip_finished"

#: Headers that each answer has of its own.
_OWN = frozenset({"date", "x-request-id"})

#: Headers that tell of a body, which a 304 leaves out (RFC 9110, 15.4.5).
_OF_BODY = ("Content-Type", "Content-Encoding", "Content-Length", "Last-Modified", HEADER)


@dataclass(frozen=True)
class _Mark:
    """What a route says of its answer."""

    basis: Basis
    route: str
    body: bytes
    #: Headers that a 304 leaves out.
    of_body: tuple[tuple[str, str], ...]
    on_sent: OnSent | None


def keep_finished(
    response: Response,
    body: bytes,
    basis: Basis,
    on_sent: OnSent | None = None,
) -> None:
    """Have the answer with that body kept, for others who say nothing of themselves.

    The stamp of what it rests on was read before it. `on_sent` is called whenever it is about to be
    sent again, with the client's address and `User-Agent`.
    """
    if not may_be_kept(response):
        return
    if on_sent is not None and not isinstance(current_settings().trusted_proxies, int):
        # Which of the addresses in the headers is the client's depends on who sends them.
        return
    told = {**dict(response.headers), "Content-Length": str(len(body))}
    of_body = tuple((name, told[name]) for name in _OF_BODY if name in told)
    request.environ[_MARK] = _Mark(basis, current_route(), body, of_body, on_sent)


def may_be_kept(response: Response) -> bool:
    """Whether the answer is the same for everybody who says nothing of themselves."""
    return (
        current_settings().read is Read.PUBLIC
        and response.status_code in {200, 304}
        and request.method == "GET"
        and not (request.query_string or request.cookies or "Authorization" in request.headers)
    )


def init_app(app: Flask, settings: Settings) -> None:
    """Keep what routes say may be kept."""
    answers = app.extensions[_EXTENSION] = FinishedAnswers(app, settings)
    app.wsgi_app = _Keeper(app.wsgi_app, answers)  # type: ignore[assignment,method-assign]


def current_answers() -> FinishedAnswers:
    """What the current application keeps."""
    return cast("FinishedAnswers", current_app.extensions[_EXTENSION])


class _Keeper:
    """Sees what goes out."""

    def __init__(self, wsgi: WSGIApplication, answers: FinishedAnswers) -> None:
        self._wsgi = wsgi
        self._answers = answers

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        def note(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            mark = environ.pop(_MARK, None)
            if mark is not None and status[:3] in {"200", "304"}:
                self._answers.keep(_key(environ), _finished(mark, headers))
            return start(status, headers, *more)

        return self._wsgi(environ, note)


def _key(environ: WSGIEnvironment) -> Key:
    path, accept, encoding = (
        environ.get(name, "").encode("latin-1")
        for name in ("RAW_URI", "HTTP_ACCEPT", "HTTP_ACCEPT_ENCODING")
    )
    return path, accept, encoding


def _finished(mark: _Mark, headers: Iterable[tuple[str, str]]) -> Finished:
    names = {name for name, _ in mark.of_body}
    others = [(name, value) for name, value in headers if name not in names]
    told = [(name, value) for name, value in others if name.lower() not in _OWN]
    return Finished(
        basis=mark.basis,
        route=mark.route,
        etag=dict(told)["ETag"].encode(),
        head=_lines([*mark.of_body, *told]),
        unchanged=_lines(told),
        body=mark.body,
        on_sent=mark.on_sent,
        is_for_proxy=any(name == HEADER for name, _ in mark.of_body),
    )


def _lines(headers: Iterable[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode("latin-1")
