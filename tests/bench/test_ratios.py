from __future__ import annotations

import pytest
from bench.ratios import ratios
from bench.results import Measurement


def measured(case: str, number: int, cpu: float, *, target: str = "packslip") -> Measurement:
    values = {"cpu_ms": cpu, "per_s": 1000 / cpu}
    return Measurement("mirror pages", target, case, number, values)


def test_each_round_is_compared_with_itself_and_the_median_counts() -> None:
    # The machine had twice as much to do in the second round.
    found = ratios(
        [
            measured("7 files, HTML, hosted", 0, 2.0),
            measured("7 files, HTML, mirrored", 0, 2.1),
            measured("7 files, HTML, hosted", 1, 4.0),
            measured("7 files, HTML, mirrored", 1, 4.2),
            measured("7 files, HTML, hosted", 2, 2.0),
            measured("7 files, HTML, mirrored", 2, 9.0),
        ]
    )
    assert [(one.target, one.case) for one in found] == [("packslip", "7 files, HTML")]
    assert found[0].cpu == pytest.approx(1.05)
    assert found[0].per_s == pytest.approx(1 / 1.05)
    assert found[0].holds


def test_the_best_load_of_each_way_counts_in_a_round() -> None:
    found = ratios(
        [
            measured("its .metadata, hosted", 0, 1.0),
            measured("its .metadata, mirrored", 0, 1.5),
            measured("its .metadata, mirrored", 0, 1.9),
            measured("its .metadata, hosted", 0, 1.0),
        ]
    )
    assert found[0].cpu == pytest.approx(1.5)
    assert not found[0].holds


def test_what_was_measured_in_one_way_only_has_no_ratio() -> None:
    given = [measured("7 files, HTML, mirrored", 0, 1, target="proxpi"), measured("uv, cold", 0, 1)]
    assert ratios(given) == []
