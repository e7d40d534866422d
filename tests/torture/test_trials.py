"""A short form of each trial, with a real server; `make torture` runs them at length."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from torture.disk import CannotMountError
from torture.tally import Arena, Options, Tally
from torture.trials import TRIALS

#: The seed gives a blow of each kind.
SHORT = Options(rounds=4, clients=8, seconds=3, installers=1, held=2, seed=2, afresh=False)


def run(name: str, folder: Path, options: Options = SHORT) -> Tally:
    tally = Tally()
    try:
        TRIALS[name](Arena(folder, options, lambda text: None), tally)
    except CannotMountError as error:
        if os.environ.get("CI_REQUIRE_ALL") == "1":
            raise
        pytest.skip(f"only root may mount a small disk: {error}")
    assert not tally.faults, "\n".join(tally.faults)
    assert tally.survived
    return tally


def test_blows_of_each_kind_are_survived(tmp_path: Path) -> None:
    tally = run("kill", tmp_path)
    blows = {"blows at all", "blows at master", "blows at the start", "blows at worker"}
    assert blows <= set(tally.tried)


def test_a_full_disk_refuses_in_words_and_recovers(tmp_path: Path) -> None:
    tally = run("full disk", tmp_path)
    assert tally.lost["uploads refused with 507"] == 2
    assert tally.lost["notes refused with 507"] > 0


def test_a_read_only_disk_serves_and_refuses_to_start_in_a_line(tmp_path: Path) -> None:
    tally = run("read-only disk", tmp_path)
    assert tally.survived["starts on a read-only disk refused in one line"] == 1


def test_a_held_database_is_waited_for_and_read(tmp_path: Path) -> None:
    tally = run("held database", tmp_path)
    assert tally.survived["reads"] == tally.tried["reads"] > 0


def test_a_damaged_database_is_told_in_a_line(tmp_path: Path) -> None:
    tally = run("damaged database", tmp_path)
    assert tally.survived["starts refused in one line"] == 4
