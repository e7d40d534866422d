"""Counting and timing requests, and logging them."""

from __future__ import annotations

import time
from enum import StrEnum

import structlog
from flask import Flask, Response, request

from packslip.setting_choices import LogRequests
from packslip.web.context import current_settings
from packslip.web.metrics import current_metrics

_BEGAN = "packslip.began"

#: What is counted for an address that leads nowhere.
NO_ROUTE = "none"


class Method(StrEnum):
    """The methods that are told apart."""

    GET = "GET"
    HEAD = "HEAD"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"
    OPTIONS = "OPTIONS"
    OTHER = "other"


_METHODS = frozenset(Method)

#: Parts of addresses that mails carry.
_SECRET_PARTS = frozenset({"secret", "token"})

log = structlog.get_logger("packslip.requests")


def current_route() -> str:
    """The pattern of the current request's address, such as `/simple/<package>/`."""
    return request.url_rule.rule if request.url_rule else NO_ROUTE


def current_method() -> str:
    """The method of the current request, or `other`."""
    return request.method if request.method in _METHODS else Method.OTHER


def init_app(app: Flask) -> None:
    """Measure each request, from before anything else is done with it."""
    app.before_request(_begin)
    app.after_request(_measure)


def _begin() -> None:
    request.environ[_BEGAN] = time.perf_counter()
    current_metrics().requests_under_way.inc()


def _measure(response: Response) -> Response:
    metrics, route, status = current_metrics(), current_route(), response.status_code
    seconds = time.perf_counter() - request.environ[_BEGAN]
    metrics.requests.labels(current_method(), route, status).inc()
    metrics.request_seconds.labels(route).observe(seconds)
    response.call_on_close(metrics.requests_under_way.dec)
    if current_settings().log_requests is LogRequests.ALL:
        log.info(
            "request",
            method=request.method,
            route=route,
            path=_path(),
            status=status,
            milliseconds=round(seconds * 1000, 1),
            size=response.content_length,
            address=request.remote_addr,
        )
    return response


def _path() -> str:
    """The request's path, without what stands there to be known by one person alone.

    Queries are left out for the same reason.
    """
    if request.url_rule is None:
        # Whoever mistypes an address may have had a secret in it.
        return "/" + request.path.removeprefix("/").partition("/")[0]
    is_secret = _SECRET_PARTS.intersection(request.url_rule.arguments)
    return request.url_rule.rule if is_secret else request.path
