"""What stands in a part file, for all processes."""

from __future__ import annotations

import os
from pathlib import Path
from zlib import crc32

import pytest

from packslip.errors import StorageFullError
from packslip.mirror.parts import HEAD, Head, PartFile, Stage, failure_of, sweep_parts


def test_how_a_fetch_ended_outlives_the_name_of_its_file(tmp_path: Path) -> None:
    with PartFile(tmp_path / "x.part") as own, PartFile(tmp_path / "x.part") as other:
        assert own.lock()
        assert not other.lock()
        own.append(b"0123")
        failure = failure_of(StorageFullError("There is no room."))
        own.write_head(Head(stage=Stage.FAILED, failure=failure))
        own.remove()
        assert not other.has_name
        assert (other.size, list(other.read(1, 9, 2))) == (4, [b"12", b"3"])
        error = other.head().error()
        assert isinstance(error, StorageFullError)
        assert error.reason == "There is no room."


def test_what_nobody_goes_on_with_is_swept(tmp_path: Path) -> None:
    for name in ("old", "fetched", "new"):
        with PartFile(tmp_path / f"{name}.part") as part:
            part.append(b"x")
    for name in ("old", "fetched"):
        os.utime(tmp_path / f"{name}.part", (0, 0))
    with PartFile(tmp_path / "fetched.part") as part:
        assert part.lock()
        assert sweep_parts(tmp_path) == 1
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["fetched", "new"]


@pytest.mark.parametrize(
    "block", [b"", b"\0" * HEAD, b"\x02\0\0\0" + crc32(b"{]").to_bytes(4, "little") + b"{]"]
)
def test_a_head_that_nobody_can_read_says_nothing(tmp_path: Path, block: bytes) -> None:
    (tmp_path / "x.part").write_bytes(block)
    with PartFile(tmp_path / "x.part") as part:
        assert part.head() == Head()
        part.append(b"12")
        assert (part.size, list(part.read(0, 2, 9))) == (2, [b"12"])
