from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from packslip.errors import StorageFullError
from packslip.storage.local import LocalStorage
from packslip.storage.protocol import MissingBytesError, StorageUnavailableError, content_key

KEY = content_key("ab" * 32, "demo-1.0.tar.gz")


def files_in(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def failing(number: int) -> Callable[..., NoReturn]:
    def fail(*args: Any, **kwargs: Any) -> NoReturn:
        raise OSError(number, os.strerror(number))

    return fail


def test_the_folder_is_made_only_when_something_is_stored(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "deep" / "files")
    assert not storage.exists(KEY)
    assert list(tmp_path.iterdir()) == []
    storage.put_bytes(KEY, b"abc")
    assert files_in(storage.folder) == [Path(KEY)]


def test_stored_files_are_read_only(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.put_bytes(KEY, b"abc")
    assert (tmp_path / KEY).stat().st_mode & 0o222 == 0
    assert (tmp_path / KEY).stat().st_mode & 0o400


def test_the_handle_is_a_real_file_whose_position_is_left_alone(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.put_bytes(KEY, b"abc")
    with storage.open(KEY) as stored:
        list(stored.read())
        assert stored.local_file is not None
        assert os.lseek(stored.local_file.fileno(), 0, os.SEEK_CUR) == 0


def test_bytes_are_synced_before_the_name_and_all_folders_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(tmp_path)
    steps: list[str] = []
    sync, rename = os.fsync, os.rename

    def note_sync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        steps.append("file" if path.is_file() else str(path.relative_to(tmp_path)))
        sync(descriptor)

    def note_rename(source: Path, target: Path) -> None:
        steps.append("rename")
        rename(source, target)

    with storage.stage() as staged:
        staged.write(b"abc")
        monkeypatch.setattr(os, "fsync", note_sync)
        monkeypatch.setattr(os, "rename", note_rename)
        storage.put(KEY, staged)

    first, second, third, _ = KEY.split("/")
    folders = [f"{first}/{second}/{third}", f"{first}/{second}", first, "."]
    assert steps == ["file", "rename", *folders]


@pytest.mark.parametrize("call", ["fsync", "rename", "fchmod"])
def test_nothing_is_visible_after_a_failure_before_the_name_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    storage = LocalStorage(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing(errno.EIO))
        with pytest.raises(StorageUnavailableError):
            storage.put_bytes(KEY, b"abc")
    assert files_in(tmp_path) == []

    storage.put_bytes(KEY, b"abc")
    assert files_in(tmp_path) == [Path(KEY)]


def test_a_full_disk_is_told_leaves_nothing_and_heals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(tmp_path)
    write = os.write
    room = 10

    def write_while_there_is_room(descriptor: int, data: memoryview) -> int:
        nonlocal room
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = write(descriptor, data[:room])
        room -= written
        return written

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_while_there_is_room)
        with pytest.raises(StorageFullError):
            storage.put_bytes(KEY, b"more than ten bytes")
        with pytest.raises(StorageFullError):
            storage.check()
    assert files_in(tmp_path) == []
    storage.put_bytes(KEY, b"more than ten bytes")


@pytest.mark.parametrize("call", ["mkdir", "fsync", "rename", "open"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_lack_of_room_is_told_wherever_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    storage = LocalStorage(tmp_path / "files")
    monkeypatch.setattr(os, call, failing(number))
    with pytest.raises(StorageFullError):
        storage.put_bytes(KEY, b"abc")


def test_a_read_only_storage_is_not_ready_but_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(tmp_path)
    storage.put_bytes(KEY, b"abc")
    real_open = os.open

    def refuse_writing(path: str, flags: int, *args: int) -> int:
        if flags & os.O_CREAT:
            raise OSError(errno.EROFS, "Read-only file system")
        return real_open(path, flags, *args)

    monkeypatch.setattr(os, "open", refuse_writing)
    with pytest.raises(StorageUnavailableError, match="read-only file system"):
        storage.check()
    with storage.open(KEY) as stored:
        assert b"".join(stored.read()) == b"abc"


def test_a_file_that_shrank_under_its_reader_is_an_error(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.put_bytes(KEY, b"0123456789")
    with storage.open(KEY) as stored:
        os.truncate(tmp_path / KEY, 5)
        with pytest.raises(MissingBytesError):
            list(stored.read())


WRITER = """
import sys
from pathlib import Path
from packslip.storage.local import LocalStorage
with LocalStorage(Path(sys.argv[1])).stage() as staged:
    staged.write(b"unfinished")
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_cleaning_takes_what_a_killed_process_left_and_spares_the_living(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        with storage.stage() as staged:
            assert storage.clean_staging() == 0
            writer.kill()
            writer.wait()
            assert storage.clean_staging() == 1
            assert files_in(tmp_path) == [staged.path.relative_to(tmp_path)]
            staged.write(b"abc")
            storage.put(KEY, staged)
    assert files_in(tmp_path) == [Path(KEY)]


def test_a_file_that_is_cleaned_away_before_its_lock_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(tmp_path)
    real_open = os.open
    removed: list[str] = []

    def open_and_lose(path: Any, flags: int, *args: int) -> int:
        descriptor = real_open(path, flags, *args)
        if flags & os.O_EXCL and not removed:
            Path(path).unlink()
            removed.append(path)
        return descriptor

    monkeypatch.setattr(os, "open", open_and_lose)
    storage.put_bytes(KEY, b"abc")
    assert removed
    assert files_in(tmp_path) == [Path(KEY)]


def test_storing_a_key_again_makes_it_young(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.put_bytes(KEY, b"abc")
    os.utime(tmp_path / KEY, (0, 0))
    (old,) = storage.keys()
    storage.put_bytes(KEY, b"abc")
    (young,) = storage.keys()
    assert old.put_at.year == 1970
    assert young.put_at.year > 1970
    assert not storage.delete_unused(KEY, since=old.put_at)


def test_what_was_set_aside_is_kept(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    key = content_key("ab" * 32, "é" * 127)
    storage.put_bytes(key, b"damaged")
    storage.set_aside(key)
    (kept,) = (tmp_path / ".aside").iterdir()
    assert kept.read_bytes() == b"damaged"


def test_a_dry_run_counts_what_was_left_behind_and_leaves_it(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    with storage.stage() as staged:
        (staged.path.parent / "left").write_bytes(b"half")
        assert storage.clean_staging(dry_run=True) == 1
        assert storage.clean_staging() == 1
        assert storage.clean_staging(dry_run=True) == 0
