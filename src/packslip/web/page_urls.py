"""Addresses in pages: a page has dozens, and most are those of the page before."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask import Flask, request
from flask import url_for as build

#: Addresses that are remembered.
_MOST = 4096

#: Types of values that stand for themselves in an address.
_PLAIN = frozenset({str, int, type(None)})


def init_app(app: Flask) -> None:
    """Let templates build addresses, and build the same ones once."""
    # Only the part of the address under which the application stands differs between requests.
    remembered = lru_cache(_MOST)(_build)

    def url_for(endpoint: str, **values: Any) -> str:
        if endpoint.startswith(".") or not _PLAIN.issuperset(map(type, values.values())):
            return build(endpoint, **values)
        return remembered(request.script_root, endpoint, tuple(values.items()))

    app.jinja_env.globals["url_for"] = url_for


def _build(_: str, endpoint: str, values: tuple[tuple[str, Any], ...]) -> str:
    return build(endpoint, **dict(values))
