from __future__ import annotations

import io
from pathlib import Path

from bench.machine import file_system
from bench.report import report, shown
from bench.results import Measurement, Results, summarise
from rich.console import Console


def measured(case: str, number: int, *, target: str = "packslip", **values: float) -> Measurement:
    return Measurement("memory", target, case, number, values, {"added_mb": 64})


def results(*measurements: Measurement) -> Results:
    return Results({"cpu": "2 x some"}, {"rounds": 3}, list(measurements), ["a [note]"])


def printed(found: Results, *, markdown: bool = False) -> str:
    stream = io.StringIO()
    report(found, Console(file=stream, width=120), markdown=markdown)
    return stream.getvalue()


def test_the_median_is_taken_per_case_and_target() -> None:
    summaries = summarise(
        [
            measured("upload", 0, added_mb=9),
            measured("upload", 0, target="other", added_mb=50),
            measured("upload", 1, added_mb=1),
            measured("upload", 2, added_mb=5),
            measured("download", 0, added_mb=2),
        ]
    )

    assert [(s.case, s.target, s.rounds, s.values["added_mb"]) for s in summaries] == [
        ("upload", "packslip", 3, 5),
        ("upload", "other", 1, 50),
        ("download", "packslip", 1, 2),
    ]


def test_a_failure_in_one_round_is_not_lost_in_the_median() -> None:
    (summary,) = summarise([measured("a", n, failures=float(n == 1), per_s=n) for n in range(3)])

    assert summary.values == {"failures": 1, "per_s": 1}


def test_a_limit_is_broken_by_its_worst_round() -> None:
    found = results(*(measured("upload", n, added_mb=mb) for n, mb in enumerate([3, 64, 5])))

    (limit,) = found.limits()
    assert (limit.worst, limit.below, limit.kept) == (64, 64, False)
    assert "Limit BROKEN" in printed(found)


def test_a_limit_that_every_round_keeps_is_kept() -> None:
    found = results(measured("upload", 0, added_mb=63.9))

    assert found.limits()[0].kept
    assert "Limit kept" in printed(found)


def test_results_come_back_from_their_file_as_they_were(tmp_path: Path) -> None:
    found = results(measured("upload", 0, added_mb=3.5))
    found.save(tmp_path / "results.json")

    assert Results.load(tmp_path / "results.json") == found


def test_a_report_shows_machine_options_numbers_and_notes() -> None:
    text = printed(results(measured("upload", 0, added_mb=3.456)))

    for part in ("cpu: 2 x some", "rounds: 3", "added MB", "3.5", "a [note]"):
        assert part in text
    assert "packslip" not in text.partition("Limit")[0]


def test_a_report_of_several_servers_names_them() -> None:
    both = results(measured("a", 0, rss_mb=1), measured("a", 0, target="other", rss_mb=2))
    both = Results(both.machine, both.options, [
        Measurement(m.suite, m.target, m.case, m.round, m.values) for m in both.measurements
    ], [])  # fmt: skip

    text = printed(both, markdown=True)
    assert "| case | server " in " ".join(text.split())
    assert "other" in text


def test_numbers_have_the_places_that_are_asked_for() -> None:
    assert [shown(1234.56, 0), shown(0.126, 2), shown(None, 1)] == ["1,235", "0.13", ""]


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    mounts = f"a / ext4 rw 0 0\nb {tmp_path} tmpfs rw 0 0\nc {tmp_path}/other xfs rw 0 0\n"

    assert file_system(tmp_path / "deep", mounts) == "tmpfs"
    assert file_system(Path("/"), mounts) == "ext4"
