"""What people may type, and what they should not be able to do with it."""

from __future__ import annotations

import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from sqlalchemy.orm import Session
from tests.helpers.search import add_found, look_for, names

from packslip.packages.models import Package
from packslip.packages.search_texts import compact_name
from packslip.search.request import Sort

#: Examples share the index of their test, which none of them spoils.
with_one_index = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

HOSTILE = [
    "\0",
    "a\0b",
    "\ud800",
    "'; DROP TABLE packages; --",
    '"',
    '"""',
    '" OR "',
    "NEAR(a b)",
    "name:*",
    "{name}: x",
    "^flask",
    "a* -",
    "-",
    "-*",
    '-"',
    "flask -flask",
    "-flask",
    "a & b | !c <-> d:*A",
    "() ((",
    "AND OR NOT",
    "\\",
    "%",
    "_%_",
    "😀",
    "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL} flask",
    "1e5 0x1f 1.2.3 12e 3e5abc -5",
    "\N{MATHEMATICAL SCRIPT SMALL F}lask",
    "ß İ ǆ ﬁ",
    "x" * 10_000,
    "x " * 5_000,
    '"x ' * 3_000,
    "-x " * 3_000,
    "日本語 データ한국어",
    "\r\n\t\x1b[31m",
]


def test_nothing_that_is_typed_is_an_error(index: Session) -> None:
    others = itertools.cycle(sort for sort in Sort if sort is not Sort.RELEVANCE)
    for text in HOSTILE:
        look_for(index, text)
        # All of them find alike, and only order otherwise.
        look_for(index, text, sort=next(others))
    assert names(look_for(index, "\N{MATHEMATICAL SCRIPT SMALL F}lask"))[0] == "flask"
    assert names(look_for(index, "*%_")) == []
    left = names(look_for(index, "-flask"))
    assert "pandas" in left
    assert not {"flask", "flask-login", "django"} & set(left)


@with_one_index
@given(
    text=st.text(
        alphabet=st.one_of(st.characters(), st.sampled_from("\"-*:^(){}&|!<>'\\%_ab1")), max_size=40
    ),
    sort=st.sampled_from(Sort),
)
def test_no_text_at_all_is_an_error(index: Session, text: str, sort: Sort) -> None:
    look_for(index, text, sort=sort)


#: Names after PEP 508, of which numbers and signs are the awkward ones.
NAMES = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,30}[A-Za-z0-9])?", fullmatch=True)


@settings(with_one_index, max_examples=30)
@given(name=NAMES)
def test_a_package_is_found_first_by_its_own_name(session: Session, name: str) -> None:
    package_id = canonicalize_name(name)
    if session.get(Package, package_id) is None:
        add_found(session, name)
    for text in (name, package_id, f'"{name}"'):
        found = look_for(session, text)
        assert package_id in names(found)
        assert compact_name(names(found)[0]) == compact_name(package_id)
    for sort in (Sort.DATE, Sort.DOWNLOADS, Sort.NAME):
        assert package_id in names(look_for(session, name, sort=sort, per_page=100))
