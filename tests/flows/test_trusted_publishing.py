"""Real clients publish without a password, with identities of an issuer on loopback.

They ask for tokens by https alone, so a proxy that ends TLS stands in front of the index.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.helpers.application import wheel
from tests.helpers.clients import Machine
from tests.helpers.issuer import Issuer, github, issuing
from tests.helpers.prepared import ADMIN
from tests.helpers.processes import Finished
from tests.helpers.server import Server, serving
from tests.helpers.tls import make_certificate, terminating_tls

#: twine itself asks for tokens only of the index that it takes for its own.
_TWINE_AT_HOME = """
import sys
from twine import __main__, utils
utils.DEFAULT_REPOSITORY = sys.argv.pop(1)
sys.exit(__main__.main())
"""


@dataclass(frozen=True)
class Index:
    """An index behind a proxy, and who issues the identities that it trusts."""

    server: Server
    issuer: Issuer
    upload_url: str
    authority: Path

    def trust(self, package: str, *more: str) -> None:
        self.server.command(
            "publisher", "add", package, "--user", ADMIN, "--issuer", self.issuer.address,
            "--repository", "acme/widget", "--workflow", "release.yml", *more,
        )  # fmt: skip

    @property
    def github(self) -> dict[str, str]:
        """What tools find in the environment of a run of GitHub Actions."""
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.issuer.address}/token?run=1",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of the run",
        }

    def run_in_ci(self, folder: Path, *command: str, **environment: str) -> Finished:
        """Run a client, by default as in a run of GitHub Actions."""
        return Machine(folder).run(
            *command,
            **(environment or self.github),
            SSL_CERT_FILE=str(self.authority),
            REQUESTS_CA_BUNDLE=str(self.authority),
        )

    def uv_publish(self, folder: Path, *files: Path, **environment: str) -> Finished:
        return self.run_in_ci(
            folder, "uv", "publish", "--publish-url", self.upload_url,
            "--trusted-publishing", "always", *map(str, files), **environment,
        )  # fmt: skip


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("server")
    certificate = make_certificate(folder / "tls")
    with issuing() as issuer:
        issuer.runs = github()
        settings = {"PACKSLIP_UPSTREAM_URL": "", "PACKSLIP_OIDC_ISSUERS": issuer.address}
        with (
            serving(folder, **settings) as server,
            terminating_tls(certificate, server.port) as port,
        ):
            address = f"https://127.0.0.1:{port}/legacy/"
            yield Index(server, issuer, address, certificate.authority)


def test_uv_publishes_a_new_package_without_a_password(index: Index, tmp_path: Path) -> None:
    index.trust("by-uv", "--environment", "release")
    files = [wheel(tmp_path, "by-uv", version) for version in ("1.0", "1.1")]
    done = index.uv_publish(tmp_path, *files)
    assert done.code == 0, done
    page = index.server.page("by-uv")
    assert page is not None
    assert page["versions"] == ["1.0", "1.1"]


def test_uv_publishes_from_gitlab(index: Index, tmp_path: Path) -> None:
    index.server.command(
        "publisher", "add", "by-gitlab", "--user", ADMIN, "--kind", "gitlab",
        "--issuer", index.issuer.address,
        "--repository", "acme/team/widget", "--workflow", ".gitlab-ci.yml",
    )  # fmt: skip
    identity = index.issuer.sign(
        aud="127.0.0.1",
        sub="project_path:acme/team/widget:ref_type:tag:ref:v1",
        project_path="acme/team/widget",
        namespace_id="7",
        ci_config_ref_uri="gitlab.example.com/acme/team/widget//.gitlab-ci.yml@refs/tags/v1",
    )
    file = wheel(tmp_path, "by-gitlab", "1.0")
    done = index.uv_publish(tmp_path, file, **{"GITLAB_CI": "true", "127_0_0_1_ID_TOKEN": identity})
    assert done.code == 0, done
    assert index.server.page("by-gitlab") is not None


def test_twine_publishes_a_new_package_without_a_password(index: Index, tmp_path: Path) -> None:
    index.trust("by-twine")
    done = index.run_in_ci(
        tmp_path, "python", "-c", _TWINE_AT_HOME, index.upload_url,
        "upload", "--non-interactive", "--disable-progress-bar",
        "--repository-url", index.upload_url, str(wheel(tmp_path, "by-twine", "1.0")),
    )  # fmt: skip
    assert done.code == 0, done
    assert "Minted upload token for trusted publishing" in done.output
    assert index.server.page("by-twine") is not None


def test_twine_uploads_with_a_token_that_a_script_asked_for(index: Index, tmp_path: Path) -> None:
    index.trust("by-script")
    host = index.upload_url.removesuffix("/legacy/")
    with httpx.Client(verify=ssl.create_default_context(cafile=index.authority)) as client:
        audience = client.get(f"{host}/_/oidc/audience").json()["audience"]
        identity = index.issuer.sign(**github(), aud=audience)
        minted = client.post(f"{host}/_/oidc/mint-token", json={"token": identity}).json()
    done = index.run_in_ci(
        tmp_path, "twine", "upload", "--non-interactive", "--disable-progress-bar",
        "--repository-url", index.upload_url, "--username", "__token__",
        "--password", minted["token"], str(wheel(tmp_path, "by-script", "1.0")),
    )  # fmt: skip
    assert done.code == 0, done
    assert index.server.page("by-script") is not None


def test_a_package_that_does_not_trust_the_run_is_not_published(
    index: Index, tmp_path: Path
) -> None:
    index.trust("mine")
    done = index.uv_publish(tmp_path, wheel(tmp_path, "not-mine", "1.0"))
    assert done.code != 0
    assert "limited to other packages" in done.output
    assert index.server.page("not-mine") is None


def test_a_run_that_nobody_trusts_is_told_so(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index.issuer, "runs", github("evil/widget"))
    done = index.uv_publish(tmp_path, wheel(tmp_path, "widget", "1.0"))
    assert done.code != 0
    assert "No package here trusts this identity" in done.output
    assert index.server.page("widget") is None
