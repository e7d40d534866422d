"""What a large file adds to the server's memory, on its way in and out."""

from __future__ import annotations

import hashlib
import os

import httpx
from bench.processes import MemoryWatch
from tests.helpers.application import sha256, wheel
from tests.helpers.server import serving

from torture.checks import check_log, check_with_fsck
from torture.clients import PATIENCE, Tokens
from torture.tally import Arena, Tally

MB = 1_000_000

#: Bytes that a large file may add to all processes together.
LIMIT = 64 * MB


def carry_a_large_file(arena: Arena, tally: Tally) -> None:
    """Upload and download a file of hundreds of MB, and weigh all processes meanwhile."""
    with serving(arena.folder / "server", workers=2, afresh=arena.options.afresh) as server:
        tokens = Tokens.make(server)
        assert server.upload(tokens.upload, wheel(arena.folder, "first", "1.0")).is_success
        noise = {"noise": os.urandom(arena.options.large)}
        file = wheel(arena.folder, "large", "1.0", files=noise)
        assert server.process is not None
        with MemoryWatch(server.process.pid) as watch:
            tally.count("uploads")
            assert server.upload(tokens.upload, file).is_success
        _weigh(tally, "uploads", watch)
        page = server.page("large")
        assert page is not None
        with MemoryWatch(server.process.pid) as watch:
            tally.count("downloads")
            found = _digest(page["files"][0]["url"])
        tally.require(found == sha256(file), f"it came back with the sha256 {found}")
        _weigh(tally, "downloads", watch)
        server.stop()
        check_log(server, tally)
        check_with_fsck(server, tally)


def _weigh(tally: Tally, what: str, watch: MemoryWatch) -> None:
    if watch.added < LIMIT:
        tally.keep(what)
        tally.keep(f"MB added by {what}", round(watch.added / MB))
    else:
        tally.fault(f"{what} added {watch.added / MB:.0f} MB")


def _digest(url: str) -> str:
    digest = hashlib.sha256()
    with httpx.stream("GET", url, timeout=PATIENCE) as answer:
        for block in answer.iter_raw():
            digest.update(block)
    return digest.hexdigest()
