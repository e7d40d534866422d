"""The command: `python -m torture`."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import click
import msgspec
from bench.machine import describe
from rich.console import Console

from torture.report import markdown, report
from torture.tally import Options
from torture.trials import TRIALS, run

#: A run that takes two minutes, to see whether all is in order.
QUICK = Options(rounds=10, clients=16, seconds=10.0, installers=2, ends=1, large=100_000_000)

_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("trials", nargs=-1, type=click.Choice(list(TRIALS)), metavar="[TRIAL]...")
@click.option("--quick", is_flag=True, help="A short form of each trial.")
@click.option("--rounds", type=click.IntRange(1), help="Blows of the kill loop.")
@click.option("--clients", type=click.IntRange(1), help="Clients of the mixed load.")
@click.option("--seconds", type=click.FloatRange(1), help="For which the mixed load goes on.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of all that is random.")
@click.option("--place", type=_FOLDER, help="Where the data goes; default: TMPDIR.")
@click.option("--json", "json_file", type=_FILE, help="Keep the results there.")
@click.option("--markdown", "markdown_file", type=_FILE, help="Write the table there.")
def torture(
    *,
    trials: tuple[str, ...],
    quick: bool,
    rounds: int | None,
    clients: int | None,
    seconds: float | None,
    seed: int,
    place: Path | None,
    json_file: Path | None,
    markdown_file: Path | None,
) -> None:
    """Try what the index survives; exit code 1 when a trial failed or could not be run.

    Without TRIAL all of them are run, one after the other. Those that need a small disk of their
    own can be run by root alone.
    """
    options = QUICK if quick else Options()
    options = replace(
        options,
        rounds=rounds or options.rounds,
        clients=clients or options.clients,
        seconds=seconds or options.seconds,
        seed=seed,
    )
    console = Console(width=None if sys.stdout.isatty() else 150)
    machine = describe(place or Path(tempfile.gettempdir()))
    results = []
    for name in trials or TRIALS:
        console.print(f"[bold]{name}[/]")
        with console.status("") as status:
            results.append(run(name, options, place, status.update))
    report(results, machine, console)
    if json_file:
        told = {"machine": machine, "results": [result.data() for result in results]}
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(told)))
    if markdown_file:
        markdown_file.write_text(markdown(results, machine) + "\n")
    if not all(result.is_passed for result in results):
        sys.exit(1)


if __name__ == "__main__":
    torture(prog_name="python -m torture")
