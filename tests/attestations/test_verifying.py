"""Attestations that GitHub and GitLab made for real releases, which all of Sigstore can look up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from packslip.attestations.errors import AttestationError
from packslip.attestations.verifying import CannotVerifyError, verify

ON_GITHUB = (
    "pypi_attestations-0.0.19.tar.gz",
    "9bb1add04b1b4e182be6b0b80931593f7a291eb49d69b4fd728a5d4cbcdc4bd3",
    {"kind": "GitHub", "repository": "trailofbits/pypi-attestations", "workflow": "release.yml"},
)
ON_GITLAB = (
    "gitlab_oidc_project-0.0.3.tar.gz",
    "c1ca9b0d85df1606451098233018534497bf584362e10e4a8c21dfaea92c02a8",
    {
        "kind": "GitLab",
        "repository": "facutuesca/gitlab-oidc-project",
        "workflow_filepath": ".gitlab-ci.yml",
    },
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def attestations_of(filename: str) -> list[dict[str, Any]]:
    return [json.loads((Path(__file__).parent / "data" / f"{filename}.json").read_text())]


@pytest.mark.parametrize(("filename", "sha256", "publisher"), [ON_GITHUB, ON_GITLAB])
def test_what_the_publisher_signed_is_right(
    filename: str, sha256: str, publisher: dict[str, Any]
) -> None:
    verify(attestations_of(filename), publisher | {"claims": None}, filename, sha256)


@pytest.mark.parametrize(("filename", "sha256", "publisher"), [ON_GITHUB, ON_GITLAB])
def test_what_somebody_else_signed_is_refused(
    filename: str, sha256: str, publisher: dict[str, Any]
) -> None:
    told = attestations_of(filename)
    workflow = "workflow" if "workflow" in publisher else "workflow_filepath"
    for other in ({"repository": "acme/other"}, {workflow: "other.yml"}):
        with pytest.raises(AttestationError, match="Verification failed"):
            verify(told, publisher | other, filename, sha256)


def test_what_is_not_whole_is_refused() -> None:
    filename, sha256, publisher = ON_GITHUB
    [told] = attestations_of(filename)
    with pytest.raises(AttestationError, match="digest"):
        verify([told], publisher, filename, "0" * 64)
    with pytest.raises(AttestationError):
        verify([told], publisher, "other-1.0.tar.gz", sha256)
    [other] = attestations_of(ON_GITLAB[0])
    for part in ("certificate", "transparency_entries"):
        material = told["verification_material"] | {part: other["verification_material"][part]}
        with pytest.raises(AttestationError):
            verify([told | {"verification_material": material}], publisher, filename, sha256)
    with pytest.raises(AttestationError):
        verify([told | {"envelope": other["envelope"]}], publisher, filename, sha256)


def test_a_machine_on_which_the_library_cannot_work_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filename, sha256, publisher = ON_GITHUB
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(CannotVerifyError):
        verify(attestations_of(filename), publisher, filename, sha256)
