"""Names that may be meant by one that nobody has."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence

from packaging.utils import canonicalize_name
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from packslip.packages.models import Package

#: Longer names are not compared; it takes too long.
LONGEST = 64

#: So many names are compared letter by letter.
COMPARED = 400

#: So many letters may a name be longer or shorter.
LENGTHS = 2

#: How much alike two names must be, from 0 to 1.
_ALIKE = 0.7


def nearest_names(session: Session, name: str, limit: int = 3) -> list[str]:
    """The normalised names of packages whose name is like this one, the most similar first.

    It costs the same however many packages there are: names that begin otherwise are not looked
    at.
    """
    sought = canonicalize_name(name)
    if not 2 <= len(sought) <= LONGEST or not sought.isascii():
        return []
    return most_alike(sought, limit, lambda letters: _beginning_with(session, letters, len(sought)))


def most_alike(
    sought: str, limit: int, beginning_with: Callable[[str], Sequence[str]]
) -> list[str]:
    """Those of the names with the same beginning that are like this one, the most similar first.

    `beginning_with` gives names that begin with some letters, at most `COMPARED`.
    """
    for shared in (sought[:3], sought[:1]):
        # Letters are left out, doubled and exchanged more often than taken for others.
        found = difflib.get_close_matches(sought, beginning_with(shared), limit, _ALIKE)
        if found:
            return found
    return []


def _beginning_with(session: Session, letters: str, length: int) -> list[str]:
    # The names between these two are read from the key's index alone.
    after = letters[:-1] + chr(ord(letters[-1]) + 1)
    query = (
        select(Package.id)
        .where(Package.id >= letters, Package.id < after)
        .where(func.length(Package.id).between(length - LENGTHS, length + LENGTHS))
        .order_by(Package.id)
        .limit(COMPARED)
    )
    return list(session.scalars(query))
