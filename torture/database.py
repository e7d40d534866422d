"""A database that another process holds, and one that is none."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing

import httpx
from tests.helpers.application import sha256, wheel
from tests.helpers.processes import run_own
from tests.helpers.server import Server, serving

from torture.checks import check_downloads, check_files, check_log, check_notes, check_with_fsck
from torture.clients import PATIENCE, Clients, Promises, Tokens
from torture.tally import Arena, Tally

#: Seconds that a read may take while the database is held.
READ = 2.0

#: Clients that write meanwhile: more than the threads of both workers would be a hard case.
WRITERS = 16

READERS = 8


def survive_a_held_database(arena: Arena, tally: Tally) -> None:
    """Hold SQLite's write lock for some seconds, while clients read, download and write."""
    with serving(arena.folder / "server", workers=2, afresh=arena.options.afresh) as server:
        tokens, promises = Tokens.make(server), Promises()
        clients = Clients(server, tally, promises, arena.folder / "dist", tokens)
        popular = wheel(arena.folder, "popular", "1.0")
        promises.send(popular.name, sha256(popular))
        assert server.upload(tokens.upload, popular).status_code == 200
        promises.acknowledge(popular.name)
        page = server.page("popular")
        assert page is not None
        url = page["files"][0]["url"]
        writing = [
            threading.Thread(target=_write, args=(clients, number)) for number in range(WRITERS)
        ]
        paths = ("/", "/simple/", "/simple/popular/", "/project/popular/", "/search/?q=popular")
        with closing(sqlite3.connect(server.data / "packslip.db", isolation_level=None)) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            until = time.monotonic() + arena.options.held
            for thread in writing:
                thread.start()
            reading = [
                threading.Thread(target=_read, args=(server, clients, tally, (*paths, url), until))
                for _ in range(READERS)
            ]
            for thread in reading:
                thread.start()
            for thread in reading:
                thread.join()
            holder.execute("ROLLBACK")
        for thread in writing:
            thread.join()
        for number in range(WRITERS):
            # What was refused can be sent again.
            _write(clients, number, again=True)
        found = check_files(server, tally, promises)
        tally.require(found == set(promises.acknowledged), "another set of files is listed")
        tally.keep("uploads", len(found) - 1)
        promises.begun, promises.completed = promises.begun + 1, promises.completed + 1
        check_downloads(server, tally, promises, popular.name)
        check_notes(server, tally, promises, tokens)
        server.stop()
        check_log(server, tally)
        check_with_fsck(server, tally)


def _write(clients: Clients, number: int, *, again: bool = False) -> None:
    tally, promises = clients.tally, clients.promises
    file = wheel(clients.folder, f"held-{number}", "1.0")
    if again and file.name in promises.acknowledged:
        return
    tally.count("uploads")
    promises.send(file.name, sha256(file))
    answer = clients.server.upload(clients.tokens.upload, file)
    if answer.status_code == 200:
        promises.acknowledge(file.name)
    elif answer.status_code == 503 and answer.text and not again:
        tally.lose("uploads refused with 503, then repeated")
    else:
        tally.fault(f"an upload was answered {answer.status_code}: {answer.text}")


def _read(
    server: Server, clients: Clients, tally: Tally, paths: tuple[str, ...], until: float
) -> None:
    turn = 0
    with httpx.Client(timeout=PATIENCE, base_url=server.url) as client:
        while time.monotonic() < until:
            path, turn = paths[turn % len(paths)], turn + 1
            is_download = path.startswith("http")
            if is_download:
                clients.promises.begin()
            tally.count("reads")
            begun = time.monotonic()
            answer = client.get(path)
            took = time.monotonic() - begun
            if is_download:
                clients.promises.complete()
            if answer.status_code != 200:
                tally.fault(f"{path} was answered {answer.status_code} while the database was held")
            elif took > READ:
                tally.fault(f"{path} took {took:.1f} s while the database was held")
            else:
                tally.keep("reads")


def refuse_a_damaged_database(arena: Arena, tally: Tally) -> None:
    """Start on files that are no database, or not all of one: each start must be refused in a line.

    A database that is damaged while it is served must not bring the server down.
    """
    with serving(arena.folder / "server", workers=1, afresh=arena.options.afresh) as server:
        server.create_user("ada")
        server.stop()
    database = server.data / "packslip.db"
    whole = database.read_bytes()
    for beside in server.data.glob("packslip.db-*"):
        beside.unlink()
    damages = {
        "garbage": b"no database at all " * 1000,
        "half": whole[: len(whole) // 2],
        "zeros in the middle": whole[:4096] + bytes(len(whole) - 4096),
        "another header": b"SQLite format 4\0" + whole[16:],
    }
    for name, data in damages.items():
        database.write_bytes(data)
        _require_one_line(server, tally, name)
    database.write_bytes(whole)
    server.start()
    server.stop()
    tally.keep("starts with the database put back")


def _require_one_line(server: Server, tally: Tally, name: str) -> None:
    tally.count("starts on damaged databases")
    done = run_own(
        "packslip",
        "serve",
        "--port",
        str(server.port),
        environment=server.environment(),
        folder=server.folder,
    )
    lines = done.output.strip().splitlines()
    told = done.code == 1 and len(lines) == 1 and lines[0].startswith("packslip: the database")
    tally.require(told, f"{name}: the start ended with {done.code}: {done.output[-2000:]}")
    if told:
        tally.keep("starts refused in one line")
