"""All faults of a file, the first of which is what an upload is refused for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.helpers.distributions import build_sdist, build_wheel

from packslip.errors import InvalidError
from packslip.packages.digests import digests_of
from packslip.packages.distributions import read_distribution
from packslip.packages.examination import Examined, Step, examine
from packslip.storage.local import LocalStorage

FAULTY = {
    "metadata_version": "2.4",
    "summary": "a" * 600,
    "requires_python": "three",
    "license_expression": "MITT",
    "classifier": ["Odd :: one", "Odd :: two"],
    "provides_extra": ["-"],
}


def name(folder: Path) -> Path:
    path = folder / "größe.txt"
    path.write_bytes(b"")
    return path


def archive(folder: Path) -> Path:
    path = folder / "demo-1.0-py3-none-any.whl"
    path.write_bytes(b"PK")
    return path


def metadata(folder: Path) -> Path:
    return build_sdist(folder, "demo", "1.0", filename="demo-1.1.tar.gz", **FAULTY)


def metadata_without_name(folder: Path) -> Path:
    return build_sdist(folder, "-", "1.0", filename="demo-1.0.tar.gz", top="demo-1.0")


def agreement(folder: Path) -> Path:
    return build_sdist(folder, "other", "1.0", filename="demo-1.0.tar.gz")


def none(folder: Path) -> Path:
    return build_wheel(folder, "demo", "1.0")


def examined(folder: Path, path: Path) -> Examined:
    with LocalStorage(folder / "files").stage() as staged:
        staged.write(path.read_bytes())
        found = examine(staged, path.name, digests_of(path))
        refusals = []
        try:
            read_distribution(staged, path.name, digests_of(path))
        except InvalidError as error:
            refusals.append(error.reason)
    assert [fault.reason for fault in found.faults[:1]] == refusals
    assert (found.distribution is None) == bool(refusals)
    return found


@pytest.mark.parametrize(
    ("make", "steps"),
    [
        (name, [Step.NAME]),
        (archive, [Step.ARCHIVE]),
        (metadata, [Step.METADATA] * 6 + [Step.AGREEMENT]),
        (metadata_without_name, [Step.METADATA]),
        (agreement, [Step.AGREEMENT]),
        (none, []),
    ],
)
def test_the_first_fault_is_what_an_upload_is_refused_for(
    make: Callable[[Path], Path], steps: list[Step], tmp_path: Path
) -> None:
    assert [fault.step for fault in examined(tmp_path, make(tmp_path)).faults] == steps


def test_what_is_not_faulty_is_read(tmp_path: Path) -> None:
    found = examined(tmp_path, metadata(tmp_path))
    assert found.metadata is not None
    assert (found.metadata.name, found.metadata.requires_python) == ("demo", None)
    assert {fault.field for fault in found.faults} == {
        "classifier", "license-expression", "provides-extra", "requires-python", "summary", None,
    }  # fmt: skip
