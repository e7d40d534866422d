"""What pages show of the index as a whole."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session
from tests.helpers.packages import add_package

from packslip.site import queries


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
