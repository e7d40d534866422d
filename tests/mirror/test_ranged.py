"""Wheels of which only a few places are read."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.helpers.distributions import build_wheel, write_zip

from packslip.mirror.ranged import WINDOW, RangedFile, UnreadableWheelError, wheel_metadata
from packslip.packages.archives.reading import LARGEST_METADATA

WHEEL = "demo-1.0-py3-none-any.whl"


def ranged(data: bytes) -> tuple[RangedFile, list[tuple[int, int]]]:
    asked: list[tuple[int, int]] = []

    def fetch(start: int, stop: int) -> bytes:
        asked.append((start, stop))
        return data[start:stop]

    return RangedFile(len(data), fetch), asked


def test_two_windows_of_a_large_wheel_are_enough(tmp_path: Path) -> None:
    code = {"a.bin": random.Random(1).randbytes(2_000_000)}
    data = build_wheel(tmp_path, "demo", "1.0", files=code).read_bytes()
    file, asked = ranged(data)
    file.add(len(data) - WINDOW, data[-WINDOW:])
    assert b"Name: demo\n" in wheel_metadata(file, WHEEL)
    assert len(asked) <= 1


@pytest.mark.parametrize(
    "members",
    [
        {"demo.py": ""},
        {"demo-1.0.dist-info/METADATA": "a", "other-1.0.dist-info/METADATA": "b"},
        {"demo-1.0.dist-info/METADATA": "x" * (LARGEST_METADATA + 1)},
    ],
)
def test_a_wheel_without_one_metadata_file_of_some_size_is_refused(
    tmp_path: Path, members: dict[str, str]
) -> None:
    file, _ = ranged(write_zip(tmp_path / WHEEL, members).read_bytes())
    with pytest.raises(UnreadableWheelError):
        wheel_metadata(file, WHEEL)


def test_what_is_damaged_or_no_wheel_is_refused(tmp_path: Path) -> None:
    data = bytearray(build_wheel(tmp_path, "demo", "1.0").read_bytes())
    for broken in (b"", b"no wheel", bytes(data[:-30]), bytes(data[-30:])):
        file, _ = ranged(broken)
        with pytest.raises(UnreadableWheelError):
            wheel_metadata(file, WHEEL)
    # A directory that says it has 4 GB.
    end = bytes(data).rfind(b"PK\x05\x06")
    data[end + 12 : end + 16] = b"\xff\xff\xff\xf0"
    file, asked = ranged(bytes(data))
    with pytest.raises(UnreadableWheelError):
        wheel_metadata(file, WHEEL)
    assert all(stop - start <= WINDOW for start, stop in asked)
