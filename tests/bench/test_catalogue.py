from __future__ import annotations

from pathlib import Path

import pytest
from bench.catalogue import BATCH, Size, fill
from rich.console import Console
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tests.helpers.search import look_for

from bench import search
from packslip.packages.models import Package, Release


def test_an_index_of_the_size_that_was_asked_for_is_made_and_can_be_searched(
    session: Session,
) -> None:
    assert list(fill(session, Size(packages=60, releases=2, users=3))) == [60]
    counts = [session.scalar(select(func.count()).select_from(one)) for one in (Package, Release)]
    assert counts == [60, 120]
    assert look_for(session, "data").total > 3
    assert look_for(session).packages[0].downloads > 0


def test_every_search_is_timed_and_the_statements_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "LIMIT_MS", 0)
    with (tmp_path / "out").open("w") as out:
        url = f"sqlite:///{tmp_path / 'packslip.db'}"
        size = Size(packages=BATCH + 1, releases=1)
        kept = search.measure(url, tmp_path, size, 1, Console(file=out, width=110))
    shown = (tmp_path / "out").read_text()
    assert not kept
    assert all(name in shown for name in search.QUERIES)
