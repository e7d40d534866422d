from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from bench.corpus import write_wheel
from bench.index import HTML, JSON, file_url, files_listed, get
from bench.peers import PEERS, version
from bench.upstream import build, upstream

from packslip.mirror.upstream_pages import read_page


@pytest.mark.parametrize("form", [JSON, HTML])
def test_a_mirror_learns_the_same_from_either_form(tmp_path: Path, form: str) -> None:
    made = tmp_path / "made"
    made.mkdir()
    wheels = [write_wheel(made, "Some.Name", f"1.{n}", requires=["other"]) for n in range(2)]
    build(tmp_path / "upstream", wheels)
    with upstream(tmp_path / "upstream").running() as server:
        url = server.page_url("some-name")
        page = get(url, {"Accept": form})
        assert page.headers["Content-Type"].startswith(form)
        assert files_listed(page) == [f"../../files/{wheel.path.name}" for wheel in wheels]
        read = read_page("some-name", page.content, form, url)
        assert [file.digests["sha256"] for file in read.files] == [w.sha256 for w in wheels]
        file = file_url(url, wheels[0].path.name)
        assert get(file).content == wheels[0].path.read_bytes()
        assert b"Requires-Dist: other" in get(f"{file}.metadata").content
        again = httpx.get(url, headers={"If-Modified-Since": page.headers["Last-Modified"]})
        assert again.status_code == 304


@pytest.mark.parametrize("peer", PEERS)
def test_each_peer_is_locked(peer: str) -> None:
    assert any(character.isdigit() for character in version(peer))
