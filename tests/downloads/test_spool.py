from __future__ import annotations

import errno
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from packslip.downloads import spool as spools
from packslip.downloads.spool import (
    READ_SIZE,
    BacklogFullError,
    DownloadRecord,
    SpoolWriter,
    has_writer,
    list_spools,
    read_batch,
)


def line(number: int) -> bytes:
    return msgspec.json.encode(
        DownloadRecord(
            at=datetime(2026, 1, 1, tzinfo=UTC), package="demo", release=number, file="demo.whl"
        )
    )


def numbers(spool: Path, start: int = 0, *, finished: bool = True) -> list[int]:
    return [record.release for record in read_batch(spool, start, finished=finished).records]


class Disk:
    """Stands for `os.write`, with so much room."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        self.room = room
        self.write = os.write
        monkeypatch.setattr(os, "write", self)

    def __call__(self, descriptor: int, data: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self.write(descriptor, data[: self.room])
        self.room -= written
        return written


def test_nothing_is_made_before_the_first_line(tmp_path: Path) -> None:
    SpoolWriter(tmp_path / "downloads").close()
    assert list(tmp_path.iterdir()) == []


def test_lines_are_readable_at_once_and_in_order(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path)
    for number in range(3):
        writer.append(line(number))
    (spool,) = list_spools(tmp_path)
    assert numbers(spool, finished=False) == [0, 1, 2]


def test_a_line_is_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = SpoolWriter(tmp_path)
    writer.append(line(0))
    writes: list[bytes] = []
    monkeypatch.setattr(os, "write", lambda _, data: writes.append(data) or len(data))
    writer.append(line(1))
    assert writes == [line(1) + b"\n"]


def test_a_spool_has_a_writer_until_it_is_closed(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path)
    writer.append(line(0))
    (spool,) = list_spools(tmp_path)
    assert has_writer(spool)
    writer.close()
    assert not has_writer(spool)


def test_a_line_after_closing_goes_to_a_new_spool(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path)
    writer.append(line(0))
    writer.close()
    writer.append(line(1))
    assert sorted(numbers(spool)[0] for spool in list_spools(tmp_path)) == [0, 1]


def test_a_long_spool_is_let_go_for_a_new_one(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, rotate_at=2 * len(line(0)))
    for number in range(5):
        writer.append(line(number))
    spools = list_spools(tmp_path)
    assert [has_writer(spool) for spool in spools].count(True) == 1
    assert sorted(number for spool in spools for number in numbers(spool)) == [0, 1, 2, 3, 4]


FORKER = """
import os, sys
from pathlib import Path
from packslip.downloads.spool import SpoolWriter
writer = SpoolWriter(Path(sys.argv[1]))
writer.append(b"parent")
child = os.fork()
if not child:
    writer.append(b"child")
    os._exit(0)
os.waitpid(child, 0)
writer.append(b"parent")
"""


def test_a_forked_process_gets_a_spool_of_its_own(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", FORKER, str(tmp_path)], check=True)
    texts = sorted(spool.read_bytes() for spool in list_spools(tmp_path))
    assert texts == [b"child\n", b"parent\nparent\n"]


def test_a_line_torn_by_a_full_disk_is_completed_before_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SpoolWriter(tmp_path)
    writer.append(line(0))
    disk = Disk(monkeypatch, room=10)
    for number in (1, 2):
        with pytest.raises(OSError, match="No space left"):
            writer.append(line(number))
    (spool,) = list_spools(tmp_path)
    assert numbers(spool, finished=False) == [0]
    disk.room = 10_000
    writer.append(line(3))
    assert numbers(spool) == [0, 1, 2, 3]


def test_lines_in_memory_are_written_by_a_flush(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SpoolWriter(tmp_path)
    disk = Disk(monkeypatch, room=0)
    with pytest.raises(OSError, match="No space left"):
        writer.append(line(0))
    disk.room = 10_000
    writer.flush()
    assert numbers(list_spools(tmp_path)[0]) == [0]


def test_memory_for_lines_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spools, "BACKLOG_LIMIT", 3 * len(line(0)))
    writer = SpoolWriter(tmp_path)
    disk = Disk(monkeypatch, room=0)
    for number in (0, 1):
        with pytest.raises(OSError, match="No space left"):
            writer.append(line(number))
    with pytest.raises(BacklogFullError):
        writer.append(line(2))
    disk.room = 10_000
    writer.append(line(3))
    assert numbers(list_spools(tmp_path)[0]) == [0, 1, 3]


def test_a_folder_that_cannot_be_written_leaves_no_drafts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    writer = SpoolWriter(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", fail)
        with pytest.raises(OSError, match="Read-only"):
            writer.append(line(0))
    assert list(tmp_path.iterdir()) == []
    writer.flush()
    assert numbers(list_spools(tmp_path)[0]) == [0]


def test_a_line_without_an_end_waits_for_its_writer(tmp_path: Path) -> None:
    spool = tmp_path / "x.jsonl"
    spool.write_bytes(line(0) + b"\n" + line(1))
    batch = read_batch(spool, 0, finished=False)
    assert [record.release for record in batch.records] == [0]
    assert batch.end == len(line(0)) + 1
    assert read_batch(spool, batch.end, finished=False).end == batch.end
    assert numbers(spool, batch.end, finished=True) == [1]


@pytest.mark.parametrize(
    "garbage",
    [
        b"{",
        b"\0" * 100,
        b"null",
        b"[]",
        b'{"at":"2026-01-01T00:00:00","package":"demo","release":1,"file":"x"}',
        b'{"at":"2026-01-01T00:00:00Z","package":"demo","release":-1,"file":"x"}',
        b'{"at":"2026-01-01T00:00:00Z","package":"demo","release":9223372036854775808,"file":"x"}',
        b'{"at":"2026-01-01T00:00:00Z","package":"\xff","release":1,"file":"x"}',
    ],
)
def test_a_malformed_line_is_counted_and_passed_over(tmp_path: Path, garbage: bytes) -> None:
    spool = tmp_path / "x.jsonl"
    spool.write_bytes(line(0) + b"\n" + garbage + b"\n" + line(1) + b"\n")
    batch = read_batch(spool, 0, finished=False)
    assert [record.release for record in batch.records] == [0, 1]
    assert batch.malformed == 1


def test_a_field_of_a_later_version_is_ignored(tmp_path: Path) -> None:
    spool = tmp_path / "x.jsonl"
    spool.write_bytes(line(0)[:-1] + b',"later":{"x":1}}\n')
    assert numbers(spool) == [0]


def test_damage_longer_than_a_block_is_passed_over(tmp_path: Path) -> None:
    spool = tmp_path / "x.jsonl"
    spool.write_bytes(b"\0" * (READ_SIZE + 5) + b"\n" + line(0) + b"\n")
    first = read_batch(spool, 0, finished=False)
    assert (first.end, first.malformed) == (READ_SIZE, 1)
    assert numbers(spool, first.end) == [0]
