"""What must hold after whatever happened to the server."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Collection
from pathlib import Path

import httpx
from tests.helpers.processes import run_own
from tests.helpers.server import Server

from torture.clients import PATIENCE, Promises, Tokens
from torture.tally import Tally

#: Seconds within which downloads that could not be recorded must be, once they can.
SETTLED = 15.0


def check_files(
    server: Server, tally: Tally, promises: Promises, names: Collection[str] | None = None
) -> set[str]:
    """Look at all files that the index lists, or at those of some packages; give their names.

    Each must be served with its digest, each package must have a file, and nothing may be listed
    that was not sent.
    """
    found = set()
    with httpx.Client(timeout=PATIENCE) as client:
        for package in server.names() if names is None else names:
            page = server.page(package)
            if page is None:
                if names is None:
                    tally.fault(f"{package} is listed and has no page")
                continue
            tally.require(bool(page["files"]), f"{package} is visible and empty")
            for file in page["files"]:
                content = client.get(file["url"]).content
                digest = hashlib.sha256(content).hexdigest()
                right = promises.sent.get(file["filename"])
                tally.require(
                    digest == file["hashes"]["sha256"] == right,
                    f"{file['filename']} is served with the sha256 {digest}",
                )
                found.add(file["filename"])
    return found


def check_notes(server: Server, tally: Tally, promises: Promises, tokens: Tokens) -> None:
    """Every note that was acknowledged must be there with its title."""
    with httpx.Client(auth=("__token__", tokens.notes), timeout=PATIENCE) as client:
        for number, title in promises.notes.items():
            answer = client.get(f"{server.url}/api/v1/notes/{number}")
            there = answer.status_code == 200 and answer.json()["title"] == title
            tally.require(there, f"the note {number} is not there: {answer.status_code}")
            if there:
                tally.keep("notes")


def check_downloads(server: Server, tally: Tally, promises: Promises, filename: str) -> None:
    """As many downloads must be recorded as were completed, and none that was never begun."""
    # What could not be written while it was sent is kept in memory, and tried again.
    deadline = time.monotonic() + SETTLED
    while (recorded := _recorded(server, filename)) < promises.completed:
        if time.monotonic() > deadline:
            break
        time.sleep(0.5)
    tally.require(
        promises.completed <= recorded <= promises.begun,
        f"{recorded} downloads are recorded, {promises.completed} were completed"
        f" of {promises.begun}",
    )
    tally.keep("downloads", promises.completed)
    # Sent whole, as far as the server can know, to a client that did not get the end.
    tally.lose("downloads cut off", promises.begun - promises.completed)


def _recorded(server: Server, filename: str) -> int:
    told = server.downloads()
    return sum(number for what, number in told.items() if what.startswith(f"{filename} by "))


def check_with_fsck(server: Server, tally: Tally) -> None:
    """Once the server has ended: rows and bytes agree, but for bytes that nobody can see."""
    make_old(server.data / "files")
    found = [one for one in _fsck(server, "--repair") if "summary" not in one]
    for one in found:
        if one["kind"] == "orphaned":
            tally.lose("bytes without a row, removed by fsck")
        else:
            tally.fault(f"fsck: {one['kind']}: {one['what']}: {one['reason']}")
    again = [one for one in _fsck(server) if "summary" not in one]
    tally.require(not again, f"fsck finds more after a repair: {again}")


def make_old(folder: Path) -> None:
    """Let what lies in the folder be so old that no upload can be about to name it."""
    yesterday = time.time() - 24 * 60 * 60
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (yesterday, yesterday))


def _fsck(server: Server, *options: str) -> list[dict[str, str]]:
    done = run_own(
        "packslip",
        "fsck",
        "--json",
        *options,
        environment=server.environment(),
        folder=server.folder,
    )
    lines = [line for line in done.output.splitlines() if line.startswith("{")]
    if not lines:
        raise AssertionError(f"fsck told nothing: {done}")
    return [json.loads(line) for line in lines]


def check_log(server: Server, tally: Tally) -> None:
    """No stack trace, and nothing that says that a lock was not waited for."""
    log = server.log
    for sign in ("Traceback", "database is locked", "unhandled error"):
        if sign in log:
            at = log.index(sign)
            tally.fault(f"the log has {sign!r}: {log[max(0, at - 300) : at + 1500]}")
