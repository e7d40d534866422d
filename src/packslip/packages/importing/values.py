"""Values from documents of others: each gives something that can be stored, or nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

BIGGEST_SIZE = 2**63 - 1
LONGEST_URL = 2000

_HEX = re.compile(r"[0-9a-f]+")


def text(value: Any) -> str:
    """The text without space around it; empty when it is none, or `UNKNOWN`.

    Databases take neither NUL nor halves of characters.
    """
    if not isinstance(value, str):
        return ""
    clean = value.replace("\0", "").encode("utf-8", "replace").decode().strip()
    return "" if clean == "UNKNOWN" else clean


def line(value: Any) -> str:
    """The text with each run of spaces, line breaks and control characters as one space."""
    return " ".join("".join(c if c.isprintable() else " " for c in text(value)).split())


def texts(value: Any) -> list[str]:
    """The texts of a list, or the one text that stands in its place, without empty ones."""
    values = value if isinstance(value, list) else [value]
    return [shown for shown in map(text, values) if shown]


def size(value: Any) -> int:
    """The number of bytes; 0 when it is none."""
    is_size = isinstance(value, int) and 0 <= value <= BIGGEST_SIZE
    return int(value) if is_size else 0


def digest(value: Any, length: int) -> str | None:
    """The hexadecimal digest of that many digits."""
    shown = text(value).lower()
    return shown if len(shown) == length and _HEX.fullmatch(shown) else None


def web_address(value: Any) -> str | None:
    """The address, if it is one of the web."""
    shown = text(value)
    try:
        parts = urlsplit(shown)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return None
    is_clean = shown.isprintable() and " " not in shown and len(shown) <= LONGEST_URL
    return shown if is_address and is_clean else None


def moment(value: Any) -> datetime | None:
    """The moment in ISO 8601, taken as UTC where no zone is named."""
    try:
        when = datetime.fromisoformat(text(value))
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
