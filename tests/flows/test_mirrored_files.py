"""Files from upstream under the real server, whose processes die at the worst moment."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tests.helpers.app import make_app
from tests.helpers.mirroring import WHEEL, FileUpstream, Manner, add_mirrored_file, file_upstream
from tests.helpers.server import PATIENCE, Server, serving

from packslip.db import db
from packslip.simple_api.addresses import address_of

DATA = random.Random(7).randbytes(3_000_000)


def add_file(server: Server, url: str, data: bytes, name: str = WHEEL) -> str:
    """A mirrored file at that address; give its address here."""
    app = make_app(server.data, f"sqlite:///{server.data}/packslip.db")
    with app.app_context():
        file = add_mirrored_file(db.session(), url, data, name)
        return f"{server.url}/{address_of(file.id, file.sha256, file.filename)}"


def part_of(server: Server, size: int) -> Path:
    """The part file, once it has so many bytes."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for path in (server.data / "mirror").glob("*.part"):
            if path.stat().st_size > size:
                return path
        time.sleep(0.02)
    raise AssertionError(f"nothing was fetched:\n{server.log}")


def holder_of(path: Path) -> int:
    """The process that has the lock of the file."""
    inode = path.stat().st_ino
    held = re.findall(r"FLOCK +ADVISORY +WRITE (\d+) \S+:(\d+) ", Path("/proc/locks").read_text())
    [process] = {int(process) for process, locked in held if int(locked) == inode}
    return process


def ranges(upstream: FileUpstream) -> list[str | None]:
    """What was asked for of the file."""
    return [told for path, told in upstream.requests if path == f"/{WHEEL}"]


def get(address: str) -> bytes:
    """The file; who is cut off asks again, as installers do."""
    for _ in range(2):
        try:
            answer = httpx.get(address, timeout=PATIENCE)
        except httpx.TransportError:
            continue
        assert answer.status_code == 200, answer.reason_phrase
        return answer.content
    raise AssertionError("cut off again")


@pytest.fixture(scope="module")
def upstream() -> Iterator[FileUpstream]:
    with file_upstream() as found:
        yield found


@pytest.fixture(scope="module")
def mirror(upstream: FileUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("mirror")
    with serving(folder, PACKSLIP_UPSTREAM_URL=f"{upstream.url}/simple/") as server:
        yield server


def test_a_fetch_outlives_the_process_that_fetches(mirror: Server, upstream: FileUpstream) -> None:
    pause = Manner(wait_after=1_000_000)
    address = add_file(mirror, upstream.add(DATA, WHEEL, pause, Manner()), DATA)
    with ThreadPoolExecutor(6) as pool:
        found = [pool.submit(get, address) for _ in range(6)]
        os.kill(holder_of(part_of(mirror, 900_000)), signal.SIGKILL)
        assert {one.result() for one in found} == {DATA}
    # The whole, then the rest.
    assert [told is None for told in ranges(upstream)] == [True, False]
    # What it was fetched into goes when it is kept.
    deadline = time.monotonic() + PATIENCE
    while any((mirror.data / "mirror").glob("*.part")) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any((mirror.data / "mirror").glob("*.part"))
    assert get(address) == DATA
    assert len(ranges(upstream)) == 2


@pytest.mark.parametrize("length", [True, False])
def test_the_connection_is_cut_before_wrong_bytes_are_whole(
    mirror: Server, upstream: FileUpstream, length: bool
) -> None:
    name = f"wrong-{length:d}-py3-none-any.whl"
    address = add_file(mirror, upstream.add(DATA[::-1], name, Manner(length=length)), DATA, name)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(address, timeout=PATIENCE)
    answer = httpx.get(address, timeout=PATIENCE)
    assert answer.status_code == 502
    assert answer.reason_phrase.startswith(f"The mirror refuses {name}")
