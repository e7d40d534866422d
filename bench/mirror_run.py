"""A whole run of mirrors, side by side: the same upstream behind each, in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from subprocess import SubprocessError
from tempfile import TemporaryDirectory

import httpx
from rich.console import Console

from bench import machine, mirrors, peers
from bench import upstream as upstreams
from bench.corpus import Corpus, make_corpus
from bench.mirrors import Hosted
from bench.ratios import ratios
from bench.results import Measurement, Results
from bench.runner import load_process
from bench.server import BenchError, Server, Target, packslip
from bench.suites import Bench, Case, Options

#: What cannot be measured for any of these reasons is noted, and the rest goes on.
_PROBLEMS = (BenchError, httpx.HTTPError, SubprocessError, TimeoutError)

INSTALL = "install"

#: What is measured of servers that have everything.
SERVING = {"pages": mirrors.pages, "files": mirrors.files}

SUITES = (INSTALL, *SERVING)


@dataclass
class MirrorRun:
    """What is measured, and what has come out so far. `peers` are names with their `bin`."""

    command: str | None
    suites: Sequence[str]
    peers: dict[str, Path]
    options: Options
    console: Console
    place: Path | None = None
    measurements: list[Measurement] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failed: bool = False

    def run(self) -> Results:
        """Measure everything; what fails is noted, and the others still run."""
        with TemporaryDirectory(prefix="packslip-mirrors-", dir=self.place) as name:
            folder = Path(name)
            about = machine.describe(folder)
            self._measure_all(folder)
        options = asdict(self.options)
        for unused in ("clients", "uploads", "applications"):
            del options[unused]
        options["peers"] = ", ".join(map(peers.version, self.peers)) or "none"
        return Results(about, options, self.measurements, self.notes)

    def note(self, text: str) -> None:
        """Tell the reader something, once."""
        if text not in self.notes:
            self.notes.append(text)
            self.console.print(f"Note: {text}", style="yellow", markup=False)

    def _measure_all(self, folder: Path) -> None:
        self.console.print("Making the corpus")
        made, own = folder / "corpus", folder / "hosted"
        made.mkdir()
        own.mkdir()
        corpus = make_corpus(made, self.options.many)
        hosted = mirrors.make_hosted(own, corpus)
        upstreams.build(folder / "upstream", corpus.made)
        upstream = upstreams.upstream(folder / "upstream")
        targets = self._targets(upstream.base + upstream.target.simple)
        with load_process() as pool:

            def bench(server: Server, number: int) -> Bench:
                work = folder / f"work-{number}-{server.target.name}"
                work.mkdir(exist_ok=True)
                return Bench(server, corpus, self.options, number, pool, work, self.note)

            rounds = range(self.options.rounds)
            if INSTALL in self.suites:
                empty = self._set_up(folder / "empty", targets, Server.set_up)
                for number, server in product(rounds, empty):
                    cases = mirrors.install(bench(server, number), upstream)
                    self._take(f"mirror {INSTALL}", server, number, cases)
            serving = [suite for suite in self.suites if suite in SERVING]
            if serving:
                with upstream.running():
                    warm = self._set_up(folder / "warm", targets, self._warming(corpus, hosted))
                    for suite, number, server in product(serving, rounds, warm):
                        cases = SERVING[suite](bench(server, number), hosted)
                        self._take(f"mirror {suite}", server, number, cases)
                self._judge()

    def _targets(self, upstream: str) -> list[Target]:
        own = packslip(self.command, upstream)
        return [own, *(peers.PEERS[name](place, upstream) for name, place in self.peers.items())]

    def _warming(self, corpus: Corpus, hosted: Hosted) -> Callable[[Server], None]:
        return lambda server: mirrors.warm_up(server, corpus, hosted, self.note)

    def _set_up(
        self, folder: Path, targets: Sequence[Target], prepare: Callable[[Server], None]
    ) -> list[Server]:
        """The servers that could be prepared."""
        ready = []
        for target in targets:
            server = Server(target, folder / target.name)
            self.console.print(f"Preparing {target.name} ({folder.name})")
            with self._noting(f"{target.name} could not be prepared"):
                prepare(server)
                ready.append(server)
        return ready

    def _take(self, suite: str, server: Server, number: int, cases: Iterable[Case]) -> None:
        name = server.target.name
        what = f"{suite}, round {number + 1} of {self.options.rounds}, {name}"
        self.console.print(what)
        with self._noting(what):
            for case in cases:
                found = Measurement(suite, name, case.name, number, case.values, case.limits)
                self.measurements.append(found)
                # What a peer cannot do without its upstream is a result.
                if name == "packslip" and case.values.get("failures"):
                    self.failed = True

    def _judge(self) -> None:
        """A mirrored page or file of Packslip must cost what a hosted one does."""
        own = [ratio for ratio in ratios(self.measurements) if ratio.target == "packslip"]
        if not own or not all(ratio.holds for ratio in own):
            self.failed = True

    @contextmanager
    def _noting(self, what: str) -> Iterator[None]:
        try:
            yield
        except _PROBLEMS as error:
            self.failed = True
            self.note(f"{what}: {error}")
