"""The Helm chart, rendered: what a cluster is given is whole, safe, and settings that are some."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.helpers.app import make_app
from tests.helpers.databases import SQLiteDatabases
from tests.helpers.go_templates import TemplateError, Templates

from packslip import __version__
from packslip.settings import SECRETS, load_settings, unknown_settings
from packslip.wsgi import GRACE, serve

CHART = Path(__file__).parents[2] / "deploy/helm/packslip"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
ADDRESS = {"baseUrl": "https://packages.example.com"}
CLUSTER = {
    **ADDRESS,
    "replicas": 3,
    "existingSecret": "packslip-secrets",
    "settings": {"PACKSLIP_STORAGE_URL": "s3://packages/packslip?region=eu-1"},
    "ingress": {**VALUES["ingress"], "enabled": True, "tlsSecret": "packages-tls"},
    "serviceMonitor": {"enabled": True},
    "imagePullSecrets": [{"name": "registry"}],
    "nodeSelector": {"disk": "fast"},
    "tolerations": [{"key": "packages", "operator": "Exists"}],
    "podAnnotations": {"example.com/team": "platform"},
    "serviceAccount": {"annotations": {"example.com/role": "packslip"}},
    "data": {"size": "5Gi", "storageClass": "fast"},
}


def render(values: dict[str, Any], name: str = "team") -> dict[str, dict[str, Any]]:
    """What Helm would send for these values: each object under its kind and name."""
    given = VALUES | values
    jsonschema.validate(given, SCHEMA)
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    root = {
        "Values": given,
        "Chart": {"AppVersion": chart["appVersion"]},
        "Release": {"Name": name, "Service": "Helm", "Namespace": "tools"},
    }
    templates = Templates()
    paths = sorted((CHART / "templates").iterdir())
    files = {path.name: templates.add(path.read_text()) for path in paths}
    objects = {}
    for file, nodes in files.items():
        text = templates.render(nodes, root)
        if file.endswith(".yaml"):
            for one in filter(None, yaml.safe_load_all(text)):
                key = f"{one['kind']} {one['metadata']['name']}"
                assert key not in objects
                objects[key] = one
    return objects


def pod_of(objects: dict[str, dict[str, Any]]) -> dict[str, Any]:
    (found,) = (one for one in objects.values() if one["kind"] == "StatefulSet")
    template: dict[str, Any] = found["spec"]["template"]
    return template


def test_one_node_needs_nothing_but_its_address() -> None:
    objects = render(ADDRESS)
    assert sorted(objects) == [
        "ConfigMap team-packslip",
        "Service team-packslip",
        "Service team-packslip-nodes",
        "ServiceAccount team-packslip",
        "StatefulSet team-packslip",
    ]
    settings = objects["ConfigMap team-packslip"]["data"]
    assert unknown_settings(settings) == []
    assert load_settings(settings).base_url == "https://packages.example.com"
    with pytest.raises(TemplateError, match="baseUrl"):
        render({})


def test_all_that_can_be_switched_on_is_part_of_a_cluster() -> None:
    objects = render(CLUSTER, "packslip")
    kinds = {key.partition(" ")[0] for key in objects}
    assert {"Ingress", "PodDisruptionBudget", "ServiceMonitor"} <= kinds
    spec = pod_of(objects)["spec"]
    assert {"secretRef": {"name": "packslip-secrets"}} in spec["containers"][0]["envFrom"]
    assert spec["nodeSelector"] == {"disk": "fast"}
    assert spec["tolerations"] == CLUSTER["tolerations"]
    assert spec["imagePullSecrets"] == CLUSTER["imagePullSecrets"]
    assert pod_of(objects)["metadata"]["annotations"]["example.com/team"] == "platform"
    settings = objects["ConfigMap packslip"]["data"]
    assert load_settings(settings).storage_url == CLUSTER["settings"]["PACKSLIP_STORAGE_URL"]
    (rule,) = objects["Ingress packslip"]["spec"]["rules"]
    backend = rule["http"]["paths"][0]["backend"]["service"]
    assert f"Service {backend['name']}" in objects
    (tls,) = objects["Ingress packslip"]["spec"]["tls"]
    assert tls == {"hosts": [rule["host"]], "secretName": "packages-tls"}


def test_everything_selects_the_pods_by_their_labels() -> None:
    objects = render(CLUSTER)
    labels = pod_of(objects)["metadata"]["labels"].items()
    for key in ("StatefulSet team-packslip", "PodDisruptionBudget team-packslip"):
        assert objects[key]["spec"]["selector"]["matchLabels"].items() <= labels
    services = [one for one in objects.values() if one["kind"] == "Service"]
    for service in services:
        assert service["spec"]["selector"].items() <= labels
    names = {service["metadata"]["name"] for service in services}
    assert objects["StatefulSet team-packslip"]["spec"]["serviceName"] in names
    # Each node is scraped once, though two services have it.
    wanted = objects["ServiceMonitor team-packslip"]["spec"]["selector"]["matchLabels"].items()
    scraped = [one for one in services if wanted <= one["metadata"]["labels"].items()]
    assert len(scraped) == 1


def test_the_pod_has_no_rights_and_is_asked_for_what_the_server_answers(
    tmp_path: Path, sqlite_databases: SQLiteDatabases
) -> None:
    spec = pod_of(render(ADDRESS))["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert spec["terminationGracePeriodSeconds"] >= pause + GRACE + 10
    client = make_app(tmp_path, sqlite_databases.create(tmp_path)).test_client()
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = container[probe]["httpGet"]
        assert client.get(asked["path"]).status_code == 200
        assert asked["port"] in {port["name"] for port in container["ports"]}
    command, *arguments = container["args"]
    assert command == serve.name
    options = serve.make_context("serve", arguments).params
    assert options["port"] == container["ports"][0]["containerPort"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    (data,) = (one["value"] for one in container["env"] if one["name"] == "PACKSLIP_DATA")
    assert mounts == {"data": data, "tmp": "/tmp"}


@pytest.mark.parametrize(
    ("without", "reason"),
    [("existingSecret", "More than one node"), ("settings", "object store")],
)
def test_nodes_that_would_share_nothing_are_refused(without: str, reason: str) -> None:
    values = {key: value for key, value in CLUSTER.items() if key != without}
    with pytest.raises(TemplateError, match=reason):
        render(values)


def test_secrets_are_refused_among_the_settings() -> None:
    # An upstream's address mostly holds none.
    names = {f"PACKSLIP_{name.upper()}" for name in SECRETS - {"upstream_url"}}
    for name in (*names, "AWS_SECRET_ACCESS_KEY", "PACKSLIP_DATA", "DEBUG"):
        with pytest.raises(jsonschema.ValidationError):
            render({**ADDRESS, "settings": {name: "value"}})


def test_the_chart_is_of_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)
    image = pod_of(render(ADDRESS))["spec"]["containers"][0]["image"]
    assert image == f"packslip:{__version__}"
