"""Other indexes that host files, and how each of them comes to have the corpus."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
from packaging.utils import canonicalize_name

from bench import nginx
from bench.corpus import Distribution
from bench.server import BenchError, Credentials, Server, Target
from bench.uploads import fill as upload_all

_PASSWORD = "nothing is secret on loopback"

Fill = Callable[[Server, Sequence[Distribution]], None]


@dataclass(frozen=True)
class Host:
    """An index under test. Without `fill` it has the data of the one before, `of`."""

    target: Target
    fill: Fill | None
    #: The largest page that it is given, in files.
    largest: int = 1_000_000
    of: str = ""


def by_upload(server: Server, files: Sequence[Distribution]) -> None:
    """Upload everything, as people do."""
    for command in server.target.prepare:
        server.run_command(command)
    with server.running():
        server.credentials = server.target.enrol(server)
        refused = upload_all(server, files)
    if refused:
        raise BenchError(f"{len(refused)} refused, the first: {refused[0]}")


def in_one_folder(server: Server, files: Sequence[Distribution]) -> None:
    """Put the files side by side."""
    folder = server.data / "packages"
    folder.mkdir()
    for file in files:
        os.link(file.path, folder / file.path.name)
    server.set_up()


def by_project(server: Server, files: Sequence[Distribution]) -> None:
    """Put the files into a folder for each package."""
    for file in files:
        folder = server.data / "packages" / canonicalize_name(file.name)
        folder.mkdir(parents=True, exist_ok=True)
        os.link(file.path, folder / file.path.name)


def nothing(server: Server, _: Sequence[Distribution]) -> None:
    """A mirror gets what it is asked for."""
    server.set_up()


def pypiserver(folder: Path) -> Host:
    """With waitress, which it finds itself, and the cached folder: the fastest that it has."""

    def enrol(_: Server) -> Credentials:
        return Credentials("bench", "secret")

    def configure(server: Server) -> None:
        line = "bench:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n"
        (server.data / "htpasswd").write_text(line)

    target = Target(
        name="pypiserver",
        command=(f"{folder}/pypi-server", "run", "-i", "{host}", "-p", "{port}", "-P",
                 "{data}/htpasswd", "--server", "auto", "--backend", "cached-dir",
                 "--disable-fallback", "{data}/packages"),
        environment={},
        enrol=enrol,
        health="/simple/",
        upload="/",
        configure=configure,
    )  # fmt: skip
    return Host(target, in_one_folder)


def simple_repository_server(folder: Path) -> Host:
    """On a folder; it takes no uploads."""
    target = Target(
        name="simple-repository-server",
        command=(f"{folder}/simple-repository-server", "--host", "{host}", "--port", "{port}",
                 "{data}/packages"),
        environment={},
        enrol=lambda _: None,
        health="/simple/",
        upload="",
    )  # fmt: skip
    return Host(target, by_project)


def devpi(folder: Path) -> Host:
    """With one index for uploads, which carry a log-in token: Argon2 is asked once alone."""
    data = ("--serverdir", "{data}/server")
    init = (f"{folder}/devpi-init", *data, "--no-root-pypi", "--root-passwd", _PASSWORD)
    # With it, log-in tokens outlive the process.
    secret = ("--secretfile", "{data}/secret")
    target = Target(
        name="devpi",
        command=(f"{folder}/devpi-server", *data, *secret, "--host", "{host}", "--port", "{port}"),
        environment={},
        enrol=_make_stage,
        health="/+api",
        simple="/bench/dev/+simple/",
        upload="/bench/dev/",
        prepare=((f"{folder}/devpi-gen-secret", *secret), init),
    )
    # Each upload to a package takes longer than the one before: 2,000 would take an hour.
    return Host(target, by_upload, largest=100)


def devpi_with_nginx(folder: Path) -> Host:
    """The same, with files sent by nginx."""
    plain = devpi(folder)

    def configure(server: Server) -> None:
        nginx.in_front_of_devpi(
            server.data, port=server.port, behind=server.port2, root=server.data / "server"
        )

    command = tuple(word.replace("{port}", "{port2}") for word in plain.target.command)
    target = replace(
        plain.target,
        name="devpi with nginx",
        command=together(command, nginx.command("{data}")),
        configure=configure,
    )
    return replace(plain, target=target, fill=None, of="devpi")


def packslip_with_nginx(plain: Target) -> Host:
    """Packslip behind nginx as documented: it sends files and pages, and passes on all else."""

    def configure(server: Server) -> None:
        (server.data / "files").mkdir(exist_ok=True)
        data = server.data
        nginx.in_front_of_packslip(data, port=server.port, behind=server.port2, data=data)

    command = tuple(word.replace("{port}", "{port2}") for word in plain.command)
    settings = {
        "PACKSLIP_TRUSTED_PROXIES": "1",
        "PACKSLIP_ACCEL_REDIRECT": nginx.INTERNAL,
        "PACKSLIP_PAGE_FILES": "simple",
    }
    target = replace(
        plain,
        name="packslip with nginx",
        command=together(command, nginx.command("{data}")),
        environment={**plain.environment, **settings},
        configure=configure,
    )
    return Host(target, None, of=plain.name)


def static_nginx(root: Path) -> Host:
    """Nginx with finished pages, the reference: nothing sends bytes for less."""

    def configure(server: Server) -> None:
        nginx.of_static_files(server.data, port=server.port, root=root)

    target = Target(
        name="nginx",
        command=nginx.command("{data}"),
        environment={},
        enrol=lambda _: None,
        health="/simple/",
        upload="",
        configure=configure,
    )
    return Host(target, lambda *_: None)


def together(*commands: Sequence[str]) -> tuple[str, ...]:
    """The command that runs several in one session."""
    words: list[str] = [sys.executable, str(Path(__file__).parent / "together.py")]
    for command in commands:
        words += [*command, "--"]
    return tuple(words[:-1])


def _make_stage(server: Server) -> Credentials:
    with httpx.Client(base_url=server.base, timeout=60) as client:
        client.put("/bench", json={"password": _PASSWORD}).raise_for_status()
        user = {"user": "bench", "password": _PASSWORD}
        login = client.post("/+login", json=user).raise_for_status().json()
        token = login["result"]["password"]
        signed = base64.b64encode(f"bench:{token}".encode()).decode()
        stage = {"type": "stage", "bases": [], "volatile": True}
        headers = {"X-Devpi-Auth": signed}
        client.put("/bench/dev", json=stage, headers=headers).raise_for_status()
    return Credentials("bench", token)
