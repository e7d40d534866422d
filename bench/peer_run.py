"""A whole run of Packslip beside others that host files, in turn (A B C A B C)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from subprocess import SubprocessError
from tempfile import TemporaryDirectory

import httpx
from rich.console import Console

from bench import hosts, machine, nginx, peers, sizes, static_pages
from bench import upstream as upstreams
from bench.corpus import Corpus, Distribution, make_corpus
from bench.hosts import Host
from bench.index import JSON, file_url, get
from bench.results import Measurement, Results
from bench.runner import load_process
from bench.server import BenchError, Server, packslip
from bench.suites import (
    Bench,
    Case,
    Options,
    at_rest,
    big_upload,
    files,
    install,
    pages,
    timed_start,
    uploads,
)

#: What cannot be measured for any of these reasons is noted, and the rest goes on.
_PROBLEMS = (BenchError, httpx.HTTPError, SubprocessError, TimeoutError, OSError)

#: The peers, and how each is run, given its `bin` folder.
HOSTS: dict[str, Callable[[Path], Host]] = {
    "pypiserver": hosts.pypiserver,
    "devpi": hosts.devpi,
    "simple-repository-server": hosts.simple_repository_server,
}
PEERS = (*HOSTS, "proxpi")

#: Numbers of packages of which growth is measured; the first is as many files as the corpus has.
SIZES = (79, 1_000, 10_000, 100_000)

JOBS = ("pages", "files", "uploads", "install", "start", "memory")

#: Of larger indexes peers are not asked: it takes them minutes to begin.
MOST_OF_PEERS = 10_000


@dataclass
class PeerRun:
    """What is measured, and what has come out so far. `peers` are names with their `bin`."""

    command: str | None
    peers: dict[str, Path]
    options: Options
    console: Console
    jobs: Sequence[str] = JOBS
    sizes: Sequence[int] = SIZES
    postgresql: str | None = None
    place: Path | None = None
    measurements: list[Measurement] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failed: bool = False

    def run(self) -> Results:
        """Measure everything; what fails is noted, and the others still run."""
        with TemporaryDirectory(prefix="packslip-peers-", dir=self.place) as name:
            folder = Path(name)
            about = machine.describe(folder)
            with load_process() as self._pool:
                if self.jobs:
                    self._side_by_side(folder)
                for packages in self.sizes:
                    self._of_size(folder / f"size-{packages}", packages)
        options = asdict(self.options)
        for unused in ("clients", "applications"):
            del options[unused]
        named = [*map(peers.version, self.peers), nginx.version()]
        options["peers"] = ", ".join(named)
        return Results(about, options, self.measurements, self.notes)

    def note(self, text: str) -> None:
        """Tell the reader something, once."""
        if text not in self.notes:
            self.notes.append(text)
            self.console.print(f"Note: {text}", style="yellow", markup=False)

    def _side_by_side(self, folder: Path) -> None:
        """The corpus on all of them."""
        self.console.print("Making the corpus")
        made = folder / "corpus"
        made.mkdir()
        corpus = self._without_unused(make_corpus(made, self.options.many))
        upstreams.build(folder / "upstream", corpus.made)
        upstream = upstreams.upstream(folder / "upstream")
        with upstream.running():
            ready = self._prepared(folder, corpus, upstream)
            for number in range(self.options.rounds):
                for server, largest in ready:
                    shown = {n: name for n, name in corpus.pages.items() if n <= largest}
                    work = folder / f"work-{number}-{server.target.name}"
                    work.mkdir()
                    given = replace(corpus, pages=shown)
                    bench = self._bench(server, given, number, work)
                    self._take(bench, "peers", self._cases(bench))

    def _prepared(self, folder: Path, corpus: Corpus, upstream: Server) -> list[tuple[Server, int]]:
        ready: dict[str, tuple[Server, int]] = {}
        static = folder / "static"
        for host in self._hosts(static, upstream):
            name = host.target.name
            self.console.print(f"Preparing {name}")
            with self._noting(f"{name} could not be prepared"):
                if host.fill is None:
                    if host.of not in ready:
                        raise BenchError(f"{host.of} could not be prepared")
                    other = ready[host.of][0]
                    server = replace(other, target=host.target, port=0, port2=0, process=None)
                else:
                    server = Server(host.target, folder / name.replace(" ", "-"))
                    host.fill(server, _those_up_to(corpus, host.largest))
                ready[name] = server, host.largest
                if name == "packslip" and nginx.find():
                    with server.running():
                        static_pages.write(server, sorted(corpus.names), static)
        return list(ready.values())

    def _hosts(self, static: Path, upstream: Server) -> Iterator[Host]:
        own = packslip(self.command)
        yield Host(own, hosts.by_upload)
        if self.postgresql:
            settings = {**own.environment, "PACKSLIP_DATABASE_URL": self.postgresql}
            target = replace(own, name="packslip with PostgreSQL", environment=settings)
            yield Host(target, hosts.by_upload)
        if nginx.find():
            yield hosts.packslip_with_nginx(own)
            yield hosts.static_nginx(static)
        else:
            self.note("nginx is not installed: nothing is compared with it")
        for name, place in self.peers.items():
            if name == "proxpi":
                target = peers.proxpi(place, upstream.base + upstream.target.simple)
                yield Host(target, hosts.nothing)
                continue
            yield HOSTS[name](place)
            if name == "devpi" and nginx.find():
                yield hosts.devpi_with_nginx(place)

    def _without_unused(self, corpus: Corpus) -> Corpus:
        """What nothing of the run asks for would only be uploaded everywhere."""
        unused = set()
        if "install" not in self.jobs:
            unused |= {file.name for file in corpus.made if file.name.startswith("bench-part-")}
            unused.add(corpus.application)
        if "files" not in self.jobs:
            unused.add(corpus.medium.name)
        return replace(corpus, made=[file for file in corpus.made if file.name not in unused])

    def _cases(self, bench: Bench) -> Iterator[Case]:
        _warm(bench)
        for job in self.jobs:
            yield from _MEASURE[job](bench)

    def _of_size(self, folder: Path, packages: int) -> None:
        """Growth: Packslip, nginx with the same list, and peers as far as they can follow."""
        folder.mkdir()
        label = f"{packages:,} packages"
        self.console.print(f"Preparing {label}")
        made = folder / "corpus"
        made.mkdir()
        corpus = make_corpus(made, 8)
        own = Server(packslip(self.command), folder / "packslip")
        ready = []
        with self._noting(f"packslip, {label}, could not be prepared"):
            sizes.fill_database(own, packages)
            own.set_up()
            ready.append(own)
            if nginx.find():
                static = folder / "static"
                with own.running():
                    static_pages.write(own, [sizes.a_package(own)], static, with_files=False)
                ready.append(Server(hosts.static_nginx(static).target, folder / "nginx"))
        if packages == MOST_OF_PEERS:
            ready += self._peers_of_size(folder, sizes.make_many(made, packages))
        for number in range(self.options.rounds):
            for server in ready:
                work = folder / f"work-{number}-{server.target.name}"
                work.mkdir()
                bench = self._bench(server, corpus, number, work)
                is_own = server.target.name == "packslip"
                cases = sizes.of_packslip(bench, packages) if is_own else _list(bench, packages)
                self._take(bench, "sizes", cases)

    def _peers_of_size(self, folder: Path, many: Sequence[Distribution]) -> list[Server]:
        ready = []
        for name, place in self.peers.items():
            if name in HOSTS and name != "devpi":
                host = HOSTS[name](place)
                with self._noting(f"{name} could not be prepared"):
                    server = Server(host.target, folder / name)
                    assert host.fill is not None
                    host.fill(server, many)
                    ready.append(server)
        return ready

    def _bench(self, server: Server, corpus: Corpus, number: int, work: Path) -> Bench:
        return Bench(server, corpus, self.options, number, self._pool, work, self.note)

    def _take(self, bench: Bench, suite: str, cases: Iterable[Case]) -> None:
        name = bench.server.target.name
        what = f"{suite}, round {bench.round + 1} of {self.options.rounds}, {name}"
        self.console.print(what)
        with self._noting(what):
            for case in cases:
                found = Measurement(suite, name, case.name, bench.round, case.values, case.limits)
                self.measurements.append(found)

    @contextmanager
    def _noting(self, what: str) -> Iterator[None]:
        try:
            yield
        except _PROBLEMS as error:
            # What a peer cannot do is a result; that Packslip cannot is a failure.
            if "packslip" in what:
                self.failed = True
            self.note(f"{what}: {error}")


def _install(bench: Bench) -> Iterator[Case]:
    for case in install(bench):
        if case.name.startswith("uv"):
            yield replace(case, name="uv install")


def _start(bench: Bench) -> Iterator[Case]:
    page = bench.server.page_url(bench.corpus.pages[1])
    # A proxy that begins with nothing asks its upstream first.
    if bench.server.target.name != "proxpi":
        yield timed_start("start", bench.server, page)


def _memory(bench: Bench) -> Iterator[Case]:
    server = bench.server
    with server.running():
        get(server.page_url(bench.corpus.pages[1]))
        yield from at_rest(server, "at rest")
        if server.target.upload and "nginx" not in server.target.name:
            yield big_upload(bench, "300 MB upload", f"1.{bench.round}")


_MEASURE: dict[str, Callable[[Bench], Iterator[Case]]] = {
    "pages": pages,
    "files": files,
    "uploads": uploads,
    "install": _install,
    "start": _start,
    "memory": _memory,
}


def _those_up_to(corpus: Corpus, largest: int) -> list[Distribution]:
    left_out = {name for number, name in corpus.pages.items() if number > largest}
    return [file for file in corpus.made if file.name not in left_out]


def _warm(bench: Bench) -> None:
    """Let a mirror get what it will be asked for."""
    server = bench.server
    if server.target.name == "proxpi":
        with server.running():
            for file in bench.corpus.made:
                if file.name not in bench.corpus.pages.values() or file is bench.corpus.small:
                    get(file_url(server.page_url(file.name), file.path.name))


def _list(bench: Bench, packages: int) -> Iterator[Case]:
    with bench.server.running():
        get(bench.server.base + bench.server.target.simple, {"Accept": JSON})
        yield from sizes.root_list(bench, packages)
