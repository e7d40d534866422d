"""Nodes of one index, on one database and one storage, fetch a mirrored file once."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.helpers.app import make_app
from tests.helpers.databases import PostgresDatabases
from tests.helpers.mirroring import FileUpstream, Manner, add_mirrored_file, file_upstream, path_of
from tests.helpers.server import Server

from packslip.db import db

DATA = os.urandom(3_000_000)


@dataclass
class Cluster:
    nodes: list[Server]
    upstream: FileUpstream
    #: How upstream answers first: not whole before it is told to.
    first: Manner
    path: str

    def fetch(self, node: int) -> str:
        """The digest of what the node answers."""
        answer = httpx.get(f"{self.nodes[node].url}{self.path}", timeout=60)
        assert answer.status_code == 200, answer.text
        return hashlib.sha256(answer.content).hexdigest()

    def wait_until_asked(self) -> None:
        deadline = time.monotonic() + 30
        while not self.upstream.requests:
            assert time.monotonic() < deadline, "upstream was not asked"
            time.sleep(0.02)


@pytest.fixture
def cluster(tmp_path: Path, postgres_databases: PostgresDatabases) -> Iterator[Cluster]:
    url = postgres_databases.create()
    first = Manner(wait_after=1_000_000)
    with file_upstream() as upstream, running(tmp_path, url) as nodes:
        app = make_app(tmp_path / "filling", url)
        with app.app_context():
            where = upstream.add(DATA, "demo-1.0.tar.gz", first, Manner())
            path = path_of(add_mirrored_file(db.session(), where, DATA, "demo-1.0.tar.gz"))
            db.session.remove()
            db.engine.dispose()
        yield Cluster(nodes, upstream, first, path)
    postgres_databases.drop(url)


@contextmanager
def running(folder: Path, database_url: str) -> Iterator[list[Server]]:
    settings = {
        "PACKSLIP_DATABASE_URL": database_url,
        "PACKSLIP_STORAGE_URL": (folder / "files").as_uri(),
        "PACKSLIP_UPSTREAM_URL": "http://127.0.0.1:1/simple/",
        "PACKSLIP_SECRET_KEY": "the same for all of them " * 2,
    }
    with ExitStack() as stack:
        nodes = []
        for name in ("one", "two"):
            node = Server(folder / name, folder / name / "data", 1, dict(settings))
            node.start()
            stack.callback(lambda node=node: node.is_running() and node.kill())
            nodes.append(node)
        yield nodes


def test_upstream_is_asked_once(cluster: Cluster) -> None:
    with ThreadPoolExecutor(10) as pool:
        waiting = [pool.submit(cluster.fetch, number % 2) for number in range(10)]
        cluster.wait_until_asked()
        cluster.first.wait_for.set()
        found = {one.result(60) for one in waiting}
    assert found == {hashlib.sha256(DATA).hexdigest()}
    assert len(cluster.upstream.requests) == 1


def test_another_node_goes_on_when_the_one_that_fetches_is_killed(cluster: Cluster) -> None:
    with ThreadPoolExecutor(4) as pool:
        lost = pool.submit(cluster.fetch, 0)
        cluster.wait_until_asked()
        waiting = [pool.submit(cluster.fetch, 1) for _ in range(3)]
        cluster.nodes[0].kill()
        found = {one.result(60) for one in waiting}
        with pytest.raises(httpx.HTTPError):
            lost.result(60)
    assert found == {hashlib.sha256(DATA).hexdigest()}
    assert len(cluster.upstream.requests) == 2
