"""What pages show of the index as a whole."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.orm import Session
from tests.helpers.packages import add_package, add_release
from tests.helpers.statements import counted_statements

from packslip.packages.models import Package, Release
from packslip.site import queries


def add_mirrored(session: Session) -> None:
    """So many rows that no table is read as a whole where an index will do."""
    packages = [f"mirrored-{number:04}" for number in range(1000)]
    session.execute(
        insert(Package), [{"id": name, "name": name, "origin": "mirrored"} for name in packages]
    )
    releases: list[dict[str, Any]] = [
        {
            "package_id": name,
            "origin": "mirrored",
            "version": version,
            "canonical_version": version,
            "sort_key": version,
        }
        for name in packages
        for version in ("1", "2", "3")
    ]
    session.execute(insert(Release), releases)
    for name in ("demo", "other"):
        add_release(session, add_package(session, name))


def test_the_newest_hosted_ones_are_found_by_an_index(session: Session) -> None:
    """Not by going through all that was mirrored since."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
    add_mirrored(session)
    # What the planner of PostgreSQL knows of the tables otherwise hangs on when it last looked.
    session.execute(text("ANALYZE"))
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
