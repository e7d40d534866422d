"""Absolute addresses."""

from __future__ import annotations

from packslip.web.context import current_settings


def base_url() -> str:
    """The address of this index without a final slash.

    It comes from the settings alone: a `Host` header is whatever the client wrote into it.
    """
    return current_settings().base_url or "http://127.0.0.1:8080"
