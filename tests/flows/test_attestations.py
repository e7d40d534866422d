"""What lies beside a file as its attestation comes with it, and can be verified by others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.helpers.application import wheel
from tests.helpers.attesting import attestation
from tests.helpers.clients import Credentials, Machine
from tests.helpers.server import Server, serving

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), workers=1) as server:
        server.create_user("ada")
        yield server


@pytest.mark.parametrize("client", ["twine", "uv"])
def test_clients_send_what_lies_beside_a_file(
    client: str, server: Server, machine: Machine, tmp_path: Path
) -> None:
    file = wheel(tmp_path, f"demo-{client}", "1.0")
    told = attestation(file)
    beside = file.with_name(f"{file.name}.publish.attestation")
    beside.write_text(json.dumps(told))
    ada = Credentials(server.create_token("ada"))
    if client == "twine":
        done = machine.twine_upload(server, ada, file, beside, attestations=True)
    else:
        done = machine.uv_publish(server, ada, file, beside)
    assert done.code == 0, done
    address = f"{server.url}/integrity/demo-{client}/1.0/{file.name}/provenance"
    [bundle] = httpx.get(address).json()["attestation_bundles"]
    assert bundle["attestations"] == [told]


def test_a_refusal_is_told(server: Server, machine: Machine, tmp_path: Path) -> None:
    file = wheel(tmp_path, "demo-other", "1.0")
    told = attestation(file, subject=[{"name": file.name, "digest": {"sha256": "0" * 64}}])
    beside = file.with_name(f"{file.name}.publish.attestation")
    beside.write_text(json.dumps(told))
    ada = Credentials(server.create_token("ada"))
    done = machine.twine_upload(server, ada, file, beside, attestations=True)
    assert done.code == 1
    assert "a statement is about other bytes" in done.output
    assert server.page("demo-other") is None
