"""Real clients, run as by a user whose machine knows no index but the one that is named.

They come from an environment of their own: the folder that PACKSLIP_TEST_CLIENTS names, by default
`.venv-clients` beside `pyproject.toml` (`make test` makes it).
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.helpers.processes import Finished, clean_environment, run
from tests.helpers.server import Server

ROOT = Path(__file__).parents[2]
ENVIRONMENT = Path(os.environ.get("PACKSLIP_TEST_CLIENTS", ROOT / ".venv-clients")).absolute()
BIN = ENVIRONMENT / "bin"

#: Nobody listens there: whatever a client wants from elsewhere than this machine fails at once.
_NOWHERE = "http://127.0.0.1:9"


def require_clients() -> None:
    """Skip the test when the clients are not installed; fail it where nothing may be skipped."""
    if (BIN / "pip").exists():
        return
    reason = f"the clients are not installed in {ENVIRONMENT}; `make test` does that"
    if os.environ.get("CI_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass(frozen=True)
class Credentials:
    """What a client logs in with."""

    password: str
    username: str = "__token__"


@dataclass(frozen=True)
class Machine:
    """A user's machine: an empty home, an empty folder, and the clients."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return clean_environment(
            self.folder / "home",
            HTTP_PROXY=_NOWHERE,
            HTTPS_PROXY=_NOWHERE,
            ALL_PROXY=_NOWHERE,
            NO_PROXY="127.0.0.1,localhost",
            PIP_CONFIG_FILE=os.devnull,
            PIP_DISABLE_PIP_VERSION_CHECK="1",
            PIP_NO_INPUT="1",
            PIP_RETRIES="0",
            PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring",
            POETRY_KEYRING_ENABLED="false",
            POETRY_VIRTUALENVS_IN_PROJECT="true",
            UV_CACHE_DIR=str(self.folder / "uv-cache"),
            UV_HTTP_RETRIES="0",
            UV_KEYRING_PROVIDER="disabled",
            UV_LINK_MODE="copy",
            UV_NO_CONFIG="1",
            UV_NO_PROGRESS="1",
            UV_PYTHON=sys.executable,
            UV_PYTHON_DOWNLOADS="never",
            FLIT_NO_NETWORK="1",
        )

    def run(self, *command: str, folder: Path | None = None, **variables: str) -> Finished:
        """Run a client, named as in a shell, to its end."""
        require_clients()
        program = str(BIN / command[0])
        environment = {**self.environment, **variables}
        return run([program, *command[1:]], environment, folder=folder or self.folder)

    def venv(self, name: str = "venv") -> Path:
        """A new environment with nothing in it, not even pip."""
        path = self.folder / name
        done = self.run("uv", "venv", "--no-project", "--clear", str(path))
        assert done.code == 0, done
        return path

    def twine_upload(
        self, server: Server, who: Credentials, *files: Path, attestations: bool = False
    ) -> Finished:
        return self.run(
            "twine", "upload", "--non-interactive", "--disable-progress-bar",
            *(["--attestations"] if attestations else []),
            "--repository-url", server.upload_url, *map(str, files),
            TWINE_USERNAME=who.username, TWINE_PASSWORD=who.password,
        )  # fmt: skip

    def uv_publish(
        self, server: Server, who: Credentials, *files: Path, check: bool = False
    ) -> Finished:
        return self.run(
            "uv", "publish", "--publish-url", server.upload_url, "--trusted-publishing", "never",
            *(["--check-url", server.simple_url] if check else []), *map(str, files),
            UV_PUBLISH_USERNAME=who.username, UV_PUBLISH_PASSWORD=who.password,
        )  # fmt: skip

    def hatch_publish(self, server: Server, who: Credentials, *files: Path) -> Finished:
        return self.run(
            "hatch", "publish", "--no-prompt", "--repo", server.upload_url, *map(str, files),
            HATCH_INDEX_USER=who.username, HATCH_INDEX_AUTH=who.password,
        )  # fmt: skip

    def flit_publish(self, server: Server, who: Credentials, project: Path) -> Finished:
        """Build and upload the project; flit takes no files that were built before."""
        return self.run(
            "flit", "publish", folder=project,
            FLIT_INDEX_URL=server.upload_url, FLIT_USERNAME=who.username,
            FLIT_PASSWORD=who.password, SOURCE_DATE_EPOCH="1600000000",
        )  # fmt: skip

    def poetry_publish(self, server: Server, who: Credentials, project: Path) -> Finished:
        """Upload what is in the project's `dist`."""
        return self.run(
            "poetry", "publish", "--no-interaction", "--repository", "team", folder=project,
            POETRY_REPOSITORIES_TEAM_URL=server.upload_url,
            POETRY_HTTP_BASIC_TEAM_USERNAME=who.username,
            POETRY_HTTP_BASIC_TEAM_PASSWORD=who.password,
        )  # fmt: skip

    def pip(self, command: str, server: Server, venv: Path, *arguments: str) -> Finished:
        """Run pip for the environment `venv` with the server as the only index."""
        return self.run(
            "pip", "--python", str(venv / "bin" / "python"), command,
            "--index-url", server.simple_url, *arguments,
        )  # fmt: skip

    def uv_pip_install(self, server: Server, venv: Path, *arguments: str) -> Finished:
        """Run `uv pip install` into `venv` with the server as the only index."""
        return self.run(
            "uv", "pip", "install", "--python", str(venv / "bin" / "python"),
            "--default-index", server.simple_url, *arguments,
        )  # fmt: skip


def installed(venv: Path) -> dict[str, str]:
    """The distributions in an environment, with their versions."""
    folders = venv.glob("lib/python*/site-packages/*.dist-info")
    names = (folder.name.removesuffix(".dist-info").split("-") for folder in folders)
    return {name.replace("_", "-"): version for name, version in names}
