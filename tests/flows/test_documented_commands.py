"""Every command of `packslip` that the documentation gives is typed, and does what it should."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.helpers.application import wheel
from tests.helpers.databases import PostgresDatabases
from tests.helpers.documented import ROOT, commands, pages, programs
from tests.helpers.objects import CREDENTIALS, new_bucket
from tests.helpers.prepared import PASSWORD, prepare_data
from tests.helpers.processes import Finished, own_environment, run_own
from tests.helpers.receiver import receiver
from tests.helpers.server import Server, serving

#: What other tests run.
ELSEWHERE = {
    "serve": "tests/flows/test_wheel.py",
}

#: Its commands build on each other, and are run by a test of their own.
TUTORIAL = "tutorial.md"

#: Pages that begin with an index where nobody is yet.
FIRST = {"install.md"}

#: What people have on their index, and what only the index upstream has.
OWN = ("demo 1.0", "demo 1.2", "other 1.0", "requests 2.0", "acme-orders 1.2", "your-package 1.1")
UPSTREAM = ("flask 3.1", "redis 5.0", "celery 5.4")

#: What stands for what differs from machine to machine.
PLACES = {
    "/srv/devpi-export": str(ROOT / "tests/exchange/data/devpi-export"),
    "/srv/": "{folder}/srv/",
    "/backups/": "{folder}/backups/",
    "FOLDER": "{wheels}",
    "https://packages.example.com": "{index}",
    "https://hooks.example.com/packages": "{webhook}",
}


#: What a command needs besides: there is no terminal, and receivers are on this machine.
HERE = {("user", "create"): ("--password-stdin",), ("webhook", "add"): ("--allow-private",)}


@dataclass
class World:
    """What a page's commands find."""

    served: Server
    #: A data folder to begin with.
    data: Path
    wheels: Path
    upstream: str
    webhook: str
    database: str
    files: Mapping[str, str] = field(default_factory=dict)


def of_packslip() -> dict[str, list[list[str]]]:
    """By page, its commands of `packslip`, and the variables that it sets for them."""
    found: dict[str, list[list[str]]] = {}
    for page in pages():
        for command in commands(page):
            if command.text.startswith("PACKSLIP_") or command.text.startswith("export PACKSLIP_"):
                setting = command.text.removeprefix("export ").split()[0]
                found.setdefault(page.name, []).append([setting])
            for words in programs(command.text):
                if words[0].rpartition("/")[2] == "packslip":
                    found.setdefault(page.name, []).append(words[1:])
    return {
        name: words
        for name, words in found.items()
        if name != TUTORIAL and any(not _is_setting(one) for one in words)
    }


def _is_setting(words: list[str]) -> bool:
    return len(words) == 1 and words[0].startswith("PACKSLIP_")


def take_in(server: Server, folder: Path, releases: tuple[str, ...]) -> Path:
    """Give an index that is not served these releases, which belong to ada."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    needs = {"celery": {"requires_dist": ["redis; extra == 'redis'"], "provides_extra": ["redis"]}}
    for release in releases:
        name, version = release.split()
        wheel(wheels, name, version, **needs.get(name, {}))
    prepare_data(server.data)
    server.folder.mkdir(parents=True, exist_ok=True)
    server.create_user("ada", PASSWORD, "--admin")
    server.create_user("mary")
    server.command("import", str(wheels), "--owner", "ada")
    return wheels


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, postgres_databases: PostgresDatabases
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    upstream = Server(folder / "upstream", folder / "upstream/data")
    flask = take_in(upstream, folder / "upstream", UPSTREAM) / "flask-3.1-py3-none-any.whl"
    own = Server(folder / "own", folder / "own/data")
    wheels = take_in(own, folder / "own", OWN)
    token = own.create_token("ada")
    demo = wheels / "demo-1.0-py3-none-any.whl"
    shutil.copytree(own.data, folder / "served/data")
    database = postgres_databases.create(empty=True)
    with (
        serving(folder / "upstream", workers=1) as above,
        serving(folder / "served", workers=1) as served,
        receiver() as told,
    ):
        files = {
            "requirements.txt": "demo==1.0\nflask\n",
            "requirements-dev.txt": "celery\n",
            "uv.lock": lock(demo, served.simple_url) + entry(flask, above.simple_url),
            "token": f"{token}\n",
            "found.txt": f"{token}\n",
        }
        yield World(served, own.data, wheels, above.simple_url, told.url, database, files)
    postgres_databases.drop(database)


def lock(path: Path, registry: str) -> str:
    """The beginning of a lock file of uv."""
    return f'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n{entry(path, registry)}'


def entry(path: Path, registry: str) -> str:
    """What it says of a package."""
    name, version = path.name.split("-")[:2]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"""
[[package]]
name = "{name}"
version = "{version}"
source = {{ registry = "{registry}" }}
wheels = [
    {{ url = "{registry}{path.name}", hash = "sha256:{digest}" }},
]
"""


def test_what_is_not_run_here_is_run_elsewhere() -> None:
    assert len(of_packslip()) > 12
    assert all((ROOT / path).is_file() for path in ELSEWHERE.values())


@pytest.mark.parametrize("page", sorted(of_packslip()))
def test_each_command_of_a_page_works(page: str, world: World, tmp_path: Path) -> None:
    data = tmp_path / "data"
    if page in FIRST:
        prepare_data(data)
    else:
        shutil.copytree(world.data, data)
    for place in ("srv", "backups"):
        (tmp_path / place).mkdir()
    for name in ("packages", "from-artifactory"):
        shutil.copytree(world.wheels, tmp_path / "srv" / name)
    for name, text in world.files.items():
        (tmp_path / name).write_text(text)
    settings = {"PACKSLIP_DATA": str(data), "PACKSLIP_UPSTREAM_URL": world.upstream, **CREDENTIALS}
    for words in of_packslip()[page]:
        there = [put_in_place(word, world, tmp_path) for word in words]
        if _is_setting(words):
            name, _, value = there[0].partition("=")
            settings[name] = value
        elif words[0] not in ELSEWHERE:
            done = type_in(there, settings, tmp_path)
            assert done.code == 0, done


def put_in_place(word: str, world: World, folder: Path) -> str:
    """The word, with what this machine has in place of the examples."""
    if word.startswith("postgresql://"):
        return world.database
    if word.startswith("s3://"):
        return new_bucket()
    for example, here in PLACES.items():
        word = word.replace(example, here)
    return word.format(
        folder=folder, wheels=world.wheels, index=world.served.url, webhook=world.webhook
    )


def type_in(words: list[str], settings: dict[str, str], folder: Path) -> Finished:
    """Run it as a shell would, with what it reads and where it writes."""
    send, output = PASSWORD, None
    words = [*words, *HERE.get(tuple(words[:2]), ())]
    for sign in ("<", ">"):
        if sign in words:
            at = words.index(sign)
            path = folder / words[at + 1]
            words = words[:at] + words[at + 2 :]
            if sign == "<":
                send = path.read_text()
            else:
                output = path
    environment = own_environment(folder / "home", **settings)
    done = run_own("packslip", *words, environment=environment, folder=folder, send=send)
    if output:
        output.write_text(done.output)
    return done
