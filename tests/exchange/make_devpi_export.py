"""Make `tests/exchange/data/devpi-export` with a real devpi-server, as its users would.

    python -m venv /tmp/devpi && /tmp/devpi/bin/pip install devpi-server
    PYTHONPATH=. .venv/bin/python tests/exchange/make_devpi_export.py /tmp/devpi/bin

Run by hand when devpi's layout changes; the one that is committed is of devpi-server 6.20.3.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import urllib3
from tests.helpers.distributions import build_sdist, build_wheel, write_zip
from tests.helpers.server import free_port

TARGET = Path(__file__).parent / "data/devpi-export"
ROOT_PASSWORD = "root of the trial"
PASSWORD = "of a trial"
MIRROR = "root/upstream"


class Devpi:
    """A running devpi-server, as tools talk to it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.pool = urllib3.PoolManager()

    def ask(self, method: str, path: str, user: str, **arguments: Any) -> Any:
        password = ROOT_PASSWORD if user == "root" else PASSWORD
        headers = urllib3.make_headers(basic_auth=f"{user}:{password}")
        headers["Accept"] = "application/json"
        answer = self.pool.request(
            method, self.address + path, headers=headers, retries=False, **arguments
        )
        if answer.status >= 400:
            raise SystemExit(f"{method} {path}: {answer.status} {answer.data.decode()[:300]}")
        return answer

    def upload(self, index: str, user: str, path: Path, **fields: str) -> None:
        form = {
            ":action": "file_upload",
            "metadata_version": "2.1",
            "filetype": "bdist_wheel" if path.suffix == ".whl" else "sdist",
            **fields,
            "content": (path.name, path.read_bytes()),
        }
        self.ask("POST", f"/{index}/", user, fields=form)


def fill(devpi: Devpi, folder: Path) -> None:
    """Two people, three stages and a mirror, with all kinds of files that devpi takes."""
    for user in ("ada", "bob"):
        email = f"{user}@example.com"
        devpi.ask("PUT", f"/{user}", "root", json={"password": PASSWORD, "email": email})
    mirror = {"type": "mirror", "mirror_url": "http://127.0.0.1:1/simple/", "volatile": False}
    devpi.ask("PUT", f"/{MIRROR}", "root", json=mirror)
    stages: dict[str, dict[str, Any]] = {
        "ada/prod": {"bases": [MIRROR], "volatile": False, "acl_upload": ["ada", "bob"]},
        "ada/dev": {"bases": ["ada/prod"], "volatile": True, "acl_upload": ["ada", ":developers"]},
        "root/shared": {"bases": [], "volatile": False, "acl_upload": ["bob"]},
    }
    for name, settings in stages.items():
        devpi.ask("PUT", f"/{name}", name.split("/")[0], json={"type": "stage", **settings})

    demo, one = {"name": "Demo.Thing"}, {"version": "1.0"}
    wheel = build_wheel(folder, "Demo.Thing", "1.0", summary="Released")
    devpi.upload("ada/prod", "ada", wheel, **demo, **one, summary="Released")
    devpi.upload("ada/prod", "bob", build_sdist(folder, "Demo.Thing", "1.0"), **demo, **one)
    devpi.upload("ada/dev", "ada", wheel, **demo, **one)
    dev = build_wheel(folder, "Demo.Thing", "1.1.dev1")
    devpi.upload("ada/dev", "ada", dev, **demo, version="1.1.dev1")
    # The same name with other bytes, in two indexes.
    for index, user in (("ada/prod", "ada"), ("ada/dev", "ada")):
        other = build_wheel(folder / index, "other", "2.0", summary=f"as in {index}")
        devpi.upload(index, user, other, name="other", version="2.0")
    devpi.upload(
        "root/shared", "bob", build_wheel(folder, "shared", "3.0"), name="shared", version="3.0"
    )
    # What an index of today does not take: an egg, documentation, results of tests, a mere name.
    egg = write_zip(folder / "Demo.Thing-1.0-py3.11.egg", {"EGG-INFO/PKG-INFO": "Name: Demo.Thing"})
    devpi.upload("ada/prod", "ada", egg, **demo, **one, filetype="bdist_egg")
    docs = write_zip(folder / "demo-1.0.doc.zip", {"index.html": "<p>Read me.</p>"})
    form = {":action": "doc_upload", **demo, **one, "content": (docs.name, docs.read_bytes())}
    devpi.ask("POST", "/ada/prod/", "ada", fields=form)
    submit = {":action": "submit", "metadata_version": "2.1", "name": "planned", "version": "0.1"}
    devpi.ask("POST", "/ada/prod/", "ada", fields=submit)
    told = devpi.ask("GET", "/ada/prod/demo-thing/1.0", "ada").json()["result"]
    [link] = [one["href"] for one in told["+links"] if one["href"].endswith(".whl")]
    result = json.dumps({"testenvs": {}, "reportversion": "1", "toxversion": "4"})
    path = "/" + link.split("://")[-1].split("/", 1)[1].split("#")[0]
    devpi.ask("POST", path, "ada", body=result.encode())


def main() -> None:
    programs = Path(sys.argv[1])
    port = free_port()
    with tempfile.TemporaryDirectory() as place:
        data = ("--serverdir", f"{place}/server")
        init = (programs / "devpi-init", *data, "--no-root-pypi", "--root-passwd", ROOT_PASSWORD)
        subprocess.run(init, check=True, stdout=subprocess.DEVNULL)
        command = (programs / "devpi-server", *data, "--port", str(port), "--offline-mode")
        with (Path(place) / "log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            devpi = Devpi(f"http://127.0.0.1:{port}")
            for _ in range(100):
                try:
                    devpi.ask("GET", "/+api", "root")
                    break
                except urllib3.exceptions.HTTPError:
                    time.sleep(0.2)
            fill(devpi, Path(place))
        finally:
            server.terminate()
            server.wait(30)
        shutil.rmtree(TARGET, ignore_errors=True)
        export = (programs / "devpi-export", *data, str(TARGET))
        subprocess.run(export, check=True, stdout=subprocess.DEVNULL)
    without_passwords()


def without_passwords() -> None:
    """Hashes of passwords are in the export: those of the trial are put out of it."""
    path = TARGET / "dataindex.json"
    document = json.loads(path.read_text())
    for user in document["users"].values():
        user["pwhash"] = "left out"
    path.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
