"""The units of systemd: commands that exist, and time to end."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import click
import pytest

from packslip.cli import packslip
from packslip.settings import load_settings, unknown_settings
from packslip.wsgi import GRACE

UNITS = Path(__file__).parents[2] / "deploy/systemd"
SERVICES = sorted(UNITS.glob("*.service"))
PROGRAM = "/opt/packslip/bin/packslip"

#: What systemd-analyze calls exposed is at 5 of 10 and above; 2 is hardly anything.
MOST_EXPOSED = 2.0


def read(path: Path) -> dict[str, list[str]]:
    """The settings of a unit, whose sections have no names in common here."""
    found = defaultdict(list)
    for line in path.read_text().splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found[name].append(value)
    return found


def commands(unit: dict[str, list[str]]) -> list[list[str]]:
    """What it has the program do."""
    lines = [*unit["ExecStart"], *unit["ExecReload"]]
    return [line.split()[1:] for line in lines if line.startswith(f"{PROGRAM} ")]


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_a_service_runs_commands_that_there_are(path: Path) -> None:
    unit = read(path)
    assert commands(unit)
    for name, *arguments in commands(unit):
        command = packslip.commands[name]
        command.make_context(name, arguments, parent=click.Context(packslip))
    environment = dict(pair.split("=") for pair in unit["Environment"][0].split())
    assert unknown_settings(environment) == []
    (state,) = unit["StateDirectory"]
    assert str(load_settings({**environment, "PACKSLIP_CONFIG": ""}).data) == f"/var/lib/{state}"


def test_the_server_gets_its_time_to_end_and_is_started_again() -> None:
    unit = read(UNITS / "packslip.service")
    (patience,) = unit["TimeoutStopSec"]
    assert int(patience) > GRACE + 10
    assert (unit["Type"], unit["Restart"]) == (["notify"], ["always"])
    # Whoever changes settings for the worse keeps the server that runs.
    assert unit["ExecReload"] == [f"{PROGRAM} settings", "/bin/kill -HUP $MAINPID"]


def test_the_timer_starts_a_service() -> None:
    for timer in UNITS.glob("*.timer"):
        assert timer.with_suffix(".service") in SERVICES
        assert read(timer)["WantedBy"] == ["timers.target"]


def test_systemd_finds_nothing_where_it_is_installed(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return
    for path in UNITS.iterdir():
        # It wants the programs to be there.
        text = path.read_text().replace(PROGRAM, sys.executable)
        (tmp_path / path.name).write_text(text)
    copies = [tmp_path / path.name for path in UNITS.iterdir()]
    done = subprocess.run(
        [analyze, "verify", "--man=no", *copies], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    for path in SERVICES:
        said = subprocess.run(
            [analyze, "security", "--offline=true", "--no-pager", tmp_path / path.name],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        (exposed,) = re.findall(r"exposure level for \S+: ([\d.]+)", said)
        assert float(exposed) < MOST_EXPOSED
