"""Names of packages that one may be taken for another by."""

from __future__ import annotations

import difflib

from packaging.utils import canonicalize_name
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from packslip.packages.models import Package, SearchEntry
from packslip.packages.nearest_names import nearest_names
from packslip.packages.search_texts import compact_name

#: So many are named.
MOST = 3

#: How much alike names must be that differ by more than signs that look the same, from 0 to 1.
_ALIKE = 0.85

#: Signs that look the same in many typefaces.
_SAME = str.maketrans({"i": "1", "l": "1", "o": "0"})
_ANY = str.maketrans(dict.fromkeys("il1o0", "_"))


def lookalikes(session: Session, name: str) -> list[str]:
    """The normalised names of packages whose name is easily taken for this one.

    They differ by separators, by signs that look the same (`1il`, `0o`), or by a slip of the hand.
    The name itself is not among them.
    """
    own = canonicalize_name(name)
    near = [
        other
        for other in nearest_names(session, own)
        if difflib.SequenceMatcher(None, own, other).ratio() >= _ALIKE
    ]
    found = [*_looking_the_same(session, own), *near]
    return [other for other in dict.fromkeys(found) if other != own][:MOST]


def looking_the_same(session: Session, name: str) -> str | None:
    """The normalised name of a package that differs from this one by signs alone that look alike.

    Unlike above, separators count: `foo-bar` and `foobar` look different.
    """
    own = canonicalize_name(name)
    query = (
        select(Package.id)
        .where(func.length(Package.id) == len(own), Package.id != own)
        # No normalised name holds a sign that means something to LIKE.
        .where(Package.id.like(own.translate(_ANY)))
        .order_by(Package.id)
    )
    looks = own.translate(_SAME)
    return next(
        (other for other in session.scalars(query) if other.translate(_SAME) == looks), None
    )


def _looking_the_same(session: Session, name: str) -> list[str]:
    compact = compact_name(name)
    query = (
        select(SearchEntry.package_id, SearchEntry.compact)
        .where(func.length(SearchEntry.compact) == len(compact))
        # What is left of a compact name holds no sign that means something to LIKE.
        .where(SearchEntry.compact.like(compact.translate(_ANY)))
        .order_by(SearchEntry.package_id)
        .limit(100)
    )
    looks = compact.translate(_SAME)
    return [other for other, form in session.execute(query) if form.translate(_SAME) == looks]
