"""Logs: for people on a terminal, one JSON object a line otherwise; always on standard error."""

from __future__ import annotations

import sys
from typing import TextIO

import structlog


class _StandardError:
    """Standard error as it is at the moment of writing, whoever has redirected it."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def configure_logs(stream: TextIO | None = None) -> None:
    """Set up structlog for this process.

    Tracebacks come without the values of variables, which may be passwords and tokens.
    """
    target = stream or sys.stderr
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if target.isatty():
        processors.append(
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        )
    else:
        processors += [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    structlog.configure(
        processors=processors,
        logger_factory=structlog.WriteLoggerFactory(stream or _StandardError()),  # type: ignore[arg-type]
    )
