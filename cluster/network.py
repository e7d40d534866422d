"""Machines of a network that are namespaces of this one. Root alone may make them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

#: This machine's own address there; the last number of it is 1.
NET = "10.213.7"

_BRIDGE = "packslip-net"


class CannotMakeNetworkError(Exception):
    """Namespaces cannot be made on this machine, or not by whoever runs it."""


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotMakeNetworkError(f"ip {' '.join(words)}: {done.stderr.strip()}")


class Machine:
    """A namespace with an address."""

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.address = f"{NET}.{number}"
        self._space = f"packslip-{name}"
        self._link = f"ps-{number}"

    def make(self) -> None:
        """Make it, and connect it with the others."""
        _ip("netns", "add", self._space)
        _ip("link", "add", self._link, "type", "veth", "peer", "eth0", "netns", self._space)
        _ip("link", "set", self._link, "master", _BRIDGE, "up")
        for words in (
            ("address", "add", f"{self.address}/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
        ):
            _ip("-n", self._space, *words)

    def remove(self) -> None:
        """Remove it, if it is there."""
        subprocess.run(["ip", "netns", "del", self._space], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", self._link], capture_output=True, check=False)

    def cut_off_from(self, other: Machine) -> None:
        """Let nothing go to the other machine, over no connection."""
        _ip("-n", self._space, "route", "add", "unreachable", f"{other.address}/32")

    def reach(self, other: Machine) -> None:
        """Undo that."""
        _ip("-n", self._space, "route", "del", "unreachable", f"{other.address}/32")

    def start(
        self,
        command: Sequence[str | Path],
        log: Path,
        *,
        environment: dict[str, str] | None = None,
        user: str | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a program there, as a group of processes of its own."""
        words: list[str | Path] = ["ip", "netns", "exec", self._space]
        if user is not None:
            words += ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]
        with log.open("ab") as output:
            return subprocess.Popen(
                [*words, *command],
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                env=environment or {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
                start_new_session=True,
            )


class Network:
    """All machines, and this one."""

    def __init__(self, machines: Sequence[Machine]) -> None:
        self._machines = machines

    def __enter__(self) -> Network:
        if os.geteuid() != 0:
            raise CannotMakeNetworkError("only root may make namespaces")
        self._remove()
        try:
            _ip("link", "add", _BRIDGE, "type", "bridge")
            _ip("address", "add", f"{NET}.1/24", "dev", _BRIDGE)
            _ip("link", "set", _BRIDGE, "up")
            for machine in self._machines:
                machine.make()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    def _remove(self) -> None:
        for machine in self._machines:
            machine.remove()
        subprocess.run(["ip", "link", "del", _BRIDGE], capture_output=True, check=False)
