"""Traces for OpenTelemetry, where somebody collects them: what a request spent its time on.

Off, nothing of the library is imported, and what can be traced asks for one variable. On, each
worker has an exporter of its own, made after the fork: its thread would not outlive one.

Spans have routes, statements without their parameters, and names of hosts: no path, no query, no
name of a person or package, and no header but the trace that a trusted proxy began (W3C).
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog
from flask import Flask, Response, request
from sqlalchemy import Engine, event

from packslip.errors import SettingsError
from packslip.storage.protocol import Storage
from packslip.web.measuring import current_method, current_route

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

#: Variables of OpenTelemetry, each of which turns traces on.
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

_SPAN, _TOKEN = "packslip.span", "packslip.span_token"

#: What is done with a storage and may take time.
_STORAGE = ("put", "put_bytes", "open", "delete", "exists", "check")

#: Seconds that a collector is given to take spans, and the end of a process may wait for that.
_PATIENCE = 5

#: Characters of a statement that are told.
_LONGEST = 2000

log = structlog.get_logger(__name__)


class _Process:
    """What this process traces with; nothing while traces are off."""

    provider: TracerProvider | None = None
    tracer: Tracer | None = None


def is_wanted(address: str) -> bool:
    """Whether traces are on, with that `PACKSLIP_OTEL`."""
    return bool(address) or any(os.environ.get(name) for name in ENDPOINTS)


def require_library() -> None:
    """See to it that the library is there.

    Raises:
        SettingsError: it is not.
    """
    try:
        import opentelemetry.exporter.otlp.proto.http  # noqa: PLC0415 - an extra
        import opentelemetry.sdk.trace  # noqa: F401, PLC0415 - an extra
    except ImportError:
        why = "Traces need a library: pip install 'packslip[otel]'."
        raise SettingsError([why]) from None


def init_app(app: Flask) -> None:
    """Trace each request of the application once its process traces."""
    app.before_request(_begin)
    app.after_request(_tell)
    app.teardown_request(_leave)


def start(address: str, version: str) -> None:
    """Begin to trace in this process, which must not be forked any more.

    Spans go to `address`, or where OpenTelemetry's own variables say; they say how much, too.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - an extra
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - an extra

    resource = {"service.version": version}
    if not os.environ.get("OTEL_SERVICE_NAME"):
        resource["service.name"] = "packslip"
    exporter = OTLPSpanExporter(
        endpoint=f"{address.rstrip('/')}/v1/traces" if address else None,
        timeout=None if os.environ.get("OTEL_EXPORTER_OTLP_TIMEOUT") else _PATIENCE,
    )
    _log_as_we_do()
    # It is ended by `stop`, in time for gunicorn.
    provider = TracerProvider(resource=Resource.create(resource), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _Process.provider, _Process.tracer = provider, provider.get_tracer("packslip", version)


def stop() -> None:
    """Send what is left, and trace no more."""
    provider, _Process.provider, _Process.tracer = _Process.provider, None, None
    if provider is not None:
        provider.force_flush(_PATIENCE * 1000)
        provider.shutdown()


@contextmanager
def span(name: str, kind: str = "INTERNAL", **attributes: str | int) -> Iterator[None]:
    """Trace the block, as a part of what is under way; `__` in attributes stands for a dot.

    An error is told by the name of its class alone: its text may have more in it.
    """
    if _Process.tracer is None:
        yield
        return
    from opentelemetry.trace import SpanKind, use_span  # noqa: PLC0415 - an extra

    begun = _Process.tracer.start_span(
        name,
        kind=SpanKind[kind],
        attributes={key.replace("__", "."): value for key, value in attributes.items()},
    )
    try:
        with use_span(begun, record_exception=False, set_status_on_exception=False):
            yield
    except BaseException as error:
        _note_failure(begun, type(error).__name__)
        raise
    finally:
        begun.end()


def watch_statements(engine: Engine) -> None:
    """Trace what the database is asked, by the texts of statements without their parameters."""
    system = {"postgresql": "postgresql", "sqlite": "sqlite"}.get(engine.dialect.name, "other_sql")

    def begin(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        tracer = _Process.tracer
        if tracer is not None:
            from opentelemetry.trace import SpanKind  # noqa: PLC0415 - an extra

            words = statement.split(None, 1)
            connection.info.setdefault(_SPAN, []).append(
                tracer.start_span(
                    words[0].upper() if words else "statement",
                    kind=SpanKind.CLIENT,
                    attributes={"db.system.name": system, "db.query.text": statement[:_LONGEST]},
                )
            )

    def end(connection: Any, *_: Any) -> None:
        if connection.info.get(_SPAN):
            connection.info[_SPAN].pop().end()

    def fail(context: Any) -> None:
        spans = context.connection.info.get(_SPAN) if context.connection is not None else None
        if spans:
            _note_failure(spans[-1], type(context.original_exception).__name__)
            spans.pop().end()

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)
    event.listen(engine, "handle_error", fail)


def watch_storage(storage: Storage) -> None:
    """Trace what the storage is asked, without the keys."""

    def traced(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def wrapped(*arguments: Any, **options: Any) -> Any:
            with span(f"storage {name}", packslip__storage=type(storage).__name__):
                return method(*arguments, **options)

        return wrapped

    for name in _STORAGE:
        setattr(storage, name, traced(name, getattr(storage, name)))


def _begin() -> None:
    if _Process.tracer is None:
        return
    from opentelemetry import context, trace  # noqa: PLC0415 - an extra

    begun = _Process.tracer.start_span(
        f"{current_method()} {current_route()}",
        context=_from_proxy(),
        kind=trace.SpanKind.SERVER,
        attributes={
            "http.request.method": current_method(),
            "http.route": current_route(),
            "url.scheme": request.scheme,
        },
    )
    request.environ[_SPAN] = begun
    request.environ[_TOKEN] = context.attach(trace.set_span_in_context(begun))
    trace_id = trace.format_trace_id(begun.get_span_context().trace_id)
    structlog.contextvars.bind_contextvars(trace_id=trace_id)


def _from_proxy() -> Context:
    """The trace that a trusted proxy began; that of nobody else, who could have all be kept."""
    from opentelemetry.context import Context  # noqa: PLC0415 - an extra
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - an extra
        TraceContextTextMapPropagator,
    )

    given = request.headers.get("traceparent")
    if given is None or "werkzeug.proxy_fix.orig" not in request.environ:
        return Context()
    return TraceContextTextMapPropagator().extract({"traceparent": given}, Context())


def _tell(response: Response) -> Response:
    begun: Span | None = request.environ.get(_SPAN)
    if begun is not None:
        begun.set_attribute("http.response.status_code", response.status_code)
        if response.status_code >= 500:
            _note_failure(begun, str(response.status_code))
        # What is streamed belongs to it.
        response.call_on_close(begun.end)
    return response


def _leave(error: BaseException | None) -> None:
    token = request.environ.pop(_TOKEN, None)
    if token is not None:
        from opentelemetry import context  # noqa: PLC0415 - an extra

        context.detach(token)


def _note_failure(begun: Span, kind: str) -> None:
    from opentelemetry.trace import StatusCode  # noqa: PLC0415 - an extra

    begun.set_status(StatusCode.ERROR)
    begun.set_attribute("error.type", kind)


class _Forwarder(logging.Handler):
    """Lets the library's complaints, about a collector that is away, be lines of our log."""

    def emit(self, record: logging.LogRecord) -> None:
        log.warning("traces", problem=record.getMessage()[:300])


def _log_as_we_do() -> None:
    logger = logging.getLogger("opentelemetry")
    if not logger.handlers:
        logger.addHandler(_Forwarder(logging.WARNING))
        logger.propagate = False
