"""What source distributions say that they need."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from tests.helpers.distributions import build_sdist

from packslip.mirror.sync.sources import UnreadableSourceError, needs_of_source
from packslip.packages.archives import InvalidArchiveError
from packslip.storage.local import LocalStorage

PYPROJECT = '[build-system]\nrequires = ["flit_core>=3.12", "x; python_version<\'4\'"]\n'


def needs(folder: Path, sdist: Path) -> tuple[list[str], list[str], bool]:
    storage = LocalStorage(folder / "storage")
    data = sdist.read_bytes()
    key = f"demo/{sha256(data).hexdigest()}"
    storage.put_bytes(key, data)
    found = needs_of_source(storage, key, sdist.name)
    return list(found.requires), list(found.build_requires), found.is_certain


def sdist(folder: Path, version: str, pyproject: str | None, **values: str) -> Path:
    files = {"demo.py": ""} if pyproject is None else {"pyproject.toml": pyproject}
    return build_sdist(
        folder,
        "demo",
        "1.0",
        files=files,
        metadata_version=version,
        requires_dist=["lib>1"],
        **values,
    )


def test_what_it_needs_to_be_built_and_to_run(tmp_path: Path) -> None:
    new = sdist(tmp_path, "2.2", PYPROJECT)
    assert needs(tmp_path, new) == (["lib>1"], ["flit_core>=3.12", "x; python_version<'4'"], True)
    # What is dynamic is only known once it is built, and so it is in old metadata.
    old = sdist(tmp_path, "2.1", "[tool.other]\n", filename="demo-1.0.zip")
    assert needs(tmp_path, old) == (["lib>1"], ["setuptools>=40.8.0"], False)
    dynamic = sdist(tmp_path, "2.2", None, dynamic="Requires-Dist")
    assert needs(tmp_path, dynamic) == (["lib>1"], ["setuptools>=40.8.0"], False)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    damaged = tmp_path / "demo-1.0.tar.gz"
    damaged.write_bytes(b"not gzip")
    with pytest.raises(InvalidArchiveError):
        needs(tmp_path, damaged)
    other = tmp_path / "demo-1.0.tar.bz2"
    other.write_bytes(b"bzip")
    with pytest.raises(UnreadableSourceError):
        needs(tmp_path, other)
