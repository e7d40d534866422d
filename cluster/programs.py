"""The programs of the cluster: etcd, Patroni, HAProxy (as `deploy/` has them), an object store."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from cluster.network import Machine

DEPLOY = Path(__file__).parent.parent / "deploy"

#: Seconds that anything may take to come up.
PATIENCE = 90.0

#: What the programs are called, and who packages them for Debian.
NEEDED = {
    "etcd": "etcd-server",
    "patroni": "patroni",
    "haproxy": "haproxy",
    "setpriv": "util-linux",
    "ip": "iproute2",
}

PASSWORD = secrets.token_urlsafe(12)

BUCKET = "packslip"

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "packslip-cluster",
    "AWS_SECRET_ACCESS_KEY": "not a secret",
    "AWS_REGION": "us-east-1",
}


class MissingProgramError(Exception):
    """Something is not installed."""


def require_programs() -> None:
    """See that all are there.

    Raises:
        MissingProgramError: with what to install.
    """
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [package for name, package in NEEDED.items() if not shutil.which(name, path=path)]
    if _programs_of_postgresql() is None:
        missing.append("postgresql")
    if missing:
        raise MissingProgramError(f"apt-get install {' '.join(missing)}")


def _programs_of_postgresql() -> Path | None:
    """The folder with the newest ones that Debian has installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    return found[-1].parent if found else None


def _version(initdb: Path) -> int:
    return int(initdb.parts[-3])


def wait_until(holds: Callable[[], bool], what: str, patience: float = PATIENCE) -> float:
    """Wait until it holds; give the seconds that it took."""
    begun = time.monotonic()
    while time.monotonic() - begun < patience:
        if holds():
            return time.monotonic() - begun
        time.sleep(0.1)
    raise TimeoutError(f"{what}: not within {patience:.0f} s")


def answers(url: str, status: int = 200) -> bool:
    """Whether the address is answered so."""
    try:
        return httpx.get(url, timeout=2).status_code == status
    except httpx.HTTPError:
        return False


class Program:
    """One that runs on a machine until it is stopped."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.machine = machine
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def kill(self) -> None:
        """End it and all that it started, without a word."""
        if self.process is not None:
            for number in _family(self.process.pid):
                try:
                    os.kill(number, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            self.process.wait()
            self.process = None


def _family(pid: int) -> list[int]:
    """The process and its children's children, those first that can start others."""
    found = [pid]
    for parent in found:
        listed = Path(f"/proc/{parent}/task/{parent}/children")
        if listed.exists():
            found += [int(child) for child in listed.read_text().split()]
    return found


class Etcd(Program):
    """Where Patroni keeps who the primary is. A real cluster has three."""

    def start(self) -> None:
        address = self.machine.address
        client, peer = f"http://{address}:2379", f"http://{address}:2380"
        self.process = self.machine.start(
            [
                *("etcd", "--name", "etcd", "--data-dir", self.folder / "data"),
                *("--listen-client-urls", client, "--advertise-client-urls", client),
                *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
                *("--initial-cluster", f"etcd={peer}"),
            ],
            self.log,
        )
        wait_until(lambda: answers(f"{client}/health"), "etcd")


class Patroni(Program):
    """A PostgreSQL and who looks after it."""

    def configure(self, etcd: Machine) -> None:
        """Write its configuration from the one in `deploy/`."""
        machine, folder = self.machine, self.folder
        shutil.chown(folder, "postgres", "postgres")
        folder.chmod(0o700)
        text = (DEPLOY / "patroni" / "patroni.yml").read_text()
        changes = {
            r"name: db1": f"name: {machine.name}",
            r"10\.0\.0\.11": machine.address,
            r"10\.0\.0\.10:": f"{etcd.address}:",
            r"10\.0\.0\.0/24": f"{machine.address.rpartition('.')[0]}.0/24",
            r"bin_dir: .*": f"bin_dir: {_programs_of_postgresql()}",
            r"data_dir: .*": f"data_dir: {folder}/data",
            r"pgpass: .*": f"pgpass: {folder}/pgpass",
            r"unix_socket_directories: .*": f"unix_socket_directories: {folder}",
            r"change-me-\w+": PASSWORD,
        }
        for old, new in changes.items():
            text, number = re.subn(old, new, text)
            if not number:
                raise ValueError(f"patroni.yml has nothing like {old!r}")
        (folder / "patroni.yml").write_text(text)
        shutil.chown(folder / "patroni.yml", "postgres", "postgres")

    def start(self) -> None:
        self.log.touch()
        shutil.chown(self.log, "postgres", "postgres")
        self.process = self.machine.start(
            ["patroni", self.folder / "patroni.yml"], self.log, user="postgres"
        )

    def has_role(self, role: str) -> bool:
        """Whether Patroni says that it is `primary`, `replica` or `sync`."""
        return answers(f"http://{self.machine.address}:8008/{role}")


class HAProxy(Program):
    """One of the proxies of `deploy/haproxy`."""

    def configure(self, name: str, servers: dict[str, str]) -> None:
        """Write its configuration, with these addresses by the names of servers."""
        text = (DEPLOY / "haproxy" / name).read_text()
        for server, address in servers.items():
            text, number = re.subn(rf"(server {server}) [0-9.]+:", rf"\1 {address}:", text)
            if not number:
                raise ValueError(f"{name} has no server {server!r}")
        (self.folder / "haproxy.cfg").write_text(text)

    def start(self) -> None:
        program = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin") or "haproxy"
        command: list[str | Path] = [program, "-W", "-db", "-f", self.folder / "haproxy.cfg"]
        self.process = self.machine.start(command, self.log)


class ObjectStore(Program):
    """moto's server, which keeps everything in memory."""

    @property
    def endpoint(self) -> str:
        return f"http://{self.machine.address}:9000"

    def start(self) -> None:
        command = [sys.executable, "-m", "moto.server", "-H", "0.0.0.0", "-p", "9000"]
        self.process = self.machine.start(command, self.log)
        wait_until(lambda: answers(f"{self.endpoint}/moto-api/"), "the object store")
        httpx.put(f"{self.endpoint}/{BUCKET}").raise_for_status()
