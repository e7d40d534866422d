"""The texts that the page of a new token shows, used as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.helpers.application import wheel
from tests.helpers.clients import BIN, Machine, installed
from tests.helpers.processes import Finished, run
from tests.helpers.server import Server, serving

from packslip.accounts.ready_texts import ReadyText, read_texts, upload_texts

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for members."""
    with serving(tmp_path_factory.mktemp("server"), PACKSLIP_READ="members") as server:
        server.create_user("ada")
        yield server


def by_id(texts: list[ReadyText]) -> dict[str, str]:
    return {ready.id: ready.text for ready in texts}


def shell(machine: Machine, text: str, **variables: str) -> Finished:
    """Run a text in a shell, in the machine's folder."""
    environment = machine.environment | variables
    environment["PATH"] = f"{BIN}:{environment['PATH']}"
    return run(["sh", "-ec", text], environment, folder=machine.folder)


def built(machine: Machine, version: str) -> None:
    (machine.folder / "dist").mkdir(exist_ok=True)
    wheel(machine.folder / "dist", "demo", version)


def test_the_texts_for_uploading(machine: Machine, server: Server) -> None:
    texts = by_id(upload_texts(secret := server.create_token("ada"), server.url))
    pypirc = Path(machine.environment["HOME"]) / ".pypirc"
    pypirc.write_text(texts["pypirc"])
    pypirc.chmod(0o600)
    commands = {
        "1.0": "twine upload -r packslip dist/*",
        "1.1": texts["uv-publish"],
        "1.2": texts["ci-uv"],
    }
    for version, command in commands.items():
        built(machine, version)
        done = shell(machine, command, PACKSLIP_TOKEN=secret)
        assert done.code == 0, done
    pypirc.unlink()
    built(machine, "1.3")
    done = shell(machine, texts["ci-twine"], PACKSLIP_TOKEN=secret)
    assert done.code == 0, done
    page = server.get("/simple/demo/", Authorization=f"Bearer {secret}").decode()
    for version in ("1.0", "1.1", "1.2", "1.3"):
        assert f"demo-{version}-" in page


def test_the_texts_for_installing(machine: Machine, server: Server) -> None:
    file = wheel(machine.folder, "other", "1.0")
    assert server.upload(server.create_token("ada"), file).status_code == 200
    texts = by_id(read_texts(secret := server.create_token("ada", "--scope", "read"), server.url))
    home = Path(machine.environment["HOME"])
    done = shell(
        machine,
        texts["ci-read"]
        + "uv venv --no-project a && uv pip install --python a/bin/python other\n"
        + "uv venv --no-project b && pip --python b/bin/python install other\n",
        PACKSLIP_TOKEN=secret,
    )
    assert done.code == 0, done
    netrc = home / ".netrc"
    assert (netrc.read_text(), netrc.stat().st_mode & 0o777) == (texts["netrc"], 0o600)
    for name, text in (("uv/uv.toml", texts["uv"]), ("pip/pip.conf", texts["pip"])):
        path = home / ".config" / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    done = shell(
        machine,
        "unset UV_NO_CONFIG PIP_CONFIG_FILE\n"
        "uv venv --no-project c && uv pip install --python c/bin/python other\n"
        "uv venv --no-project d && pip --python d/bin/python install other\n",
    )
    assert done.code == 0, done
    for venv in "abcd":
        assert installed(machine.folder / venv) == {"other": "1.0"}
