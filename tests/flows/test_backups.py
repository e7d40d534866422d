"""A backup is made while people upload, commands and server are killed, and it is restored."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import httpx
from tests.helpers.application import sha256, wheel
from tests.helpers.forks import fork
from tests.helpers.server import Server, serving

#: Seconds for which backups go on before they are killed.
KILLED_AFTER = (0.1, 0.4)


class Uploads:
    """Somebody who uploads until the server is gone."""

    def __init__(self, server: Server, token: str, folder: Path) -> None:
        self.acknowledged: dict[str, str] = {}
        self._server, self._token, self._folder = server, token, folder
        self._thread = threading.Thread(target=self._upload)
        self._thread.start()

    def _upload(self) -> None:
        with suppress(httpx.HTTPError):
            for number in range(10_000):
                path = wheel(self._folder, f"demo{number}", "1.0")
                if self._server.upload(self._token, path).status_code != 200:
                    return
                self.acknowledged[path.name] = sha256(path)
                # The rest of the machine is for what is tested.
                time.sleep(0.1)

    def so_far(self, least: int) -> dict[str, str]:
        deadline = time.monotonic() + 60
        while len(self.acknowledged) < least and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(self.acknowledged) >= least
        return dict(self.acknowledged)

    def wait(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()


def test_a_backup_from_the_middle_of_load_brings_back_all_that_was_acknowledged(
    tmp_path: Path,
) -> None:
    folder, archive = tmp_path / "backups", tmp_path / "backup.tar"
    with serving(tmp_path / "server") as server:
        server.create_user("ada")
        uploads = Uploads(server, server.create_token("ada"), tmp_path / "dists")
        try:
            uploads.so_far(5)
            for seconds in KILLED_AFTER:
                _kill_a_backup(server, tmp_path, f"{folder}/", seconds)
                _kill_a_backup(server, tmp_path, str(archive), seconds)
                if archive.exists():
                    assert _is_whole(server, archive)
            before = uploads.so_far(10)
            server.command("backup", f"{folder}/")
            archive.unlink(missing_ok=True)
            server.command("backup", str(archive))
        finally:
            server.kill()
        uploads.wait()
        assert _is_whole(server, folder)
        assert _is_whole(server, archive)

    for number, backup in enumerate((folder, archive)):
        copy = Server(tmp_path / f"restored{number}", tmp_path / f"restored{number}" / "data")
        copy.folder.mkdir()
        _kill_a_restore(copy, backup)
        said = json.loads(copy.command("restore", "--json", str(backup)))
        assert said["damaged"] == []
        # Rows and bytes agree, or the exit code would be another one.
        copy.command("fsck")
        copy.start()
        try:
            _check(copy, before, uploads.acknowledged)
        finally:
            copy.kill()


def _kill_a_backup(server: Server, folder: Path, target: str, seconds: float) -> None:
    process = fork(
        "packslip",
        "backup",
        target,
        environment=server.environment(),
        folder=folder,
        output=folder / "killed.log",
    )
    time.sleep(seconds)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)


def _kill_a_restore(server: Server, backup: Path) -> None:
    process = fork(
        "packslip",
        "restore",
        str(backup),
        environment=server.environment(),
        folder=server.folder,
        output=server.folder / "killed.log",
    )
    deadline = time.monotonic() + 30
    while not (server.data / "restore-unfinished").exists() and time.monotonic() < deadline:
        if process.poll() is not None:
            break
        time.sleep(0.002)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)
    if process.poll() == 0:
        # The blow came too late.
        server.data.rename(server.folder / "done")


def _is_whole(server: Server, backup: Path) -> bool:
    """Whether the newest snapshot has all that it lists."""
    said = json.loads(server.command("restore", "--check", "--json", str(backup)))
    return said["damaged"] == []


def _check(server: Server, before: dict[str, str], ever: dict[str, str]) -> None:
    """All that was acknowledged before the backup is there, and nothing half."""
    found: dict[str, str] = {}
    for name in server.names():
        page = server.page(name)
        assert page is not None
        [file] = page["files"]
        with urlopen(file["url"], timeout=30) as answer:
            data = answer.read()
        found[file["filename"]] = hashlib.sha256(data).hexdigest()
        assert found[file["filename"]] == file["hashes"]["sha256"]
    assert before.items() <= found.items()
    # An upload that was committed, and not acknowledged any more, may be among them.
    assert len(found.keys() - ever.keys()) <= 1
