"""What a username may look like."""

from __future__ import annotations

import re

MAX_LENGTH = 80

_USERNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


def is_username(text: str) -> bool:
    """Whether the text can be a username: ASCII, so that no two names look alike.

    It is letters, digits, dots, hyphens and underscores, with a letter or digit at both ends.
    """
    return len(text) <= MAX_LENGTH and _USERNAME.fullmatch(text) is not None
