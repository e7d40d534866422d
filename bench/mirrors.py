"""What is measured of mirrors: installations through them, and serving what they have."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from bench import installers, processes
from bench.corpus import KB, MB, Corpus, Distribution, write_wheel
from bench.index import HTML, JSON, file_url, files_listed, get
from bench.installers import Installer
from bench.ratios import HOSTED, MIRRORED
from bench.results import Values
from bench.server import BenchError, Server
from bench.suites import Bench, Case, get_load
from bench.uploads import fill

#: The loads of one round: each way comes first once and last once.
_TURNS = (HOSTED, MIRRORED, MIRRORED, HOSTED)


@dataclass(frozen=True)
class Hosted:
    """What is uploaded beside the mirror: as much, with names as long, as is mirrored."""

    files: list[Distribution]
    #: The name of the package, by that of the mirrored one that it equals.
    names: dict[str, str]
    small: Distribution


def make_hosted(folder: Path, corpus: Corpus) -> Hosted:
    """Make the counterparts of the corpus's packages with a page of each size."""
    names = {name: name.replace("bench-", "house-") for name in corpus.pages.values()}
    small = write_wheel(folder, names["bench-one"], "1.0", payload=16 * KB)
    others = [
        write_wheel(folder, names[file.name], file.version, payload=KB)
        for file in corpus.made
        if file.name in names and file.name != "bench-one"
    ]
    return Hosted([small, *others], names, small)


def warm_up(server: Server, corpus: Corpus, hosted: Hosted, note: Callable[[str], None]) -> None:
    """Let a server have all that `pages` and `files` ask it for: by upload, and through itself."""
    server.set_up()
    with server.running():
        if server.target.upload:
            refused = fill(server, hosted.files)
            if refused:
                raise BenchError(f"{len(refused)} refused, the first: {refused[0]}")
        for count, name in corpus.pages.items():
            page = get(server.page_url(name), {"Accept": JSON})
            if len(files_listed(page)) != count:
                raise BenchError(f"{page.url} does not list {count} files")
        small = file_url(server.page_url(corpus.small.name), corpus.small.path.name)
        if len(get(small).content) != corpus.small.path.stat().st_size:
            note(f"{server.target.name} gave {small} with another size than it has")
        get(f"{small}.metadata")
        processes.settled_cpu(server.pid)


def pages(bench: Bench, hosted: Hosted) -> Iterator[Case]:
    """Simple pages of 7 and of many files: mirrored, and hosted by the same server."""
    with bench.server.running():
        for count, package in bench.corpus.pages.items():
            if count == 1:
                continue
            ways = {MIRRORED: bench.server.page_url(package)}
            if bench.server.target.upload:
                ways[HOSTED] = bench.server.page_url(hosted.names[package])
            for form, accept in (("HTML", HTML), ("JSON", JSON)):
                headers = {"Accept": accept, "Accept-Encoding": "identity"}
                for url in ways.values():
                    if len(files_listed(get(url, headers))) != count:
                        raise BenchError(f"{url} as {form} does not list {count} files")
                yield from _turns(bench, f"{count:,} files, {form}", ways, headers)


def files(bench: Bench, hosted: Hosted) -> Iterator[Case]:
    """A small wheel that the mirror holds, and one that was uploaded; and their metadata."""
    server = bench.server
    small = bench.corpus.small
    with server.running():
        ways = {MIRRORED: file_url(server.page_url(small.name), small.path.name)}
        if server.target.upload:
            page = server.page_url(hosted.small.name)
            ways[HOSTED] = file_url(page, hosted.small.path.name)
        yield from _turns(bench, "16 kB wheel", ways, {})
        metadata = {way: f"{url}.metadata" for way, url in ways.items()}
        for way, url in metadata.copy().items():
            if get(url).status_code != 200:
                bench.note(f"{server.target.name} serves no .metadata of {way} files")
                del metadata[way]
        yield from _turns(bench, "its .metadata", metadata, {})


def install(bench: Bench, upstream: Server) -> Iterator[Case]:
    """An application through a mirror that has nothing, that has all of it, and without upstream.

    The clients never have anything cached. `bench.server` has been set up, and mirrored nothing:
    what each installer leaves there is in a copy.
    """
    for installer in installers.find_installers(bench.options.clients):
        name = installer.name
        copy = bench.folder / name
        shutil.copytree(bench.server.data, copy, symlinks=True)
        server = replace(bench.server, data=copy, process=None)
        try:
            with upstream.running(), server.running():
                yield _install(bench, server, installer, "cold", needed=True)
                yield _install(bench, server, installer, "warm", needed=True)
                yield _memory(server, f"after the warm install by {name}")
                upstream.stop()
                yield _install(bench, server, installer, "upstream stopped")
            with server.running():
                yield _install(bench, server, installer, "upstream stopped, server restarted")
        finally:
            with suppress(OSError):
                shutil.rmtree(copy)


def _install(
    bench: Bench, server: Server, installer: Installer, case: str, *, needed: bool = False
) -> Case:
    """Install once. What the server still does afterwards for what was asked is its CPU time too.

    An installation that is not `needed` may fail: then that is the result.
    """
    before = processes.settled_cpu(server.pid)
    failures, values = 0, Values()
    try:
        index = f"{server.base}{server.target.simple}"
        done = installers.install(installer, bench.corpus.application, index)
        values = {"seconds": done.seconds, "distributions": done.distributions}
    except BenchError as error:
        if needed:
            raise
        failures = 1
        last = str(error).strip().splitlines()[-1]
        bench.note(f"{server.target.name}, {installer.name}, {case}: {last}")
    used = processes.settled_cpu(server.pid) - before
    values |= {"failures": failures, "server_cpu_ms": used * 1e3}
    return Case(f"{installer.name}, {case}", values)


def _memory(server: Server, when: str) -> Case:
    each = processes.settled_memory(server.pid)
    values = {
        "rss_mb": sum(one.rss for one in each) / MB,
        "pss_mb": sum(one.pss for one in each) / MB,
        "processes": len(each),
    }
    return Case(when, values)


def _turns(
    bench: Bench, name: str, ways: dict[str, str], headers: dict[str, str]
) -> Iterator[Case]:
    """Load each way twice, for half of the time."""
    short = replace(bench, options=replace(bench.options, seconds=bench.options.seconds / 2))
    for way in _TURNS:
        if way in ways:
            yield get_load(short, f"{name}, {way}", ways[way], headers)
