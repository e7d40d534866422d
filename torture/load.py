"""Everything at once, from many clients, on two workers."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.helpers.application import DOWNLOADED, INSTALLED, build_application, sha256
from tests.helpers.clients import Machine, installed
from tests.helpers.server import Server, serving

from torture.checks import check_downloads, check_files, check_log, check_notes, check_with_fsck
from torture.clients import Clients, Promises, Tokens
from torture.tally import Arena, Tally

#: Pages that people read.
PAGES = ("/", "/simple/", "/simple/slip-core/", "/project/slip-core/", "/search/?q=slip", "/stats/")

#: What is downloaded beside the installations.
POPULAR = "slip_words-2.0.tar.gz"


def withstand_load(arena: Arena, tally: Tally) -> None:
    """Upload, install with real pip and uv, download, read pages and write notes at once."""
    options = arena.options
    with serving(arena.folder / "server", workers=2, afresh=options.afresh) as server:
        tokens, promises = Tokens.make(server), Promises()
        for file in build_application(arena.folder / "app"):
            promises.send(file.name, sha256(file))
            assert server.upload(tokens.upload, file).status_code == 200
            promises.acknowledge(file.name)
        clients = Clients(server, tally, promises, arena.folder / "dist", tokens)
        page = server.page("slip-words")
        assert page is not None
        (popular,) = [file for file in page["files"] if file["filename"] == POPULAR]
        others = options.clients - options.installers
        kinds: list[Callable[[int], Callable[[], None]]] = [
            lambda number: clients.upload(f"load-{number}"),
            lambda number: clients.read(*PAGES[number % 3 :], *PAGES[: number % 3]),
            lambda number: clients.download(popular["url"], promises.sent[POPULAR]),
            lambda number: clients.write_notes(),
        ]
        tasks = [kinds[number % 4](number) for number in range(others)]
        installing = Installers(server, tally, arena.folder, options.installers)
        clients.start(*tasks)
        installing.start()
        time.sleep(options.seconds)
        installing.stop()
        clients.stop()
        arena.say("looking at what came of it")
        # Of the application other files than this were downloaded by the installers.
        check_downloads(server, tally, promises, POPULAR)
        installing.check(server.downloads())
        found = check_files(server, tally, promises)
        tally.require(found == set(promises.acknowledged), "another set of files is listed")
        tally.keep("uploads", len(found) - len(list((arena.folder / "app").iterdir())))
        check_notes(server, tally, promises, tokens)
        server.stop()
        check_log(server, tally)
        check_with_fsck(server, tally)


class Installers:
    """Machines that install the application again and again, half with uv and half with pip."""

    def __init__(self, server: Server, tally: Tally, folder: Path, number: int) -> None:
        self.server = server
        self.tally = tally
        self.done: Counter[str] = Counter()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._repeat, args=(Machine(folder / f"machine-{one}"), one))
            for one in range(number)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let each finish what it is at."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def check(self, downloads: Counter[str]) -> None:
        """Each file must have been recorded once for each installation."""
        for tool in ("uv", "pip"):
            for file in DOWNLOADED:
                recorded = downloads[f"{file} by {tool}"]
                self.tally.require(
                    recorded == self.done[tool],
                    f"{file}: {recorded} downloads by {tool}, {self.done[tool]} installations",
                )
        self.tally.keep("installations", self.done.total())

    def _repeat(self, machine: Machine, number: int) -> None:
        tool = ("uv", "pip")[number % 2]
        try:
            while not self._stop.is_set():
                self._install(machine, tool)
        except Exception as error:
            self.tally.fault(f"an installer failed: {type(error).__name__}: {error}")

    def _install(self, machine: Machine, tool: str) -> None:
        venv = machine.venv()
        self.tally.count("installations")
        if tool == "uv":
            done = machine.uv_pip_install(self.server, venv, "--no-cache", "slip-app")
        else:
            done = machine.pip("install", self.server, venv, "--no-cache-dir", "slip-app")
        if done.code or installed(venv) != INSTALLED:
            self.tally.fault(str(done))
            return
        with self._lock:
            self.done[tool] += 1
