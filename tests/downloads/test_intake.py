"""Records become rows once and only once, whatever is cut off and whoever else is at it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session
from tests.helpers.downloads import line, positions, summed, taken_in, write_spool

from packslip.db import db
from packslip.downloads import drain as drain_module
from packslip.downloads import intake
from packslip.downloads.drain import drain


def failing(*args: object, **kwargs: object) -> NoReturn:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("where", "call"),
    [(intake, "add_rows"), (intake, "sum_up"), (drain_module, "_remove"), (drain_module, "delete")],
)
def test_a_drain_that_is_cut_off_is_done_again_without_loss_or_doubles(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: ModuleType, call: str
) -> None:
    write_spool(tmp_path, line(1), line(2)).close()
    with monkeypatch.context() as patch:
        patch.setattr(where, call, failing)
        with pytest.raises(KeyboardInterrupt):
            drain(session, tmp_path)
    drain(session, tmp_path)
    assert taken_in(session) == [1, 2]
    assert summed(session) == 2


KILLED = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from packslip import connecting
from packslip.downloads import drain, intake
where, call = {"sum_up": (intake, "sum_up"), "_remove": (drain, "_remove")}[sys.argv[3]]
real = getattr(where, call)
def and_die(*args):
    real(*args)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(where, call, and_die)
engine = create_engine(sys.argv[1])
connecting.prepare(engine)
drain.drain(Session(engine), Path(sys.argv[2]))
"""


@pytest.mark.parametrize(("call", "there"), [("sum_up", 0), ("_remove", 3)])
def test_no_record_is_lost_or_doubled_when_the_process_that_drains_is_killed(
    session: Session, tmp_path: Path, call: str, there: int
) -> None:
    write_spool(tmp_path, line(1), line(2)).close()
    write_spool(tmp_path, line(3))
    url = db.engine.url.render_as_string(hide_password=False)
    killed = subprocess.run([sys.executable, "-c", KILLED, url, str(tmp_path), call], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(taken_in(session)) == there
    drain(session, tmp_path)
    assert taken_in(session) == [1, 2, 3]
    assert summed(session) == 3


def test_the_spools_of_a_drain_become_rows_together(session: Session, tmp_path: Path) -> None:
    writers = [write_spool(tmp_path, line(number)) for number in range(3)]
    commits = []
    event.listen(session, "after_commit", commits.append)
    assert drain(session, tmp_path).records == len(writers)
    assert len(commits) == 1
    assert positions(session) == [len(line(1)) + 1] * 3


def test_a_drain_that_fails_amid_many_records_keeps_what_was_committed(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "ENOUGH", 2)
    for first in (1, 3):
        write_spool(tmp_path, line(first), line(first + 1)).close()
    calls = iter([intake.sum_up, failing, intake.sum_up])

    def sum_up(session: Session, rows: list[Mapping[str, Any]]) -> None:
        next(calls)(session, rows)

    monkeypatch.setattr(intake, "sum_up", sum_up)
    with pytest.raises(KeyboardInterrupt):
        drain(session, tmp_path)
    assert len(taken_in(session)) == 2
    assert drain(session, tmp_path).records == 2
    assert taken_in(session) == [1, 2, 3, 4]
    assert summed(session) == 4


def test_nodes_that_drain_at_once_do_not_stop_each_other(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "ENOUGH", 1)
    packages = [f"package-{number}" for number in range(100)]
    nodes = [tmp_path / "one", tmp_path / "other"]
    for node, names in zip(nodes, (packages, packages[::-1]), strict=True):
        for _ in range(10):
            write_spool(node, *(line(1, package=name) for name in names)).close()
    engine = db.engine

    def run(node: Path) -> int:
        with Session(engine) as own:
            return drain(own, node).records

    with ThreadPoolExecutor() as pool:
        assert list(pool.map(run, nodes)) == [1000, 1000]
    assert summed(session) == len(taken_in(session)) == 2000
    assert summed(session, "package-7") == 20
