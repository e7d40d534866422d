"""What the name of a team may look like."""

from __future__ import annotations

import re

LONGEST_NAME = 40

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def is_team_name(text: str) -> bool:
    """Whether the text can be the name of a team, which stands in addresses."""
    return len(text) <= LONGEST_NAME and _NAME.fullmatch(text) is not None
