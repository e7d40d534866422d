"""`kill -9` at any moment, again and again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

from tests.helpers.application import sha256, wheel
from tests.helpers.server import Server, serving

from torture.checks import (
    check_downloads,
    check_files,
    check_log,
    check_notes,
    check_with_fsck,
)
from torture.clients import Clients, Promises, Tokens
from torture.tally import Arena, Tally

#: What is hit, and how often among ten blows.
BLOWS = {"all": 5, "worker": 2, "master": 2, "start": 1}

#: Seconds within which workers whose master is gone must end.
ALONE = 40.0

#: Large enough that a blow hits many uploads in their middle.
LARGE = 3 * 1024 * 1024


def survive_kills(arena: Arena, tally: Tally) -> None:
    """Kill all processes, one worker, or the master alone, also while the server starts."""
    chance = random.Random(arena.options.seed)
    kinds = list(BLOWS)
    with serving(arena.folder / "server", workers=2, afresh=arena.options.afresh) as server:
        tokens = Tokens.make(server)
        popular = wheel(arena.folder, "popular", "1.0")
        assert server.upload(tokens.upload, popular).status_code == 200
        page = server.page("popular")
        assert page is not None
        promises = Promises()
        promises.send(popular.name, sha256(popular))
        promises.acknowledge(popular.name)
        url = page["files"][0]["url"]
        clients = Clients(server, tally, promises, arena.folder / "dist", tokens)
        for number in range(arena.options.rounds):
            blow = chance.choices(kinds, list(BLOWS.values()))[0] if number else "all"
            clients.start(
                clients.upload(f"cut-{number}"),
                clients.upload(f"cut-{number}"),
                clients.upload(f"large-{number}", size=LARGE),
                clients.download(url, promises.sent[popular.name]),
                clients.download(url, promises.sent[popular.name]),
                clients.write_notes(),
            )
            time.sleep(chance.uniform(0.02, 1.5))
            tally.count(f"blows at {'the start' if blow == 'start' else blow}")
            strike(server, blow, chance, tally)
            clients.stop()
            if not server.is_running():
                server.start()
            settle(server, tally, promises, clients, number)
            shutil.rmtree(clients.folder, ignore_errors=True)
            arena.say(f"blow {number + 1} of {arena.options.rounds}: {blow}")
        # The rest is told by the index itself: whatever it lists is as it was sent.
        found = check_files(server, tally, promises)
        missing = promises.acknowledged.keys() - found
        tally.require(not missing, f"acknowledged and not there: {sorted(missing)[:5]}")
        tally.keep("uploads", len(found & promises.acknowledged.keys()))
        check_notes(server, tally, promises, tokens)
        # Looking at the files was a download of each.
        promises.begun, promises.completed = promises.begun + 1, promises.completed + 1
        check_downloads(server, tally, promises, popular.name)
        server.stop()
        check_log(server, tally)
        check_with_fsck(server, tally)


def strike(server: Server, blow: str, chance: random.Random, tally: Tally) -> None:
    """Hit the server, and wait until it has come to what the blow leaves."""
    assert server.process is not None
    master = server.process.pid
    if blow == "worker":
        with suppress(ProcessLookupError):
            os.kill(chance.choice(workers_of(master)), signal.SIGKILL)
        wait_for_workers(server, tally)
    elif blow == "master":
        os.kill(master, signal.SIGKILL)
        server.process.wait(ALONE)
        deadline = time.monotonic() + ALONE
        while group_lives(master) and time.monotonic() < deadline:
            time.sleep(0.05)
        if group_lives(master):
            tally.fault(f"workers go on {ALONE:.0f} s after their master was killed")
            server.kill()
    else:
        server.kill()
        if blow == "start":
            # Hit again while it gets up.
            server.launch()
            time.sleep(chance.uniform(0.0, 1.5))
            server.kill()


def workers_of(master: int) -> list[int]:
    """The processes that the master started."""
    return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


def wait_for_workers(server: Server, tally: Tally) -> None:
    """The master must start another worker, and the server answer."""
    assert server.process is not None
    deadline = time.monotonic() + ALONE
    while len(workers_of(server.process.pid)) < server.workers:
        if time.monotonic() > deadline:
            tally.fault("no worker came in place of the one that was killed")
            return
        time.sleep(0.05)


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    # Those that ended, and that nobody has waited for, do not count.
    return any(_is_alive(int(path.name), group) for path in Path("/proc").glob("[0-9]*"))


def _is_alive(pid: int, group: int) -> bool:
    try:
        rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return int(rest[2]) == group and rest[0] != "Z"


def settle(server: Server, tally: Tally, promises: Promises, clients: Clients, number: int) -> None:
    """After a blow: what was acknowledged is there, and what was cut off can be sent again."""
    packages = [f"{kind}-{number}-{one}" for kind in ("cut", "large") for one in range(3)]
    found = check_files(server, tally, promises, packages)
    stems = {package.replace("-", "_") for package in packages}
    mine = {name for name in promises.sent if name.partition("-")[0] in stems}
    missing = (promises.acknowledged.keys() & mine) - found
    tally.require(not missing, f"acknowledged and lost: {sorted(missing)}")
    for name in sorted(mine - promises.acknowledged.keys()):
        tally.lose("uploads cut off, then repeated")
        answer = server.upload(clients.tokens.upload, clients.folder / name)
        if answer.status_code == 200:
            promises.acknowledge(name)
        else:
            tally.fault(f"{name} cannot be repeated: {answer.status_code} {answer.text}")
