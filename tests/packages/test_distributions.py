from __future__ import annotations

from pathlib import Path

import pytest
from tests.helpers.distributions import build_sdist, build_wheel

from packslip.errors import InvalidError
from packslip.packages.digests import digests_of
from packslip.packages.distributions import Distribution, read_distribution
from packslip.storage.local import LocalStorage


def read(tmp_path: Path, path: Path, filename: str | None = None) -> Distribution:
    with LocalStorage(tmp_path / "files").stage() as staged:
        staged.write(path.read_bytes())
        return read_distribution(staged, filename or path.name, digests_of(path))


def test_the_metadata_tells_where_the_name_of_an_old_source_distribution_ends(
    tmp_path: Path,
) -> None:
    path = build_sdist(tmp_path, "demo-1", "2", filename="demo-1-2.tar.gz")
    distribution = read(tmp_path, path)
    assert (distribution.name.package, str(distribution.name.version)) == ("demo-1", "2")
    path = build_sdist(tmp_path, "demo", "1-2", filename="demo-1-2.tar.gz")
    distribution = read(tmp_path, path)
    assert (distribution.name.package, str(distribution.name.version)) == ("demo", "1.post2")


@pytest.mark.parametrize(
    "filename",
    ["other-1.0-py3-none-any.whl", "demo-2.0-py3-none-any.whl", "demo-1.0.tar.gz", "demo.whl"],
)
def test_a_file_under_a_wrong_name_is_refused(tmp_path: Path, filename: str) -> None:
    path = build_wheel(tmp_path, "demo", "1.0")
    with pytest.raises(InvalidError):
        read(tmp_path, path, filename)
