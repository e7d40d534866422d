"""The compose file and the image: what they name exists, and what they set is a setting."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from tests.helpers.app import make_app
from tests.helpers.databases import SQLiteDatabases

from packslip.settings import load_settings, unknown_settings
from packslip.wsgi import GRACE, serve

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
NODES = {name: one for name, one in SERVICES.items() if one["image"].startswith("packslip:")}
_VARIABLE = re.compile(r"\$\{(\w+)(?::?([-?])([^}]*))?\}")


def example() -> dict[str, str]:
    """The variables of the example."""
    lines = (DEPLOY / "compose/example.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def filled_in(text: str, variables: Mapping[str, str]) -> str:
    """The text as Compose reads it, with these variables."""

    def value(match: re.Match[str]) -> str:
        name, kind, word = match.groups()
        return variables.get(name) or (word if kind == "-" else variables[name])

    return _VARIABLE.sub(value, text)


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_the_example_has_every_variable_and_no_other() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    used = {match[1] for match in _VARIABLE.finditer(text)}
    secrets = {secret["environment"] for secret in COMPOSE["secrets"].values()}
    assert set(example()) == used | secrets
    # What the example leaves open nobody can forget: Compose asks for it.
    needed = {match[1] for match in _VARIABLE.finditer(text) if match[2] == "?"}
    assert {name for name, value in example().items() if not value} <= needed


def test_the_nodes_are_given_settings_that_they_take() -> None:
    assert len(NODES) == 2
    variables = {name: value or "0123456789abcdef" * 4 for name, value in example().items()}
    for node in NODES.values():
        given = {name: filled_in(text, variables) for name, text in node["environment"].items()}
        assert unknown_settings(given) == []
        settings = load_settings(given)
        database, storage = urlsplit(settings.database_url), urlsplit(settings.storage_url)
        assert (database.hostname, database.path) == ("database", "/packslip")
        assert database.password == SERVICES["database"]["environment"][
            "POSTGRES_PASSWORD"
        ].replace("${POSTGRES_PASSWORD}", variables["POSTGRES_PASSWORD"])
        objects = SERVICES["objects"]["environment"]
        assert (storage.scheme, storage.hostname) == ("s3", objects["GARAGE_DEFAULT_BUCKET"])
        assert settings.trusted_proxies
        garage = tomllib.loads((DEPLOY / "compose/garage.toml").read_text())["s3_api"]
        port = garage["api_bind_addr"].rpartition(":")[2]
        assert storage.query == f"endpoint=http://objects:{port}&region={garage['s3_region']}"


def test_each_node_has_its_own_data_and_few_rights() -> None:
    volumes = [node["volumes"] for node in NODES.values()]
    assert len({volume for (volume,) in volumes}) == len(NODES)
    for node in NODES.values():
        assert (node["read_only"], node["cap_drop"]) == (True, ["ALL"])
        assert seconds(node["stop_grace_period"]) > GRACE + 5
        assert "ports" not in node


def test_what_is_named_exists() -> None:
    volumes = set(COMPOSE["volumes"])
    for service in SERVICES.values():
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        for needed in service.get("depends_on", {}):
            assert "healthcheck" in SERVICES[needed] or needed in NODES
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert (DEPLOY / source).is_file() if source.startswith(".") else source in volumes
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
        # A tag that moves is another program tomorrow.
        assert service in NODES.values() or not service["image"].endswith(":latest")
    (build,) = (node["build"] for node in NODES.values() if "build" in node)
    assert (DEPLOY / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()


def test_nginx_and_prometheus_know_every_node() -> None:
    nodes = sorted(f"{name}:8080" for name in NODES)
    script = SERVICES["nginx"]["command"][2]
    (change,) = re.findall(r"sed '([^']+)'", script)
    site = subprocess.run(
        ["sed", change], input=(DEPLOY / "nginx.conf").read_bytes(), capture_output=True, check=True
    ).stdout.decode()
    assert sorted(re.findall(r"\bserver (\S+:\d+);", site)) == nodes
    prometheus = yaml.safe_load((DEPLOY / "compose/prometheus.yml").read_text())
    (job,) = prometheus["scrape_configs"]
    assert sorted(job["static_configs"][0]["targets"]) == nodes
    (secret,) = SERVICES["prometheus"]["secrets"]
    assert job["authorization"]["credentials_file"] == f"/run/secrets/{secret}"
    rules = {volume.split(":")[1] for volume in SERVICES["prometheus"]["volumes"]}
    assert {f"/etc/prometheus/{name}" for name in prometheus["rule_files"]} <= rules


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Containerfile with what they say."""
    text = (DEPLOY / "Containerfile").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    whole = "\n".join(lines).replace("\\\n", " ")
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in whole.split("\n"))]


def test_the_image_is_built_of_what_is_here() -> None:
    allowed = (DEPLOY / "Containerfile.dockerignore").read_text()
    for word, rest in instructions():
        if word == "COPY" and not rest.startswith("--from="):
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert f"!{source.split('/')[0]}\n" in allowed
    runs = [rest for word, rest in instructions() if word == "RUN"]
    steps = [step.split() for run in runs for step in run.split(" && ")]
    installs = [step for step in steps if "pip" in step[0]]
    assert len(installs) == 2
    for step in installs:
        # Either by the locks' hashes, or this package itself with what the locks gave.
        assert "--require-hashes" in step or {"--no-deps", "--no-build-isolation", "."} <= {*step}


def test_the_image_runs_the_server_without_rights(
    tmp_path: Path, sqlite_databases: SQLiteDatabases
) -> None:
    last = dict(instructions())
    assert last["USER"].split(":")[0] not in {"0", "root"}
    assert (last["STOPSIGNAL"], yaml.safe_load(last["ENTRYPOINT"])) == ("SIGTERM", ["packslip"])
    command, *arguments = yaml.safe_load(last["CMD"])
    options = serve.make_context("serve", arguments).params
    assert (command, options["host"], options["port"]) == (serve.name, "0.0.0.0", 8080)
    assert last["EXPOSE"] == "8080"
    (asked,) = re.findall(r"http://127\.0\.0\.1:8080(/\w+)", last["HEALTHCHECK"])
    client = make_app(tmp_path, sqlite_databases.create(tmp_path)).test_client()
    assert client.get(asked).status_code == 200
    assert yaml.safe_load(last["VOLUME"]) == [
        value
        for word, rest in instructions()
        if word == "ENV"
        for name, _, value in (pair.partition("=") for pair in shlex.split(rest))
        if name == "PACKSLIP_DATA"
    ]


def test_hadolint_finds_nothing_where_it_is_installed() -> None:
    hadolint = shutil.which("hadolint")
    if hadolint:
        done = subprocess.run(
            [hadolint, DEPLOY / "Containerfile"], capture_output=True, text=True, check=False
        )
        assert done.stdout == ""
