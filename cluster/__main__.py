"""The command: `python -m cluster`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click
from bench.machine import describe
from rich import box
from rich.console import Console
from rich.table import Table

from cluster.network import CannotMakeNetworkError
from cluster.nodes import Cluster
from cluster.programs import PASSWORD, MissingProgramError, require_programs
from cluster.trials import TRIALS, Outcome, check, undergo
from cluster.work import Work


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("trials", nargs=-1, type=click.Choice(list(TRIALS)), metavar="[TRIAL]...")
@click.option("--keep-logs", type=click.Path(path_type=Path), help="Copy the logs there.")
def cluster(*, trials: tuple[str, ...], keep_logs: Path | None) -> None:
    """Try what three nodes withstand; exit code 1 when something acknowledged was lost.

    It needs root, for namespaces of the network, and etcd, Patroni, PostgreSQL and HAProxy.
    """
    console = Console(width=None if sys.stdout.isatty() else 140)
    try:
        require_programs()
    except MissingProgramError as error:
        raise click.ClickException(f"missing programs: {error}") from error
    with tempfile.TemporaryDirectory(prefix="packslip-cluster-") as name:
        folder = Path(name)
        try:
            outcomes, work, faults = _run(folder, trials or tuple(TRIALS), console)
        except CannotMakeNetworkError as error:
            raise click.ClickException(f"no network can be made here: {error}") from error
        finally:
            if keep_logs:
                _copy_logs(folder, keep_logs)
    console.print(", ".join(f"{key}: {value}" for key, value in describe(Path("/tmp")).items()))
    console.print(_table(outcomes))
    promises = work.promises
    console.print(
        f"acknowledged: {len(promises.acknowledged)} uploads, {len(promises.notes)} notes, "
        f"{promises.completed} downloads, {work.installations} installations"
    )
    for fault in faults:
        console.print(fault, style="red", markup=False)
    console.print("lost: nothing" if not faults else f"faults: {len(faults)}")
    sys.exit(1 if faults else 0)


def _run(
    folder: Path, trials: tuple[str, ...], console: Console
) -> tuple[list[Outcome], Work, list[str]]:
    console.print("starting everything")
    with Cluster(folder) as made:
        node = made.nodes[0]
        words = ("user", "create", "ada", "--email", "ada@example.com", "--admin")
        node.command(*words, "--password-stdin", given=f"{PASSWORD}\n")
        upload = node.command("token", "create", "--user", "ada").strip()
        notes = node.command("token", "create", "--user", "ada", "--scope", "notes").strip()
        (folder / "work").mkdir()
        work = Work(made.url, [one.url for one in made.nodes], folder / "work", upload, notes)
        work.begin()
        outcomes = []
        try:
            for name in trials:
                console.print(f"[bold]{name}[/]")
                outcomes.append(undergo(name, made, work))
        finally:
            work.end()
        console.print("looking at what came of it")
        return outcomes, work, check(made, work)


def _table(outcomes: list[Outcome]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold")
    for column in ("trial", "seconds", "requests refused", "longest time without success, s"):
        table.add_column(column, justify="left" if column == "trial" else "right")
    for one in outcomes:
        table.add_row(one.name, f"{one.seconds:.0f}", str(one.failures), f"{one.longest_gap:.1f}")
    return table


def _copy_logs(folder: Path, place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for log in folder.glob("*/log"):
        (place / f"{log.parent.name}.log").write_bytes(log.read_bytes())


if __name__ == "__main__":
    cluster(prog_name="python -m cluster")
