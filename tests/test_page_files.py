"""Files of pages never outlive what they say."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path

import pytest

from packslip.page_files import EVERY_PAGE, PageFiles, PagesNotRemovedError

BODIES = {"json": b'{"name": "demo"}' * 100, "html": b"<html>"}
FORMS = ("json", "html")


@pytest.fixture
def files(tmp_path: Path) -> PageFiles:
    files = PageFiles(tmp_path / "pages")
    files.begin()
    return files


def names(files: PageFiles) -> set[str]:
    return {file.name for file in files.folder.iterdir()} - {".lock"}


def test_pages_are_placed_with_a_compressed_one_where_that_is_worth_it(files: PageFiles) -> None:
    files.place("demo", BODIES, 3, lambda: True)

    assert names(files) == {"demo.json", "demo.json.gz", "demo.html"}
    assert (files.folder / "demo.json").read_bytes() == BODIES["json"]
    assert gzip.decompress((files.folder / "demo.json.gz").read_bytes()) == BODIES["json"]
    assert (files.folder / "demo.html").stat().st_mode & 0o777 == 0o644


def test_a_page_that_has_changed_meanwhile_is_not_placed(files: PageFiles) -> None:
    files.place("demo", BODIES, 3, lambda: False)
    assert names(files) == set()


def test_nothing_is_placed_while_a_change_is_being_committed(files: PageFiles) -> None:
    files.place("demo", BODIES, 3, lambda: True)
    files.place("other", BODIES, 3, lambda: True)
    lock = files.hold_back(["demo"], FORMS)
    assert names(files) == {"other.json", "other.json.gz", "other.html"}
    stamp = [3]
    placing = threading.Thread(
        target=files.place, args=("demo", BODIES, 3, lambda: stamp[0] == 3), daemon=True
    )
    placing.start()
    placing.join(0.2)
    assert placing.is_alive(), "it does not wait"
    stamp[0] = 4
    os.close(lock)
    placing.join(10)
    assert "demo.json" not in names(files)


def test_a_change_of_all_packages_removes_all_pages(files: PageFiles) -> None:
    for name in ("demo", "other"):
        files.place(name, BODIES, 3, lambda: True)
    os.close(files.hold_back([EVERY_PAGE], FORMS))
    assert names(files) == set()


def test_each_change_gives_a_page_another_time(files: PageFiles) -> None:
    def moment(stamp: int) -> float:
        files.place("demo", BODIES, stamp, lambda: True)
        times = {file.stat().st_mtime for file in files.folder.glob("demo.json*")}
        assert len(times) == 1
        return times.pop()

    before = [moment(3), moment(4)]
    files.begin()
    assert names(files) == set()
    assert before[0] < before[1]


def test_a_folder_that_cannot_be_written_is_said_before_the_commit(tmp_path: Path) -> None:
    (tmp_path / "pages").write_bytes(b"no folder")
    with pytest.raises(PagesNotRemovedError):
        PageFiles(tmp_path / "pages").hold_back(["demo"], FORMS)


def test_without_them_the_folder_is_gone(files: PageFiles) -> None:
    files.place("demo", BODIES, 3, lambda: True)
    files.end()
    assert not files.exist
    files.end()
