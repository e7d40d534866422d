"""`python -m bench peers`: Packslip beside other indexes, and which goals it reaches."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from bench.goal_table import show_goals
from bench.options import FOLDER, Names
from bench.peer_run import JOBS, PEERS, SIZES, PeerRun
from bench.peers import install
from bench.report import report
from bench.server import BenchError
from bench.suites import Options

#: Shows in some seconds whether everything works; its numbers say nothing.
QUICK = Options(rounds=1, seconds=0.2, connections=4, many=20, uploads=4, applications=())


@click.command("peers")
@click.option(
    "--peers",
    "wanted",
    type=Names(PEERS),
    default=",".join(PEERS),
    show_default=True,
    help="What to measure beside Packslip; installed from the locks in requirements/peers.",
)
@click.option(
    "--peer-venvs",
    "venvs",
    type=click.Path(file_okay=False, path_type=Path),
    default="build/peers",
    show_default=True,
    help="Where each peer has an environment of its own.",
)
@click.option(
    "--jobs",
    type=Names(JOBS),
    default=",".join(JOBS),
    show_default=True,
    help="What to measure, separated by commas.",
)
@click.option("--quick", is_flag=True, help="One very short round; does everything work?")
@click.option("--rounds", type=click.IntRange(1, 20), help="Rounds of which to take medians.")
@click.option("--seconds", type=click.FloatRange(0.1, 60), help="The length of one load.")
@click.option(
    "--sizes",
    type=Names([str(one) for one in SIZES]),
    default=",".join(map(str, SIZES)),
    show_default=True,
    help="Numbers of packages of which growth is measured.",
)
@click.option("--postgresql", help="An empty database to measure Packslip with, too.")
@click.option("--packslip", "command", help="The packslip command; default: beside this Python.")
@click.option("--clients", type=FOLDER, help="A bin folder with uv and pip; default: the PATH.")
@click.option("--place", type=FOLDER, help="Where the temporary data goes; default: TMPDIR.")
@click.option("--json", "output", type=click.Path(path_type=Path), help="Keep the results here.")
def measure_peers(
    *,
    wanted: list[str],
    venvs: Path,
    jobs: list[str],
    quick: bool,
    rounds: int | None,
    seconds: float | None,
    sizes: list[str],
    postgresql: str | None,
    command: str | None,
    clients: Path | None,
    place: Path | None,
    output: Path | None,
) -> None:
    """Measure Packslip beside other indexes, in turn, and show which goals hold.

    Exit code 1 means that Packslip could not be measured; a goal that is missed is a result.
    """
    options = QUICK if quick else Options(applications=())
    options = replace(
        options,
        rounds=rounds or options.rounds,
        seconds=seconds or options.seconds,
        clients=clients,
    )
    console = Console(width=None if sys.stdout.isatty() else 150)
    found, missing = {}, []
    for peer in wanted:
        try:
            found[peer] = install(peer, venvs.absolute(), clients)
        except BenchError as error:
            missing.append(str(error))
    numbers = [int(one) for one in sizes]
    work = PeerRun(command, found, options, console, jobs, numbers, postgresql, place)
    for problem in missing:
        work.note(problem)
    try:
        results = work.run()
    except BenchError as error:
        raise click.ClickException(str(error)) from error
    if output:
        results.save(output)
    report(results, console)
    show_goals(results, console)
    if work.failed:
        sys.exit(1)
