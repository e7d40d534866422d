"""nginx: in front of Packslip as documented, in front of devpi, and with static files alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

#: The site that the documentation gives.
SITE = Path(__file__).parent.parent / "deploy" / "nginx.conf"

#: Where Packslip's stored files are, for nginx alone.
INTERNAL = "/_packslip_files/"

_MAIN = """
{user}
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000;
  types {{ }}
  default_type application/octet-stream;
  client_body_temp_path {folder}/nginx-body;
  proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-fastcgi;
  uwsgi_temp_path {folder}/nginx-uwsgi;
  scgi_temp_path {folder}/nginx-scgi;
  include {folder}/nginx-site.conf;
}}
"""

#: Finished pages in folders: `index.html`, `index.json`, each with a `.gz` beside it.
_STATIC = """
map $http_accept $form {{ default html; ~vnd.pypi.simple.v1\\+json json; }}
server {{
  listen 127.0.0.1:{port} backlog=1024;
  root {root};
  sendfile on;
  tcp_nopush on;
  gzip_static on;
  open_file_cache max=10000 inactive=60s;
  location ~ ^(?<place>/simple/(?:.*/)?)$ {{ rewrite ^ ${{place}}index.$form last; }}
  location ~ index\\.html$ {{
    internal; types {{ }} default_type text/html; add_header Vary Accept;
  }}
  location ~ index\\.json$ {{
    internal; types {{ }} default_type application/vnd.pypi.simple.v1+json; add_header Vary Accept;
  }}
  location /files/ {{ gzip_static off; }}
}}
"""

#: What `devpi-gen-config` writes for nginx, as far as it matters: files straight from the disk.
_DEVPI = """
server {{
  listen 127.0.0.1:{port} backlog=1024;
  root {root};
  gzip on;
  gzip_min_length 2000;
  gzip_proxied any;
  gzip_types text/plain application/json application/vnd.pypi.simple.v1+json;
  client_max_body_size 1024M;
  location ~ /\\+f/ {{
    error_page 418 = @proxy_to_app;
    if ($request_method !~ (GET)|(HEAD)) {{ return 418; }}
    expires max;
    try_files /+files$uri @proxy_to_app;
  }}
  location / {{ error_page 418 = @proxy_to_app; return 418; }}
  location @proxy_to_app {{
    proxy_pass http://127.0.0.1:{behind};
    proxy_set_header X-outside-url http://$http_host;
    proxy_set_header X-Real-IP $remote_addr;
  }}
}}
"""


def find() -> str | None:
    """The nginx of this machine, if there is one."""
    places = os.environ.get("PATH", os.defpath)
    return shutil.which("nginx", path=f"{places}:/usr/sbin:/usr/local/sbin")


def version() -> str:
    """What it says of itself."""
    found = find()
    if found is None:
        return "nginx is not installed"
    said = subprocess.run([found, "-v"], capture_output=True, text=True, check=False).stderr
    return said.strip().rpartition(": ")[2].replace("/", " ")


def command(folder: str) -> tuple[str, ...]:
    """What runs it with the site that was written into the folder."""
    return (find() or "nginx", "-e", f"{folder}/nginx-error.log",
            "-c", f"{folder}/nginx.conf", "-p", folder)  # fmt: skip


def in_front_of_packslip(folder: Path, *, port: int, behind: int, data: Path) -> None:
    """Write the documented site, for these ports and this data folder."""
    site = SITE.read_text()
    changes = {
        r"server 127\.0\.0\.1:8080;": f"server 127.0.0.1:{behind};",
        r"listen 80;": f"listen 127.0.0.1:{port} backlog=1024;",
        r"server_name [^;]+;": "server_name _;",
        r"alias [^;]+;": f"alias {data}/files/;",
        r"root [^;]+;": f"root {data}/pages;",
    }
    for old, new in changes.items():
        site, number = re.subn(rf"(?m)^(\s*){old}", rf"\g<1>{new}", site)
        if number != 1:
            raise ValueError(f"{SITE.name} has {number} lines like {old!r}")
    _write(folder, site)


def in_front_of_devpi(folder: Path, *, port: int, behind: int, root: Path) -> None:
    """Write a site like devpi's own."""
    _write(folder, _DEVPI.format(port=port, behind=behind, root=root))


def of_static_files(folder: Path, *, port: int, root: Path) -> None:
    """Write a site of finished pages."""
    _write(folder, _STATIC.format(port=port, root=root))


def _write(folder: Path, site: str) -> None:
    # Its workers would be "nobody", who may not read the files.
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_MAIN.format(user=user, folder=folder))
    (folder / "nginx-site.conf").write_text(site)
