"""What pages show of the index as a whole."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.helpers.packages import add_package
from tests.helpers.statements import counted_statements

from packslip.site import queries


def test_the_newest_hosted_ones_are_found_by_an_index(session: Session) -> None:
    """Not by going through all that was mirrored since."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
    if not is_sqlite:
        # It reads tables of this size as a whole otherwise.
        session.execute(text("SET LOCAL enable_seqscan = off"))
        session.execute(text("SET LOCAL enable_bitmapscan = off"))
        # What the index has sorted by time need only be sorted within a moment.
        session.execute(text("SET LOCAL enable_sort = off"))
    for read, index in (
        (queries.newest_releases, "ix_releases_origin_created_at"),
        (queries.newest_packages, "ix_packages_origin_created_at"),
    ):
        with counted_statements() as sent:
            read(session, 10)
        literal = sent[-1]
        for value in ("'hosted'", "10", "0"):
            literal = re.sub(r"%\(\w+\)s(::\w+)?|\?", value, literal, count=1)
        plan = [str(row) for row in session.execute(text(f"{explain} {literal}"))]
        assert any(index in step for step in plan), plan


def test_only_large_numbers_are_kept_for_a_while(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_package(session)
    assert queries.counts(session).packages == 1
    add_package(session, "other")
    assert queries.counts(session).packages == 2
    monkeypatch.setattr(queries, "LARGE", 2)
    add_package(session, "third")
    assert queries.counts(session).packages == 2
    monkeypatch.setattr(queries, "COUNTED_FOR", 0)
    assert queries.counts(session).packages == 3
