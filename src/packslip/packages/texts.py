"""Text from strangers, made fit for a sentence."""

from __future__ import annotations


def brief(text: str, limit: int = 100) -> str:
    """Return text as one line of printable ASCII, cut after `limit` characters."""
    shown = ascii(text)[1:-1]
    return shown if len(shown) <= limit else shown[:limit] + "..."
