"""The upstream of mirrors: pages and files that were made before, over a plain static server.

It does the same for every mirror, and its work is none of theirs. It lists files as large indexes
do: as JSON or HTML, with digests, sizes, dates and metadata files.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import zipfile
from collections.abc import Iterable, Sequence
from functools import partial
from html import escape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import groupby
from pathlib import Path

from packaging.utils import canonicalize_name

from bench.corpus import Distribution
from bench.index import HTML, JSON
from bench.server import HOST, Server, Target

SIMPLE = "/simple/"

#: The date of all files: old enough that no rule about young releases is touched by it.
_UPLOADED = "2025-01-01T00:00:00.000000Z"


def build(folder: Path, files: Iterable[Distribution]) -> None:
    """Write all that the server serves: `simple/NAME/` with a page in both forms, and `files/`."""
    content = folder / "files"
    content.mkdir(parents=True)
    by_name = sorted(files, key=lambda file: canonicalize_name(file.name))
    names = []
    for name, group in groupby(by_name, lambda file: canonicalize_name(file.name)):
        names.append(name)
        entries = [_publish(content, file) for file in group]
        place = folder / "simple" / name
        place.mkdir(parents=True)
        (place / "page.json").write_text(json.dumps(_json_page(name, entries)))
        (place / "page.html").write_text(_html_page(name, entries))
    root = {"meta": {"api-version": "1.1"}, "projects": [{"name": name} for name in names]}
    (folder / "simple" / "page.json").write_text(json.dumps(root))
    links = [f'<a href="{name}/">{name}</a><br>' for name in names]
    (folder / "simple" / "page.html").write_text(_html("Simple index", links))


def upstream(folder: Path) -> Server:
    """The server of what `build` has written into the folder."""
    command = (sys.executable, "-m", __name__, str(folder), "{port}")
    # `bench` is found beside this file, wherever the run was started.
    environment = {"PYTHONPATH": str(Path(__file__).parent.parent)}
    target = Target("upstream", command, environment, lambda _: None, SIMPLE, SIMPLE, upload="")
    return Server(target, folder)


def _publish(folder: Path, file: Distribution) -> dict[str, object]:
    """Put a file and its metadata there, and give its entry of the JSON page (PEP 691, 714)."""
    place = folder / file.path.name
    os.link(file.path, place)
    entry: dict[str, object] = {
        "filename": place.name,
        "url": f"../../files/{place.name}",
        "hashes": {"sha256": file.sha256},
        "size": place.stat().st_size,
        "upload-time": _UPLOADED,
        "yanked": False,
    }
    if place.suffix == ".whl":
        metadata = _read_metadata(place)
        (folder / f"{place.name}.metadata").write_bytes(metadata)
        entry["core-metadata"] = {"sha256": hashlib.sha256(metadata).hexdigest()}
        entry["requires-python"] = ">=3.8"
    return entry


def _read_metadata(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        inside = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return archive.read(inside)


def _json_page(name: str, entries: Sequence[dict[str, object]]) -> dict[str, object]:
    versions = dict.fromkeys(str(entry["filename"]).split("-")[1] for entry in entries)
    meta = {"api-version": "1.1"}
    return {"meta": meta, "name": name, "versions": list(versions), "files": entries}


def _html_page(name: str, entries: Sequence[dict[str, object]]) -> str:
    return _html(f"Links for {name}", [_link(entry) for entry in entries])


def _link(entry: dict[str, object]) -> str:
    hashes = entry["hashes"]
    assert isinstance(hashes, dict)
    attributes = {"href": f"{entry['url']}#sha256={hashes['sha256']}"}
    if "requires-python" in entry:
        attributes["data-requires-python"] = str(entry["requires-python"])
    if isinstance(metadata := entry.get("core-metadata"), dict):
        attributes["data-core-metadata"] = f"sha256={metadata['sha256']}"
    words = " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())
    return f"<a {words}>{entry['filename']}</a><br>"


def _html(title: str, lines: Sequence[str]) -> str:
    head = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body>"
    return "\n".join([head, *lines, "</body></html>\n"])


class _Handler(SimpleHTTPRequestHandler):
    """Serves the folder; a page in the form that is asked for."""

    protocol_version = "HTTP/1.1"
    # Head and body are two writes: the second would wait for the client to confirm the first.
    disable_nagle_algorithm = True
    extensions_map = {  # noqa: RUF012 - as the base class has it.
        "": "application/octet-stream",
        ".html": HTML,
        ".json": JSON,
    }

    def translate_path(self, path: str) -> str:
        if path.partition("?")[0].endswith("/"):
            form = "json" if JSON in self.headers.get("Accept", "") else "html"
            path = f"{path.partition('?')[0]}page.{form}"
        return super().translate_path(path)

    def end_headers(self) -> None:
        self.send_header("Vary", "Accept")
        super().end_headers()

    def log_message(self, *args: object) -> None:
        pass


def main() -> None:
    """Serve the folder that is the first argument at the port that is the second."""
    handler = partial(_Handler, directory=sys.argv[1])
    with ThreadingHTTPServer((HOST, int(sys.argv[2])), handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
