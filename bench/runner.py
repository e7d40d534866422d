"""A whole run: make the corpus, fill the servers, measure them in turn."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from subprocess import SubprocessError
from tempfile import TemporaryDirectory

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import machine
from bench.corpus import Corpus, make_corpus
from bench.results import Measurement, Results
from bench.server import BenchError, Server, Target
from bench.suites import SUITES, Bench, Options
from bench.uploads import fill


@dataclass
class Run:
    """What is measured, and what has come out so far."""

    targets: Sequence[Target]
    suites: Sequence[str]
    options: Options
    console: Console
    real: Path | None = None
    place: Path | None = None
    measurements: list[Measurement] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failed: bool = False

    def run(self) -> Results:
        """Measure everything; a suite that fails is noted, and the others still run."""
        with TemporaryDirectory(prefix="packslip-bench-", dir=self.place) as name:
            folder = Path(name)
            about = machine.describe(folder)
            made = folder / "corpus"
            made.mkdir()
            self.console.print("Making the corpus")
            corpus = make_corpus(made, self.options.many, self.real)
            servers = [Server(target, folder / target.name) for target in self.targets]
            for server in servers:
                self._fill(server, corpus)
            with load_process() as pool:
                rounds = range(self.options.rounds)
                for suite, number, server in product(self.suites, rounds, servers):
                    work = folder / f"{suite}-{number}-{server.target.name}"
                    work.mkdir()
                    self._measure(
                        suite,
                        Bench(server, corpus, self.options, number, pool, work, self.note),
                    )
        options = asdict(self.options)
        del options["clients"]  # A path of this machine says nothing to others.
        options["files of the corpus"] = len(corpus.made) + len(corpus.real)
        return Results(about, options, self.measurements, self.notes)

    def note(self, text: str) -> None:
        """Tell the reader something, once."""
        if text not in self.notes:
            self.notes.append(text)
            self.console.print(f"Note: {text}", style="yellow", markup=False)

    def _fill(self, server: Server, corpus: Corpus) -> None:
        server.set_up()
        with server.running(), _progress(self.console) as progress:
            task = progress.add_task(
                f"Filling {server.target.name}", total=len(corpus.made) + len(corpus.real)
            )
            refused = fill(server, corpus.made, lambda: progress.advance(task))
            if refused:
                raise BenchError(f"{len(refused)} refused, the first: {refused[0]}")
            for refusal in fill(server, corpus.real, lambda: progress.advance(task)):
                self.note(refusal)

    def _measure(self, suite: str, bench: Bench) -> None:
        name = bench.server.target.name
        self.console.print(f"{suite}, round {bench.round + 1} of {self.options.rounds}, {name}")
        try:
            for case in SUITES[suite](bench):
                self.measurements.append(
                    Measurement(suite, name, case.name, bench.round, case.values, case.limits)
                )
        except (BenchError, httpx.HTTPError, SubprocessError, TimeoutError) as error:
            self.failed = True
            self.note(f"{suite}, round {bench.round + 1}, {name}: {error}")


@contextmanager
def load_process() -> Iterator[Executor]:
    """One process for all loads; not forked, so that it holds nothing of this one."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        yield pool


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
