"""The alert rules and the dashboard ask for what the server tells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from tests.helpers.app import make_app
from tests.helpers.databases import SQLiteDatabases

from packslip.web.metrics import metrics_of

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = (DEPLOY / "prometheus/packslip-alerts.yml").read_text()
DASHBOARD = json.loads((DEPLOY / "grafana/packslip.json").read_text())


def told(folder: Path, database_url: str) -> set[str]:
    """The names of all that a server can tell."""
    upstream = "https://packages.example.com/simple/"
    app = make_app(folder, database_url, PACKSLIP_UPSTREAM_URL=upstream)
    metrics = metrics_of(app)
    # What has labels is told once there is something to tell.
    metrics.uploads.labels("published").inc()
    metrics.mirror_answers.labels("page", "kept").inc()
    metrics.upstream_requests.labels("main", "answered").inc()
    metrics.upstream_seconds.labels("main").observe(1)
    app.test_client().get("/healthz")
    families = text_string_to_metric_families(app.test_client().get("/metrics").text)
    return {sample.name for family in families for sample in family.samples}


def asked() -> Iterator[str]:
    yield RULES
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def test_rules_and_dashboard_ask_for_nothing_that_is_not_told(
    tmp_path: Path, sqlite_databases: SQLiteDatabases
) -> None:
    wanted = {name for text in asked() for name in re.findall(r"packslip_[a-z_]+", text)}
    assert len(wanted) > 15
    assert wanted <= told(tmp_path, sqlite_databases.create(tmp_path))
