"""Short texts that people give: rules for them, and how to repeat them."""

from __future__ import annotations

import unicodedata

from packslip.errors import InvalidError

#: Control characters, halves of characters, and the separators that break a line.
_REFUSED = {"Cc", "Cs", "Zl", "Zp"}


def one_line(text: str, what: str, limit: int) -> str:
    """The text without space around it.

    Raises:
        InvalidError: it has more than one line, control characters, or more than `limit`
            characters. The reason begins with `what`, such as "The reason".
    """
    text = text.strip()
    if len(text) > limit:
        raise InvalidError(f"{what} may have at most {limit} characters, not {len(text)}.")
    if any(unicodedata.category(character) in _REFUSED for character in text):
        raise InvalidError(f"{what} must be one line without control characters.")
    return text


def brief(text: str, limit: int = 100) -> str:
    """Text from a stranger as part of a sentence: one line of printable ASCII, cut at `limit`."""
    shown = ascii(text)[1:-1]
    return shown if len(shown) <= limit else shown[:limit] + "..."
