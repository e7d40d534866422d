"""What all workers of a real server counted, and what it logs."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.helpers.distributions import build_wheel
from tests.helpers.prepared import ADMIN
from tests.helpers.server import Server, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"PACKSLIP_UPSTREAM_URL": "", "PACKSLIP_LOG_REQUESTS": "all"}
    with serving(tmp_path_factory.mktemp("server"), **settings) as server:
        yield server


def measured(server: Server) -> dict[tuple[str, ...], float]:
    text = server.get("/metrics").decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def logged(server: Server) -> list[dict[str, Any]]:
    lines = [line for line in server.log.splitlines() if line.startswith("{")]
    return [line for line in map(json.loads, lines) if line["event"] == "request"]


def test_all_workers_are_counted_together_and_what_is_kept_ready_too(
    server: Server, tmp_path: Path
) -> None:
    wheel = build_wheel(tmp_path, "counted", "1.0")
    token = server.create_token(ADMIN)
    assert server.upload(token, wheel).status_code == 200
    assert server.upload("wrong", wheel).status_code == 403
    page = server.page("counted")
    assert page is not None
    for _ in range(40):
        # A connection each, so that both workers come to answer.
        httpx.get(f"{server.url}/simple/counted/")
    httpx.get(page["files"][0]["url"])
    found = measured(server)
    assert found["packslip_requests_total", "GET", "/simple/<name>/", "200"] == 41
    # All others were kept ready.
    assert found["packslip_request_seconds_count", "/simple/<name>/"] < 10
    assert found["packslip_uploads_total", "published"] == 1
    assert found["packslip_uploads_total", "refused"] == 1
    assert found["packslip_downloads_total",] == 1
    assert found["packslip_requests_under_way",] == 1


def test_what_a_worker_counted_outlives_it(server: Server) -> None:
    before = measured(server)["packslip_requests_total", "GET", "/metrics", "200"]
    workers = children(server)
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while len(children(server) - workers) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    found = measured(server)
    assert found["packslip_requests_total", "GET", "/metrics", "200"] > before
    assert found["packslip_requests_under_way",] == 1


def children(server: Server) -> set[int]:
    assert server.process is not None
    path = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    return {int(pid) for pid in path.read_text().split()}


def test_each_request_has_a_line_in_the_log_and_no_secret_in_it(server: Server) -> None:
    httpx.get(f"{server.url}/account/reset/s3cr3t?next=s3cr3t", headers={"Cookie": "s3cr3t"})
    httpx.get(f"{server.url}/account/rest/s3cr3t", auth=("__token__", "s3cr3t"))
    answer = httpx.get(f"{server.url}/simple/", headers={"Accept": "text/html"})
    again = httpx.get(f"{server.url}/simple/", headers={"Accept": "text/html"})
    lines = logged(server)
    by_id = {line["request_id"]: line for line in lines}
    for response in (answer, again):
        line = by_id[response.headers["X-Request-ID"]]
        assert (line["route"], line["status"]) == ("/simple/", 200)
    routes = {line["route"]: line["path"] for line in lines}
    assert routes["/account/reset/<secret>"] == "/account/reset/<secret>"
    assert routes["none"] == "/account"
    assert "s3cr3t" not in server.log
