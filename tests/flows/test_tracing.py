"""What a real server with workers tells a collector, decoded as collectors decode it."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.helpers.distributions import build_wheel
from tests.helpers.prepared import ADMIN
from tests.helpers.server import serving

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@contextmanager
def collecting() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A collector that is an upstream without packages too, and the spans that it got."""
    spans: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                told = _attributes(resource.resource.attributes)
                for scope in resource.scope_spans:
                    spans.extend(_span(one) | {"resource": told} for one in scope.spans)
            self.send_response(200)
            self.end_headers()

        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{collector.server_port}", spans
        collector.shutdown()


def _attributes(pairs: Any) -> dict[str, Any]:
    return {one.key: one.value.string_value or one.value.int_value for one in pairs}


def _span(span: Any) -> dict[str, Any]:
    return {
        "name": span.name,
        "trace": span.trace_id.hex(),
        "id": span.span_id.hex(),
        "parent": span.parent_span_id.hex(),
        "failed": span.status.code == 2,
        **_attributes(span.attributes),
    }


@pytest.mark.parametrize("variable", ["PACKSLIP_OTEL", "OTEL_EXPORTER_OTLP_ENDPOINT"])
def test_a_request_is_told_with_all_that_it_asked_for_and_nothing_secret(
    variable: str, tmp_path: Path
) -> None:
    with collecting() as (address, spans):
        settings = {
            variable: address,
            "PACKSLIP_UPSTREAM_URL": f"{address}/simple/",
            "PACKSLIP_LOG_REQUESTS": "all",
            "PACKSLIP_TRUSTED_PROXIES": "1",
        }
        with serving(tmp_path / "server", workers=2, **settings) as server:
            token = server.create_token(ADMIN)
            assert server.upload(token, build_wheel(tmp_path, "quokka", "1.0")).status_code == 200
            headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
            httpx.get(f"{server.url}/search/?q=wombat", headers=headers)
            assert httpx.get(f"{server.url}/simple/absent/").status_code == 404
            assert httpx.get(f"{server.url}/account/reset/numbat").status_code == 404
        log = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]

    by_route = {one["http.route"]: one for one in spans if "http.route" in one}
    upload = by_route["/legacy/"]
    assert upload["name"] == "POST /legacy/"
    assert upload["http.response.status_code"] == 200
    assert upload["resource"]["service.name"] == "packslip"
    parts = [one for one in spans if one["trace"] == upload["trace"] and one is not upload]
    assert {one["parent"] for one in parts} <= {upload["id"], *(one["id"] for one in parts)}
    assert {"storage put", "storage put_bytes", "INSERT", "SELECT"} <= {
        one["name"] for one in parts
    }
    [insert] = [one for one in parts if "INSERT INTO files " in one.get("db.query.text", "")]
    assert "?" in insert["db.query.text"]
    absent = by_route["/simple/<name>/"]
    assert (absent["http.response.status_code"], absent["failed"]) == (404, False)
    assert "GET upstream" in {one["name"] for one in spans}
    # The proxy's trace goes on here, and the lines of the log say which one it was.
    assert by_route["/search/"]["trace"] == TRACE
    lines = {one["route"]: one for one in log if one["event"] == "request"}
    assert lines["/legacy/"]["trace_id"] == upload["trace"]
    assert lines["/search/"]["trace_id"] == TRACE
    # Each ended with the process at the latest, though the library would have waited.
    told = json.dumps(spans)
    for secret in ("quokka", "wombat", "numbat", "absent", token, ADMIN, "127.0.0.1:"):
        assert secret not in told, secret


def test_a_collector_that_is_away_keeps_nobody_waiting(tmp_path: Path) -> None:
    settings = {"PACKSLIP_OTEL": "http://127.0.0.1:9", "PACKSLIP_UPSTREAM_URL": ""}
    with serving(tmp_path, workers=1, **settings) as server:
        assert httpx.get(f"{server.url}/", timeout=20).status_code == 200
    assert "Traceback" not in server.log
