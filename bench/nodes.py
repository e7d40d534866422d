"""One, two and three nodes on one database and one folder of files, side by side.

`python -m bench nodes --database URL` starts them on this machine, with one worker each, and puts
the same load on every node at once. With more nodes than cores no more is answered in all; what an
answer costs must stay the same.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from bench.corpus import Distribution, write_wheel
from bench.http1 import Request
from bench.index import HTML, JSON, file_url, get
from bench.load import GRACE, Load, drive
from bench.processes import settled_cpu
from bench.server import BenchError, Server, packslip
from bench.uploads import upload, upload_request

#: Bytes of the wheels.
_SIZE = 16_000

_CONNECTIONS = 8

#: Wheels that each node is sent.
_UPLOADS = 60


@dataclass(frozen=True)
class Answers:
    """What all nodes together answered, and what one answer cost them in CPU milliseconds."""

    per_second: float
    cpu_ms: float
    failures: int


def measure(
    database_url: str, folder: Path, counts: Sequence[int], seconds: float, console: Console
) -> bool:
    """Measure so many nodes in turn, show them, and tell whether everything was answered.

    The database must be empty at first; what is uploaded stays in it.

    Raises:
        BenchError: a node could not be started, or did not have what another one had taken in.
    """
    nodes = _nodes(database_url, folder, max(counts))
    nodes[0].set_up()
    wheel = write_wheel(folder, "bench-shared", "1.0", payload=_SIZE)
    columns: dict[int, Mapping[str, Answers]] = {}
    for count in counts:
        console.print(f"{count} nodes" if count > 1 else "1 node")
        with _running(nodes[:count]) as running, _loads(count) as run:
            if count == counts[0]:
                upload(running[0], wheel)
            work = folder / f"wheels-{count}"
            work.mkdir()
            columns[count] = dict(_measured(running, wheel, work, seconds, run))
    _show(columns, console)
    return not any(one.failures for column in columns.values() for one in column.values())


_Run = Callable[[Sequence[Load]], tuple[int, int, float]]


def _nodes(database_url: str, folder: Path, count: int) -> list[Server]:
    plain = packslip()
    target = replace(
        plain,
        command=(*plain.command, "--workers", "1"),
        environment={
            **plain.environment,
            "PACKSLIP_DATABASE_URL": database_url,
            "PACKSLIP_STORAGE_URL": (folder / "files").as_uri(),
            "PACKSLIP_SECRET_KEY": secrets.token_hex(),
        },
    )
    return [Server(target, folder / f"node-{number}") for number in range(count)]


@contextmanager
def _running(nodes: Sequence[Server]) -> Iterator[Sequence[Server]]:
    with ExitStack() as stack:
        for node in nodes:
            stack.enter_context(node.running())
            # What uploads need was made on the first of them, for all.
            node.credentials = nodes[0].credentials
        yield nodes


@contextmanager
def _loads(count: int) -> Iterator[_Run]:
    """Run as many loads at once, each in a process; answers, failures and seconds come back."""
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:

        def run(loads: Sequence[Load]) -> tuple[int, int, float]:
            results = list(pool.map(drive, loads, timeout=loads[0].seconds + 2 * GRACE))
            return (
                sum(one.requests for one in results),
                sum(one.failures for one in results),
                max(one.seconds for one in results),
            )

        yield run


def _measured(
    nodes: Sequence[Server], wheel: Distribution, folder: Path, seconds: float, run: _Run
) -> Iterator[tuple[str, Answers]]:
    address = file_url(nodes[0].page_url(wheel.name), wheel.path.name).removeprefix(nodes[0].base)
    page = f"/simple/{wheel.name}/"
    asked = {
        "simple page, HTML": (page, HTML),
        "simple page, JSON": (page, JSON),
        "wheel of 16 kB": (address, "*/*"),
        "page of the package": (f"/project/{wheel.name}/", HTML),
    }
    for name, (path, accept) in asked.items():
        requests = [[Request(node.base + path, {"Accept": accept})] for node in nodes]
        loads = [Load(one, _CONNECTIONS, seconds) for one in requests]
        # What each process does once for all is no part of an answer.
        run([replace(one, seconds=0.5) for one in loads])
        yield name, _answered(nodes, loads, run)
    made = [_wheels(folder, len(nodes), number) for number in range(len(nodes))]
    requests = [
        [upload_request(node, one) for one in wheels]
        for node, wheels in zip(nodes, made, strict=True)
    ]
    yield (
        "upload of 16 kB",
        _answered(nodes, [Load(one, 2, seconds=60) for one in requests], run),
    )
    for wheels in made:
        _require_everywhere(nodes, wheels[-1])


def _answered(nodes: Sequence[Server], loads: Sequence[Load], run: _Run) -> Answers:
    before = sum(settled_cpu(node.pid) for node in nodes)
    requests, failures, seconds = run(loads)
    used = sum(settled_cpu(node.pid) for node in nodes) - before
    return Answers(requests / seconds, used * 1e3 / max(requests, 1), failures)


def _wheels(folder: Path, count: int, number: int) -> list[Distribution]:
    """Wheels of ten packages that are this node's alone to take in."""
    return [
        write_wheel(folder, f"bench-{count}-{number}-{n % 10}", f"1.{n // 10}", payload=_SIZE)
        for n in range(_UPLOADS)
    ]


def _require_everywhere(nodes: Sequence[Server], wheel: Distribution) -> None:
    for node in nodes:
        if wheel.path.name not in get(node.page_url(wheel.name)).text:
            raise BenchError(f"{node.base} does not list {wheel.path.name}, which another took in")


def _show(columns: Mapping[int, Mapping[str, Answers]], console: Console) -> None:
    table = Table(box=box.MARKDOWN)
    table.add_column("what")
    for count in columns:
        nodes = f"{count} nodes" if count > 1 else "1 node"
        table.add_column(f"{nodes}, CPU ms", justify="right")
        table.add_column("per s", justify="right")
    for name in next(iter(columns.values())):
        cells = []
        for column in columns.values():
            cells += [f"{column[name].cpu_ms:.2f}", f"{column[name].per_second:,.0f}"]
        table.add_row(name, *cells)
    console.print(table)
