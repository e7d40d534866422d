"""An index that only members may read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.helpers.application import wheel
from tests.helpers.clients import BIN, Credentials, Machine, installed
from tests.helpers.server import Server, serving

pytestmark = pytest.mark.clients

#: A backend for `keyring`: a desktop's own is neither here nor in a CI job.
STORE = """
from keyring.backend import KeyringBackend
from keyring.credentials import SimpleCredential


class Store(KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        return "{password}"

    def set_password(self, service, username, password):
        raise NotImplementedError

    def get_credential(self, service, username):
        return SimpleCredential("{username}", "{password}")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has a package, demo, for members."""
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, PACKSLIP_READ="members") as server:
        server.create_user("ada")
        file = wheel(folder, "demo", "1.0")
        assert server.upload(server.create_token("ada"), file).status_code == 200
        yield server


@pytest.fixture(scope="module")
def reader(server: Server) -> Credentials:
    return Credentials(server.create_token("ada", "--scope", "read"))


def write_netrc(machine: Machine, who: Credentials) -> None:
    home = Path(machine.environment["HOME"])
    (home / ".netrc").write_text(
        f"machine 127.0.0.1\nlogin {who.username}\npassword {who.password}\n"
    )
    (home / ".netrc").chmod(0o600)


def write_keyring(machine: Machine, who: Credentials) -> dict[str, str]:
    """A store for the real command `keyring`; the variables with which it is used."""
    store = machine.folder / "store"
    store.mkdir()
    (store / "store.py").write_text(STORE.format(username=who.username, password=who.password))
    return {
        "PATH": f"{BIN}{os.pathsep}{machine.environment['PATH']}",
        "PYTHONPATH": str(store),
        "PYTHON_KEYRING_BACKEND": "store.Store",
    }


@pytest.mark.parametrize("client", ["pip", "uv"])
def test_without_credentials_nothing_is_installed(
    client: str, machine: Machine, server: Server
) -> None:
    venv = machine.venv()
    if client == "pip":
        done = machine.pip("install", server, venv, "demo")
    else:
        done = machine.uv_pip_install(server, venv, "demo")
        assert "401 Unauthorized" in done.output
    assert done.code != 0, done
    assert installed(venv) == {}


@pytest.mark.parametrize("client", ["pip", "uv"])
def test_a_token_in_netrc_reads(
    client: str, machine: Machine, server: Server, reader: Credentials
) -> None:
    write_netrc(machine, reader)
    venv = machine.venv()
    if client == "pip":
        done = machine.pip("install", server, venv, "demo")
    else:
        done = machine.uv_pip_install(server, venv, "demo")
    assert done.code == 0, done
    assert installed(venv) == {"demo": "1.0"}


@pytest.mark.parametrize("client", ["pip", "uv"])
def test_a_token_in_the_keyring_reads(
    client: str, machine: Machine, server: Server, reader: Credentials
) -> None:
    variables = write_keyring(machine, reader)
    venv = machine.venv()
    index = server.simple_url.replace("://", "://__token__@")
    python = str(venv / "bin" / "python")
    command = {
        "pip": ("pip", "--python", python, "install", "--index-url", index),
        "uv": ("uv", "pip", "install", "--python", python, "--default-index", index),
    }[client]
    done = machine.run(*command, "--keyring-provider", "subprocess", "demo", **variables)
    assert done.code == 0, done
    assert installed(venv) == {"demo": "1.0"}
