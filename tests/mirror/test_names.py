"""Lists of the names of all packages of an upstream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from packslip.mirror import names
from packslip.mirror.errors import UpstreamFailedError
from packslip.mirror.names import NameList
from packslip.mirror.upstreams import Upstream

UPSTREAM = Upstream("upstream", "https://packages.example.com/simple/")


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


def test_a_list_is_replaced_as_a_whole(tmp_path: Path) -> None:
    found = NameList(tmp_path, "upstream")
    assert (found.taken_at, len(found), "demo" in found) == (None, 0, False)
    assert found.replace(["Demo", "other_one", "demo", "-odd-", "x" * 300]) == 2
    assert "demo" in found
    assert "other-one" in found
    assert found.replace(["third"]) == len(found) == 1
    assert "demo" not in found
    assert found.taken_at is not None


def test_a_list_that_does_not_come_whole_changes_nothing(tmp_path: Path) -> None:
    found = NameList(tmp_path, "up/stream")
    found.replace(["demo"])

    def broken() -> Iterator[str]:
        yield "other"
        raise UpstreamFailedError("upstream", "it was cut")

    with pytest.raises(UpstreamFailedError):
        found.replace(broken())
    assert "demo" in found
    assert "other" not in found
    assert [path.suffix for path in tmp_path.iterdir()] == [".sqlite3"]


def test_one_process_takes_a_list_at_a_time(tmp_path: Path) -> None:
    found = NameList(tmp_path, "upstream")
    with found.alone() as first, found.alone() as second:
        assert (first, second) == (True, False)
    with found.alone() as third:
        assert third


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_names_are_read_from_pieces_of_both_forms(size: int) -> None:
    body = json.dumps(
        {
            "meta": {"api-version": "1.4"},
            "projects": [{"name": "a"}, {"_last-serial": 7, "name": "b"}],
        }
    ).encode()
    assert list(names._from_json(UPSTREAM, pieces(body, size))) == ["a", "b"]
    body = b'<html><body><a href="/simple/a/">a</a><br><a href="/simple/b/"> b </a>\n</body></html>'
    assert list(names._from_html(pieces(body, size))) == ["a", "b"]


def test_what_is_no_list_is_a_failure_of_the_upstream() -> None:
    with pytest.raises(UpstreamFailedError):
        list(names._from_json(UPSTREAM, iter([b'{"projects": [{"name": "a"}'])))
