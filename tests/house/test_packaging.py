"""Packslip as a package of its own."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from flit_core import buildapi

ROOT = Path(__file__).parents[2]


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> zipfile.ZipFile:
    monkeypatch.chdir(ROOT)
    return zipfile.ZipFile(tmp_path / buildapi.build_wheel(os.fspath(tmp_path)))


def test_a_wheel_holds_everything_that_the_server_needs(wheel: zipfile.ZipFile) -> None:
    with wheel:
        held = set(wheel.namelist())
    source = ROOT / "src"
    needed = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert needed <= held
    for ending in (".html", ".xml", ".css", ".svg", ".mako", "py.typed"):
        assert [name for name in held if name.endswith(ending)], ending
    assert [name for name in held if name.startswith("packslip/migrations/versions/")]


def test_a_wheel_gives_the_command_and_the_extras(wheel: zipfile.ZipFile) -> None:
    with wheel:
        texts = {name.rpartition("/")[2]: name for name in wheel.namelist()}
        entry_points = wheel.read(texts["entry_points.txt"]).decode()
        metadata = wheel.read(texts["METADATA"]).decode()
    assert "packslip=packslip.cli:main" in entry_points.replace(" ", "")
    for extra in ("otel", "postgres", "s3"):
        assert f"Provides-Extra: {extra}" in metadata
