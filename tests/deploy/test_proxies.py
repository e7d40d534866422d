"""The sites for nginx and Caddy, as far as they can be held without a network."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tests.helpers.server import free_port

from bench import nginx

DEPLOY = Path(__file__).parents[2] / "deploy"


def test_nginx_takes_its_site_where_it_is_installed(tmp_path: Path) -> None:
    nginx.in_front_of_packslip(tmp_path, port=free_port(), behind=8080, data=tmp_path)
    if nginx.find():
        done = subprocess.run(
            [*nginx.command(str(tmp_path)), "-t"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_the_sites_tell_who_asks_and_take_uploads_of_any_size() -> None:
    site = (DEPLOY / "nginx.conf").read_text()
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in site
    assert "client_max_body_size 0;" in site
    # Neither has room for the phrase in which installers are told why.
    assert not re.search(r"^\s*(?:http2 on|listen .*(?:http2|quic))", site, re.MULTILINE)
    caddy = (DEPLOY / "Caddyfile").read_text()
    assert "header_up X-Forwarded-For {remote_host}" in caddy
    assert "request_body" not in caddy


def test_caddy_takes_its_site_where_it_is_installed() -> None:
    caddy = shutil.which("caddy")
    if caddy:
        command = [caddy, "adapt", "--validate", "--config", DEPLOY / "Caddyfile"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
