from __future__ import annotations

import io
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from bench.curves import write_curves
from bench.figures import write_figures
from bench.goal_table import show_goals
from bench.goals import Row, judge
from bench.hosts import Host, by_project
from bench.peer_command import QUICK
from bench.peer_run import PeerRun
from bench.peers import version
from bench.results import Measurement, Results
from bench.server import Target
from rich.console import Console

from bench import nginx, peer_run

#: Another index: it lists the folders and files that are there.
PEER = (sys.executable, "-m", "http.server", "{port}", "--bind", "{host}", "--directory",
        "{data}/root")  # fmt: skip


def measured(target: str, case: str, suite: str = "peers", **values: float) -> Measurement:
    return Measurement(suite, target, case, 0, values)


def row_of(job: str, *found: Measurement) -> Row:
    return next(row for row in judge(found) if row.goal.job == job)


@pytest.mark.parametrize(("own", "holds"), [(0.10, True), (0.13, False)])
def test_a_page_is_held_against_the_best_peer_and_nginx(own: float, holds: bool) -> None:
    row = row_of(
        "simple page, 1 file, JSON",
        measured("packslip", "1 file, JSON", cpu_ms=own),
        measured("devpi", "1 file, JSON", cpu_ms=2.4),
        measured("proxpi", "1 file, JSON", cpu_ms=0.96),
        measured("nginx", "1 file, JSON", cpu_ms=0.01),
    )

    assert row.best == ("proxpi", 0.96)
    assert [one.allowed for one in row.judgements] == [pytest.approx(0.12)] * 2
    assert row.holds is holds


def test_what_was_not_measured_is_neither_reached_nor_missed() -> None:
    own = measured("packslip", "1 file, JSON", cpu_ms=0.1)
    nothing = row_of("simple page, 1 file, JSON", own)
    missed = row_of(
        "simple page, 1 file, JSON", own, measured("nginx", "1 file, JSON", cpu_ms=0.001)
    )

    assert nothing.holds is None
    assert missed.holds is False


def test_a_case_that_failed_counts_as_not_measured() -> None:
    row = row_of("cold start", measured("packslip", "start", seconds=0.5, failures=1))

    assert row.own is None
    assert row.holds is None


def test_growth_is_held_against_the_same_with_little() -> None:
    pages = {"79": 0.1, "100,000": 0.125}
    found = [
        measured("packslip", f"page, {n} packages", "sizes", cpu_ms=ms) for n, ms in pages.items()
    ]

    assert row_of("package page at 100,000 packages", *found).holds is False


def test_growth_is_drawn(tmp_path: Path) -> None:
    found = [
        measured("packslip", f"page, {n} packages", "sizes", cpu_ms=ms)
        for n, ms in (("79", 0.1), ("100,000", 0.125))
    ]

    (path,) = write_curves(found, tmp_path)
    drawn = ET.parse(path).getroot()
    points = drawn.find("{*}polyline")
    assert points is not None
    assert len(points.attrib["points"].split()) == 2
    assert "packslip: page" in "".join(drawn.itertext())


def test_figures_are_written_between_their_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Before\n<!-- figures -->\nstale\n<!-- end of figures -->\nAfter\n")
    found = Results({"cpu": "2 x some"}, {}, [measured("packslip", "start", seconds=0.5)], [])
    write_figures(found, page)
    write_figures(found, page)

    text = page.read_text()
    assert text.startswith("Before\n<!-- figures -->\ncpu: 2 x some\n")
    assert text.endswith("<!-- end of figures -->\nAfter\n")
    assert "stale" not in text
    assert text.count("| cold start (s)") == 1


@pytest.mark.parametrize("peer", peer_run.PEERS)
def test_each_peer_is_locked(peer: str) -> None:
    assert any(character.isdigit() for character in version(peer))


def test_the_documented_site_of_nginx_takes_other_ports(tmp_path: Path) -> None:
    nginx.in_front_of_packslip(tmp_path, port=4321, behind=4322, data=Path("/elsewhere"))

    site = (tmp_path / "nginx-site.conf").read_text()
    assert "server 127.0.0.1:4322;" in site
    assert "listen 127.0.0.1:4321 " in site
    assert "alias /elsewhere/files/;" in site
    assert "root /elsewhere/pages;" in site


def test_packslip_and_a_peer_are_measured_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def peer(_: Path) -> Host:
        target = Target("peer", PEER, {}, lambda _: None, "/", "/packages/", upload="")
        return Host(target, lambda server, files: _fill(server.data, files))

    def _fill(data: Path, files: object) -> None:
        (data / "root").mkdir()
        by_project(_Folder(data / "root"), files)  # type: ignore[arg-type]

    monkeypatch.setattr(nginx, "find", lambda: None)
    monkeypatch.setitem(peer_run.HOSTS, "pypiserver", peer)
    console = Console(file=io.StringIO(), width=200)
    run = PeerRun(None, {"pypiserver": tmp_path}, QUICK, console, ["pages"], [], place=tmp_path)
    results = run.run()

    assert not run.failed, results.notes
    targets = {one.target for one in results.measurements}
    assert targets >= {"packslip", "peer"}
    assert "nginx is not installed: nothing is compared with it" in results.notes
    assert all(one.values["requests"] for one in results.measurements)
    show_goals(Results.load(_saved(results, tmp_path)), console, markdown=True)


class _Folder:
    def __init__(self, data: Path) -> None:
        self.data = data

    def set_up(self) -> None:
        """It needs nothing."""


def _saved(results: Results, folder: Path) -> Path:
    results.save(folder / "results.json")
    return folder / "results.json"
