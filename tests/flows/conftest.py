"""A live server for each module, and a machine of a user for each test."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from tests.helpers.clients import Credentials, Machine
from tests.helpers.server import STARTED, Server, serving


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections += [(f"log of {server.url}", server.log) for server in STARTED]
    return report


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two workers and a user, ada."""
    with serving(tmp_path_factory.mktemp("server"), workers=2) as server:
        server.create_user("ada")
        yield server


@pytest.fixture(scope="module")
def ada(server: Server) -> Credentials:
    """A token with which ada uploads."""
    return Credentials(server.create_token("ada"))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)
