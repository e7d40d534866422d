"""A disk that is full, and one that can only be read."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from tests.helpers.application import sha256, wheel
from tests.helpers.processes import run_own
from tests.helpers.server import Server, serving

from torture.checks import check_downloads, check_files, check_log, check_notes, check_with_fsck
from torture.clients import PATIENCE, Clients, Promises, Tokens
from torture.tally import Arena, Tally

#: Bytes of the small disk, and of what takes its room until there is to be some again.
SIZE = 48 * 1024 * 1024
BALLAST = 24 * 1024 * 1024

#: Bytes of the files that fill it.
FILE = 4 * 1024 * 1024

#: Seconds within which a disk that can be written again must be written to.
RECOVERY = 15.0

#: How often what needs room is tried while there is none.
TRIES = 5


class CannotMountError(Exception):
    """Only root may have a small disk."""


@contextmanager
def small_disk(folder: Path, size: int = SIZE) -> Iterator[Path]:
    """A disk in memory.

    Raises:
        CannotMountError: this user, or this machine, has none.
    """
    folder.mkdir(parents=True)
    done = _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    if done.returncode:
        raise CannotMountError(done.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)


def survive_a_full_disk(arena: Arena, tally: Tally) -> None:
    """Fill the disk by uploads; go on reading, downloading and trying to write; make room again."""
    with (
        small_disk(arena.folder / "disk") as disk,
        serving(
            arena.folder / "server", data=disk / "data", workers=2, afresh=arena.options.afresh
        ) as server,
    ):
        tokens, promises = Tokens.make(server), Promises()
        clients = Clients(server, tally, promises, arena.folder / "dist", tokens)
        popular = wheel(arena.folder, "popular", "1.0")
        promises.send(popular.name, sha256(popular))
        assert server.upload(tokens.upload, popular).status_code == 200
        promises.acknowledge(popular.name)
        page = server.page("popular")
        assert page is not None
        download = clients.download(page["files"][0]["url"], promises.sent[popular.name])
        download()
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(BALLAST))
        refused = fill(clients, tally, disk)
        arena.say("the disk is full")
        live_without_room(server, clients, tally, tokens, refused)
        read = clients.read(
            "/", "/simple/", "/simple/popular/", "/project/popular/", "/search/?q=p"
        )
        for _ in range(20):
            download()
            read()
        ballast.unlink()
        for file in refused:
            answer = server.upload(tokens.upload, file)
            tally.require(answer.status_code == 200, f"no recovery: {answer.status_code}")
            promises.send(file.name, sha256(file))
            promises.acknowledge(file.name)
        clients.write_notes()()
        download()
        found = check_files(server, tally, promises)
        tally.require(found == set(promises.acknowledged), "another set of files is listed")
        tally.keep("uploads", len(found))
        promises.begun, promises.completed = promises.begun + 1, promises.completed + 1
        check_downloads(server, tally, promises, popular.name)
        check_notes(server, tally, promises, tokens)
        server.stop()
        check_log(server, tally)
        check_with_fsck(server, tally)


def fill(clients: Clients, tally: Tally, disk: Path) -> list[Path]:
    """Upload until there is no room, then take the last of it; give what was refused."""
    refused: list[Path] = []
    for number in range(2 * SIZE // FILE):
        file = _large(clients, number)
        answer = _upload(clients, tally, file)
        if answer.status_code != 200:
            _require_full(tally, answer, "an upload")
            refused.append(file)
        if len(refused) == 2:
            break
    with (disk / "last").open("wb", buffering=0) as last:
        try:
            while True:
                last.write(bytes(4096))
        except OSError:
            pass
    for number in range(100, 100 + TRIES):
        file = wheel(clients.folder, f"small-{number}", "1.0")
        answer = _upload(clients, tally, file)
        _require_full(tally, answer, "a small upload")
        refused.append(file)
    return refused


def live_without_room(
    server: Server, clients: Clients, tally: Tally, tokens: Tokens, refused: list[Path]
) -> None:
    """Nothing of what was refused may be seen, and notes must be refused in words."""
    for file in refused:
        name = file.name.partition("-")[0].replace("_", "-")
        tally.require(server.page(name) is None, f"{name} is visible")
    for number in range(TRIES):
        tally.count("notes")
        answer = httpx.post(
            f"{server.url}/api/v1/notes",
            json={"title": f"refused {number}", "body": "x" * 10_000, "visibility": "team"},
            auth=("__token__", tokens.notes),
            timeout=PATIENCE,
        )
        if answer.status_code == 201:
            clients.promises.note(answer.json()["id"], f"refused {number}")
        else:
            _require_full(tally, answer, "a note")


def _large(clients: Clients, number: int) -> Path:
    noise = os.urandom(FILE)
    return wheel(clients.folder, f"large-{number}", "1.0", files={"noise.bin": noise})


def _upload(clients: Clients, tally: Tally, file: Path) -> httpx.Response:
    tally.count("uploads")
    answer = clients.server.upload(clients.tokens.upload, file)
    if answer.status_code == 200:
        clients.promises.send(file.name, sha256(file))
        clients.promises.acknowledge(file.name)
    return answer


def _require_full(tally: Tally, answer: httpx.Response, what: str) -> None:
    told = answer.status_code == 507 and "no room" in answer.text.lower()
    tally.require(told, f"{what} was answered {answer.status_code}: {answer.text[:300]}")
    if told:
        tally.lose(f"{what.partition(' ')[2]}s refused with 507")


def survive_a_read_only_disk(arena: Arena, tally: Tally) -> None:
    """Let the disk become read-only under a server, start one on it, and make it writable again."""
    with small_disk(arena.folder / "disk") as disk:
        data = disk / "data"
        with serving(
            arena.folder / "server", data=data, workers=2, afresh=arena.options.afresh
        ) as server:
            tokens, promises = Tokens.make(server), Promises()
            clients = Clients(server, tally, promises, arena.folder / "dist", tokens)
            popular = wheel(arena.folder, "popular", "1.0")
            promises.send(popular.name, sha256(popular))
            assert server.upload(tokens.upload, popular).status_code == 200
            promises.acknowledge(popular.name)
            page = server.page("popular")
            assert page is not None
            download = clients.download(page["files"][0]["url"], promises.sent[popular.name])
            read = clients.read("/", "/simple/", "/simple/popular/", "/project/popular/")
            server.stop()
            server.start()
            # What the processes hold open for writing keeps a disk from becoming read-only; the
            # mount point alone is made so, which is all that they see.
            freeze(data, arena.folder / "frozen")
            for _ in range(4):
                read()
                download()
            _require_refused(tally, _upload(clients, tally, wheel(clients.folder, "late", "1.0")))
            check_start(server, tally)
            thaw(data, arena.folder / "frozen")
            _require_recovery(clients, tally, clients.folder / "late-1.0-py3-none-any.whl")
            found = check_files(server, tally, promises)
            promises.begun, promises.completed = promises.begun + 1, promises.completed + 1
            tally.keep("uploads", len(found))
            check_downloads(server, tally, promises, popular.name)


def freeze(folder: Path, frozen: Path) -> None:
    """Let nothing be written below the folder, not even by root, until it is thawed."""
    frozen.mkdir(exist_ok=True)
    # Nobody has anything open below the other place, which would keep it writable.
    for arguments in (
        ["--bind", str(folder), str(frozen)],
        ["-o", "remount,bind,ro", str(frozen)],
        ["--bind", str(frozen), str(folder)],
    ):
        done = _mount(*arguments)
        if done.returncode:
            raise CannotMountError(done.stderr.strip())


def thaw(folder: Path, frozen: Path) -> None:
    for place in (folder, frozen):
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def check_start(server: Server, tally: Tally) -> None:
    """A second server on the read-only folder must serve, or end with one line."""
    tally.count("starts on a read-only disk")
    done = run_own(
        "packslip",
        "serve",
        "--port",
        str(server.port + 1),
        environment=server.environment(),
        folder=server.folder,
    )
    lines = done.output.strip().splitlines()
    tally.require(
        done.code == 1 and len(lines) == 1 and lines[0].startswith("packslip: "),
        f"the start on a read-only disk was no single line: {done}",
    )
    tally.keep("starts on a read-only disk refused in one line")


def _require_refused(tally: Tally, answer: httpx.Response) -> None:
    told = answer.status_code in {503, 507} and bool(answer.text)
    tally.require(told, f"an upload was answered {answer.status_code}: {answer.text[:300]}")
    tally.lose("uploads refused with 503")


def _require_recovery(clients: Clients, tally: Tally, file: Path) -> None:
    """Without a restart, though not at the first attempt: connections may be read-only still."""
    deadline = time.monotonic() + RECOVERY
    while (answer := _upload(clients, tally, file)).status_code != 200:
        if time.monotonic() > deadline:
            tally.fault(f"no recovery: {answer.status_code} {answer.text}")
            return
        tally.lose("uploads refused with 503")
        time.sleep(0.5)
