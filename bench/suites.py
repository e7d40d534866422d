"""The measurements. A suite measures one server once and yields a result per case.

The runner goes round by round through the servers and gives each suite a server that does not
run yet, so that every round begins with fresh processes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench import installers, load, processes
from bench.corpus import KB, MB, Corpus, Distribution, write_wheel
from bench.http1 import Request
from bench.index import HTML, JSON, download, file_url, files_listed, get, read_through
from bench.load import Load
from bench.results import Values
from bench.server import BenchError, Server
from bench.uploads import upload, upload_request

BIG = 300 * MB

#: How much memory the upload of the big wheel may add to the server, in MB.
UPLOAD_LIMIT_MB = 64


@dataclass(frozen=True)
class Options:
    """How long and how much. `seconds` is the length of one load."""

    rounds: int = 3
    seconds: float = 3.0
    connections: int = 16
    many: int = 2000
    uploads: int = 200
    applications: tuple[str, ...] = ("flask",)
    client: str = "python"
    clients: Path | None = None


@dataclass(frozen=True)
class Bench:
    """What a suite is given. `folder` is for files that it makes; `note` tells the reader."""

    server: Server
    corpus: Corpus
    options: Options
    round: int
    pool: Executor
    folder: Path
    note: Callable[[str], None]


@dataclass(frozen=True)
class Case:
    """One line of the result."""

    name: str
    values: Values
    limits: Values = field(default_factory=dict)


Suite = Callable[[Bench], Iterator[Case]]


def pages(bench: Bench) -> Iterator[Case]:
    """Simple pages: HTML and JSON, compressed as clients ask for it, and not modified."""
    with bench.server.running():
        for count, package in bench.corpus.pages.items():
            label = f"{count:,} file{'s' if count > 1 else ''}"
            url = bench.server.page_url(package)
            for form, accept in (("HTML", HTML), ("JSON", JSON)):
                headers = {"Accept": accept, "Accept-Encoding": "identity"}
                answer = get(url, headers)
                if form == "JSON" and not answer.headers["content-type"].startswith(JSON):
                    bench.note(f"{bench.server.target.name} gives no JSON")
                    continue
                if len(files_listed(answer)) != count:
                    raise BenchError(f"{url} as {form} does not list {count} files")
                yield get_load(bench, f"{label}, {form}", url, headers)
                compressed = {"Accept": accept, "Accept-Encoding": "gzip"}
                if get(url, compressed).headers.get("content-encoding") == "gzip":
                    yield get_load(bench, f"{label}, {form}, gzip", url, compressed)
                # Asked anew: a proxy may have tags of its own once it has the page.
                etag = get(url, headers).headers.get("etag", "")
                known = headers | {"If-None-Match": etag}
                if get(url, known).status_code == 304:
                    yield get_load(bench, f"{label}, {form}, 304", url, known, expected=304)
                else:
                    bench.note(f"{bench.server.target.name} answers no 304 for {form} pages")


def files(bench: Bench) -> Iterator[Case]:
    """A small wheel, its metadata, and a wheel of 30 MB."""
    with bench.server.running():
        small = _url_of(bench.server, bench.corpus.small)
        medium = _url_of(bench.server, bench.corpus.medium)
        yield get_load(bench, "16 kB wheel", small, {})
        if get(small + ".metadata").status_code == 200:
            yield get_load(bench, "its .metadata", small + ".metadata", {})
        else:
            bench.note(f"{bench.server.target.name} serves no .metadata")
        size = bench.corpus.medium.path.stat().st_size
        if len(get(medium).content) != size:
            raise BenchError(f"{medium} is not {size} bytes long")
        # wrk breaks off what is under way at its end; of so few answers that is a good part.
        values = measure(bench, Load([Request(medium)], 4, bench.options.seconds), "python")
        values["mb_per_s"] = size / MB * values["per_s"]
        yield Case("30 MB wheel", values)


def uploads(bench: Bench) -> Iterator[Case]:
    """New small wheels with a token, over one and over several connections."""
    if not bench.server.target.upload:
        return
    with bench.server.running():
        for connections in (1, 4):
            wheels = _new_wheels(bench, f"bench-upload-{connections}-{bench.round}")
            requests = [upload_request(bench.server, wheel) for wheel in wheels]
            work = Load(requests, connections, seconds=60)
            values = measure(bench, work)
            if values["requests"] == len(wheels):
                _require_there(bench, wheels[-1])
            yield Case(f"16 kB wheel, {connections} at a time", values)


def install(bench: Bench) -> Iterator[Case]:
    """Installers with an application: one made for this, and real ones that the corpus holds."""
    wanted = [bench.corpus.application]
    for application in bench.options.applications:
        if application in bench.corpus.names:
            wanted.append(application)
        else:
            bench.note(f"the corpus has no {application}, so its installation was not measured")
    index = f"{bench.server.base}{bench.server.target.simple}"
    with bench.server.running():
        for requirement in wanted:
            for installer in installers.find_installers(bench.options.clients):
                cpu = bench.server.cpu_seconds()
                done = installers.install(installer, requirement, index)
                used = bench.server.cpu_seconds() - cpu
                yield Case(
                    f"{installer.name} install {requirement}",
                    {
                        "seconds": done.seconds,
                        "server_cpu_ms": used * 1e3,
                        "distributions": done.distributions,
                    },
                )


def start(bench: Bench) -> Iterator[Case]:
    """From the start of the process to the first answer."""
    server = bench.server
    page = server.page_url(bench.corpus.pages[1])
    yield timed_start("with the corpus, to the first package page", server, page)
    empty = server.on_an_empty_folder(bench.folder / f"empty-{server.target.name}-{bench.round}")
    health = f"{empty.base}{empty.target.health}"
    yield timed_start("on an empty data folder, to the health page", empty, health)


def memory(bench: Bench) -> Iterator[Case]:
    """Resident memory at rest, and what a wheel of 300 MB adds on its way in and out."""
    server = bench.server
    with server.running():
        yield from at_rest(server, "after the start")
        yield big_upload(bench, "300 MB upload, the first request", f"1.{bench.round}.0")
        _warm_up(bench)
        yield from at_rest(server, "after some use")
        version = f"1.{bench.round}.1"
        yield big_upload(bench, "300 MB upload, after some use", version)
        yield _big_download(bench, "300 MB download, after some use", version)


def _require_there(bench: Bench, file: Distribution) -> None:
    """What was acknowledged must be there at once; of peers it is said if it is not."""
    try:
        _url_of(bench.server, file)
    except BenchError as error:
        if bench.server.target.name.startswith("packslip"):
            raise
        bench.note(f"{bench.server.target.name} does not show an upload at once: {error}")


def _url_of(server: Server, file: Distribution) -> str:
    return file_url(server.page_url(file.name), file.path.name)


def measure(bench: Bench, work: Load, client: str = "") -> Values:
    """Run a load, and weigh what the server and the client used for it."""
    before = bench.server.cpu_seconds()
    result = load.run(work, bench.pool, client or bench.options.client)
    used = bench.server.cpu_seconds() - before
    if not result.requests:
        raise BenchError(f"no good answer to {work.requests[0].url}")
    return {
        "requests": result.requests,
        "failures": result.failures,
        "seconds": result.seconds,
        "per_s": result.requests / result.seconds,
        "cpu_ms": used / result.requests * 1e3,
        "cores": used / result.seconds,
        "client_cores": result.client_cpu / result.seconds,
        "p50_ms": result.p50 * 1e3,
        "p99_ms": result.p99 * 1e3,
    }


def get_load(
    bench: Bench, name: str, url: str, headers: dict[str, str], expected: int = 200
) -> Case:
    """Ask for one address again and again."""
    options = bench.options
    work = Load([Request(url, headers)], options.connections, options.seconds, expected)
    # What each process does once for all is no part of an answer.
    load.run(replace(work, seconds=options.seconds / 8), bench.pool, "python")
    return Case(name, measure(bench, work))


def _new_wheels(bench: Bench, prefix: str) -> list[Distribution]:
    """Wheels that the server does not have yet: releases of ten packages, taken in turn."""
    return [
        write_wheel(bench.folder, f"{prefix}-{n % 10}", f"1.{n // 10}", payload=16 * KB)
        for n in range(bench.options.uploads)
    ]


def timed_start(name: str, server: Server, url: str) -> Case:
    began = time.perf_counter()
    server.start()
    try:
        server.wait_until(url, interval=0.002)
        seconds = time.perf_counter() - began
        return Case(name, {"seconds": seconds, "server_cpu_ms": server.cpu_seconds() * 1e3})
    finally:
        server.stop()


def at_rest(server: Server, when: str) -> Iterator[Case]:
    """One case for the whole, and one for each process."""
    each = processes.settled_memory(server.pid)
    for number, one in enumerate(each):
        role = "first process" if one.pid == server.pid else f"process {number + 1}"
        yield Case(f"{when}, {role}", {"rss_mb": one.rss / MB, "pss_mb": one.pss / MB})
    rss, pss = sum(one.rss for one in each), sum(one.pss for one in each)
    yield Case(
        f"{when}, all processes",
        {"rss_mb": rss / MB, "pss_mb": pss / MB, "processes": len(each)},
    )


def _warm_up(bench: Bench) -> None:
    """Let every process answer some of everything, so that only the big wheel is left to weigh."""
    urls = [bench.server.page_url(name) for name in bench.corpus.pages.values()]
    urls.append(_url_of(bench.server, bench.corpus.small))
    for url in urls:
        measure(bench, Load([Request(url, {"Accept": JSON})], bench.options.connections, 1.0))
    wheels = _new_wheels(bench, f"bench-warm-{bench.round}")[:40]
    requests = [upload_request(bench.server, wheel) for wheel in wheels]
    measure(bench, Load(requests, 8, seconds=60))


def big_upload(bench: Bench, name: str, version: str) -> Case:
    big = write_wheel(bench.folder, "bench-big", version, payload=BIG)
    read_through(big.path)
    with processes.MemoryWatch(bench.server.pid) as watch:
        began = time.perf_counter()
        upload(bench.server, big)
        seconds = time.perf_counter() - began
    big.path.unlink()
    return Case(name, _added(watch, seconds), {"added_mb": UPLOAD_LIMIT_MB})


def _big_download(bench: Bench, name: str, version: str) -> Case:
    url = file_url(bench.server.page_url("bench-big"), f"bench_big-{version}-py3-none-any.whl")
    with processes.MemoryWatch(bench.server.pid) as watch:
        began = time.perf_counter()
        received = download(url)
        seconds = time.perf_counter() - began
    if received < BIG:
        raise BenchError(f"{url} is only {received} bytes long")
    return Case(name, _added(watch, seconds))


def _added(watch: processes.MemoryWatch, seconds: float) -> Values:
    return {
        "added_mb": watch.added / MB,
        "kept_mb": (watch.after - watch.before) / MB,
        "seconds": seconds,
        "mb_per_s": BIG / MB / seconds,
    }


SUITES: dict[str, Suite] = {
    "pages": pages,
    "files": files,
    "uploads": uploads,
    "install": install,
    "start": start,
    "memory": memory,
}
