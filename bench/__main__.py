"""The command: `python -m bench --help` lists what it measures."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from bench import growth, nodes, pages, recording, search
from bench.catalogue import Size
from bench.curves import write_curves
from bench.figures import write_figures
from bench.goal_table import show_goals
from bench.load import find_client
from bench.mirror_run import SUITES as MIRROR_SUITES
from bench.mirror_run import MirrorRun
from bench.options import FOLDER, Names
from bench.peer_command import measure_peers
from bench.peers import PEERS, install
from bench.report import report
from bench.results import Results
from bench.runner import Run
from bench.server import BenchError, packslip
from bench.suites import SUITES, Options

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

#: A run of a minute or two that shows whether everything works; its numbers are rough.
QUICK = Options(rounds=1, seconds=1.0, many=200, uploads=40)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def bench() -> None:
    """Measure Packslip on this machine."""


@bench.command()
@click.option(
    "--suite",
    "suites",
    type=Names(SUITES),
    default=",".join(SUITES),
    show_default=True,
    help="What to measure, separated by commas.",
)
@click.option("--quick", is_flag=True, help="One short round; rough numbers.")
@click.option("--rounds", type=click.IntRange(1, 20), help="Rounds of which to take medians.")
@click.option("--corpus", type=FOLDER, help="A folder of real distributions to add.")
@click.option(
    "--application",
    "applications",
    multiple=True,
    default=["flask"],
    show_default=True,
    help="What to install out of the real distributions; may be repeated.",
)
@click.option("--packslip", "command", help="The packslip command; default: beside this Python.")
@click.option("--clients", type=FOLDER, help="A bin folder with uv and pip; default: the PATH.")
@click.option(
    "--client",
    type=click.Choice(["auto", "python", "wrk"]),
    default="auto",
    show_default=True,
    help="What sends plain requests; auto: wrk where it is installed.",
)
@click.option("--place", type=FOLDER, help="Where the temporary data goes; default: TMPDIR.")
@click.option("--json", "output", type=click.Path(path_type=Path), help="Keep the results here.")
def run(
    *,
    suites: list[str],
    quick: bool,
    rounds: int | None,
    corpus: Path | None,
    applications: tuple[str, ...],
    command: str | None,
    clients: Path | None,
    client: str,
    place: Path | None,
    output: Path | None,
) -> None:
    """Measure, and show the results; exit code 1 when a limit was broken or a suite failed."""
    options = QUICK if quick else Options()
    options = replace(
        options,
        rounds=rounds or options.rounds,
        applications=applications,
        client=find_client(client),
        clients=clients,
    )
    console = _console()
    try:
        work = Run([packslip(command)], suites, options, console, corpus, place)
        results = work.run()
    except (BenchError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    if output:
        results.save(output)
    report(results, console)
    if work.failed or not all(limit.kept for limit in results.limits()):
        sys.exit(1)


@bench.command("mirror")
@click.option(
    "--suite",
    "suites",
    type=Names(MIRROR_SUITES),
    default=",".join(MIRROR_SUITES),
    show_default=True,
    help="What to measure, separated by commas.",
)
@click.option(
    "--peers",
    "wanted",
    type=Names(PEERS),
    default="",
    help=f"What to measure beside Packslip, separated by commas: {', '.join(PEERS)}. They are "
    "installed from the locks in requirements/peers.",
)
@click.option(
    "--peer-venvs",
    "venvs",
    type=click.Path(file_okay=False, path_type=Path),
    default="build/peers",
    show_default=True,
    help="Where each peer has an environment of its own.",
)
@click.option("--quick", is_flag=True, help="One short round; rough numbers.")
@click.option("--rounds", type=click.IntRange(1, 20), help="Rounds of which to take medians.")
@click.option("--packslip", "command", help="The packslip command; default: beside this Python.")
@click.option("--clients", type=FOLDER, help="A bin folder with uv and pip; default: the PATH.")
@click.option("--place", type=FOLDER, help="Where the temporary data goes; default: TMPDIR.")
@click.option("--json", "output", type=click.Path(path_type=Path), help="Keep the results here.")
def measure_mirrors(
    *,
    suites: list[str],
    wanted: list[str],
    venvs: Path,
    quick: bool,
    rounds: int | None,
    command: str | None,
    clients: Path | None,
    place: Path | None,
    output: Path | None,
) -> None:
    """Measure mirrors of one upstream on this machine, side by side.

    Exit code 1 when something failed, or a mirrored page or file of Packslip costs more than a
    hosted one.
    """
    options = QUICK if quick else Options()
    options = replace(options, rounds=rounds or options.rounds, clients=clients)
    console = _console()
    found, missing = {}, []
    for peer in wanted:
        try:
            found[peer] = install(peer, venvs.absolute(), clients)
        except BenchError as error:
            missing.append(str(error))
    work = MirrorRun(command, suites, found, options, console, place)
    for problem in missing:
        work.note(problem)
    try:
        results = work.run()
    except BenchError as error:
        raise click.ClickException(str(error)) from error
    if output:
        results.save(output)
    report(results, console)
    if work.failed:
        sys.exit(1)


@bench.command("search")
@click.option("--packages", type=click.IntRange(1), default=100_000, show_default=True)
@click.option("--releases", type=click.IntRange(1), default=10, show_default=True, help="Of each.")
@click.option("--rounds", type=click.IntRange(1), default=9, show_default=True)
@click.option("--database", help="Use this one, and keep it; default: SQLite for this run alone.")
@click.option("--place", type=FOLDER, help="Where the temporary data goes; default: TMPDIR.")
def measure_search(
    *, packages: int, releases: int, rounds: int, database: str | None, place: Path | None
) -> None:
    """Measure searches; exit code 1 when one took too long. An empty database is filled first."""
    with tempfile.TemporaryDirectory(dir=place, prefix="packslip-search-") as folder:
        url = database or f"sqlite:///{folder}/packslip.db"
        kept = search.measure(url, Path(folder), Size(packages, releases), rounds, _console())
    if not kept:
        sys.exit(1)


@bench.command("pages")
@click.option("--packages", type=click.IntRange(1), default=100_000, show_default=True)
@click.option("--releases", type=click.IntRange(1), default=10, show_default=True, help="Of each.")
@click.option("--downloads", type=click.IntRange(1), default=10_000_000, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=20, show_default=True)
@click.option("--database", help="Use this one, and keep it; default: SQLite for this run alone.")
@click.option("--place", type=FOLDER, help="Where the temporary data goes; default: TMPDIR.")
def measure_pages(
    *,
    packages: int,
    releases: int,
    downloads: int,
    rounds: int,
    database: str | None,
    place: Path | None,
) -> None:
    """Measure pages; exit code 1 when one took too long. An empty database is filled first."""
    with tempfile.TemporaryDirectory(dir=place, prefix="packslip-pages-") as folder:
        url = database or f"sqlite:///{folder}/packslip.db"
        size = Size(packages, releases)
        kept = pages.measure(url, Path(folder), size, downloads, rounds=rounds, console=_console())
    if not kept:
        sys.exit(1)


@bench.command("growth")
@click.option("--packages", type=click.IntRange(100), default=100_000, show_default=True)
@click.option("--releases", type=click.IntRange(1), default=10, show_default=True, help="Of each.")
@click.option("--files", type=click.IntRange(1), default=3, show_default=True, help="Of a release.")
@click.option("--downloads", type=click.IntRange(100), default=50_000_000, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=20, show_default=True)
@click.option("--database", help="Use, and keep, these; {share} becomes 1, 10 or 100.")
@click.option("--place", type=FOLDER, help="Where the temporary data goes; default: TMPDIR.")
def measure_growth(
    *,
    packages: int,
    releases: int,
    files: int,
    downloads: int,
    rounds: int,
    database: str | None,
    place: Path | None,
) -> None:
    """Measure pages and searches at 1, 10 and 100 % of a size. Empty databases are filled first."""
    with tempfile.TemporaryDirectory(dir=place, prefix="packslip-growth-") as folder:
        growth.measure(
            database or f"sqlite:///{folder}/{growth.SHARE}.db",
            Path(folder),
            Size(packages, releases, files=files),
            downloads,
            rounds=rounds,
            console=_console(),
        )


@bench.command("nodes")
@click.option("--database", required=True, help="An empty one of PostgreSQL.")
@click.option("--counts", default="1,2,3", show_default=True, help="Separated by commas.")
@click.option("--seconds", type=click.FloatRange(0.1), default=5.0, show_default=True)
@click.option("--place", type=FOLDER, help="Where the temporary data goes; default: TMPDIR.")
def measure_nodes(*, database: str, counts: str, seconds: float, place: Path | None) -> None:
    """Measure one, two and three nodes on one database; exit code 1 when a request failed."""
    numbers = [int(one) for one in counts.split(",")]
    with tempfile.TemporaryDirectory(dir=place, prefix="packslip-nodes-") as folder:
        try:
            kept = nodes.measure(database, Path(folder), numbers, seconds, _console())
        except BenchError as error:
            raise click.ClickException(str(error)) from error
    if not kept:
        sys.exit(1)


@bench.command("recording")
@click.option(
    "--rate", type=click.IntRange(1), default=10_000, show_default=True, help="Per second."
)
@click.option("--seconds", type=click.FloatRange(1), default=30.0, show_default=True)
@click.option("--processes", type=click.IntRange(1), default=2, show_default=True)
@click.option("--database", help="Use this one, and keep it; default: SQLite for this run alone.")
@click.option("--place", type=FOLDER, help="Where the temporary data goes; default: TMPDIR.")
def measure_recording(
    *, rate: int, seconds: float, processes: int, database: str | None, place: Path | None
) -> None:
    """Record downloads at a rate; exit code 1 when one was lost, doubled, or taken in late."""
    load = recording.Load(rate, seconds, processes)
    with tempfile.TemporaryDirectory(dir=place, prefix="packslip-recording-") as folder:
        url = database or f"sqlite:///{folder}/packslip.db"
        kept = recording.measure(url, Path(folder), load, _console())
    if not kept:
        sys.exit(1)


bench.add_command(measure_peers)


@bench.command("report")
@click.argument("file", type=_FILE)
@click.option("--markdown", is_flag=True, help="Tables for a Markdown page.")
@click.option(
    "--pictures",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write pictures of growth into this folder.",
)
@click.option("--into", type=_FILE, help="Write the table of goals into this page.")
def show(*, file: Path, markdown: bool, pictures: Path | None, into: Path | None) -> None:
    """Show the results that a run kept with --json."""
    # A table that is cut to the terminal's width is no Markdown.
    console = Console(width=400) if markdown else _console()
    results = Results.load(file)
    report(results, console, markdown=markdown)
    if any(one.suite == "peers" for one in results.measurements):
        show_goals(results, console, markdown=markdown)
    if into:
        write_figures(results, into)
    for path in write_curves(results.measurements, pictures) if pictures else ():
        click.echo(f"Wrote {path}", err=True)


def _console() -> Console:
    """In a file there is no terminal whose width would have to be kept."""
    return Console(width=None if sys.stdout.isatty() else 110)


if __name__ == "__main__":
    bench(prog_name="python -m bench")
