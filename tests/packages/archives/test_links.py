"""Links in source distributions, compared with what unpacking them does."""

from __future__ import annotations

import errno
import io
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packslip.packages.archives import InvalidArchiveError, links, read_metadata
from packslip.packages.archives.links import LinkMap
from packslip.packages.filenames import parse_filename

NAME = "a-1.0.tar.gz"
STEPS = st.sampled_from(["..", ".", "d", "e", "l", "m", "a-1.0", ""])
TARGETS = st.lists(STEPS, min_size=1, max_size=5).map("/".join)
PLACES = st.sampled_from(["a-1.0/l", "a-1.0/m", "a-1.0/d/l", "a-1.0/d/e/m", "a-1.0/d/m", "a-1.0/e"])


def archive(folder: Path, members: list[tuple[str, bytes, str]]) -> Path:
    path = folder / NAME
    with tarfile.open(path, "w:gz") as tar:
        for name, kind, target in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            content = b"x" if kind == tarfile.REGTYPE else b""
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def is_taken(path: Path) -> bool:
    try:
        read_metadata(path, parse_filename(NAME))
    except InvalidArchiveError:
        return False
    return True


def goes_in_circles(path: Path) -> bool:
    # `resolve` makes something up for some of these; the system is right.
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


@settings(deadline=None, max_examples=300, derandomize=True)
@given(
    found=st.dictionaries(
        PLACES, st.tuples(st.sampled_from([tarfile.SYMTYPE, tarfile.LNKTYPE]), TARGETS), max_size=4
    )
)
def test_what_is_taken_stays_in_its_folder_when_it_is_unpacked(
    found: dict[str, tuple[bytes, str]],
) -> None:
    members = [("a-1.0/PKG-INFO", tarfile.REGTYPE, ""), ("a-1.0/d/x", tarfile.REGTYPE, "")]
    members += [(place, kind, target) for place, (kind, target) in found.items()]
    with tempfile.TemporaryDirectory() as folder:
        path = archive(Path(folder), members)
        if not is_taken(path):
            return
        # As installers do it: what leads out raises.
        into = Path(folder, "into")
        with tarfile.open(path) as tar:
            tar.extractall(into, filter="data")
        top = into.resolve() / "a-1.0"
        for place in found:
            if not goes_in_circles(into / place):
                assert (into / place).resolve().is_relative_to(top)
        assert [path.name for path in into.iterdir()] == ["a-1.0"]


@pytest.mark.parametrize(
    "targets",
    [
        {"a-1.0/l": "d/e/../../PKG-INFO"},
        {"a-1.0/l": "./../a-1.0/d"},
        {"a-1.0/l": "l"},
        {"a-1.0/l": "m/x", "a-1.0/m": "l/x"},
        {"a-1.0/l": "missing"},
        {"a-1.0/d/l": ".."},
        {"a-1.0/d/l": "../e/m", "a-1.0/e/m": "../d"},
    ],
)
def test_links_inside_of_the_folder_are_taken(tmp_path: Path, targets: dict[str, str]) -> None:
    members = [(place, tarfile.SYMTYPE, target) for place, target in targets.items()]
    assert is_taken(archive(tmp_path, [("a-1.0/PKG-INFO", tarfile.REGTYPE, ""), *members]))


@pytest.mark.parametrize(
    "members",
    [
        # By its text alone the second one would stay inside.
        [("a-1.0/p/q/l", tarfile.SYMTYPE, "../.."), ("a-1.0/m", tarfile.SYMTYPE, "p/q/l/../..")],
        # A member that would be written through a link.
        [("a-1.0/l", tarfile.SYMTYPE, "d"), ("a-1.0/l/x", tarfile.REGTYPE, "")],
        [("a-1.0/d/l", tarfile.SYMTYPE, ".."), ("a-1.0/m", tarfile.LNKTYPE, "a-1.0/d/l")],
        [("a-1.0/l", tarfile.LNKTYPE, "a-1.0/missing")],
        [("a-1.0/l", tarfile.LNKTYPE, "a-1.0/l")],
        [("a-1.0/l", tarfile.SYMTYPE, "x" * 5000)],
        [("a-1.0/l", tarfile.SYMTYPE, "")],
        [("a-1.0/l", tarfile.SYMTYPE, "../..")],
    ],
)
def test_links_that_only_seem_to_stay_inside_are_refused(
    tmp_path: Path, members: list[tuple[str, bytes, str]]
) -> None:
    assert not is_taken(archive(tmp_path, [("a-1.0/PKG-INFO", tarfile.REGTYPE, ""), *members]))


def test_entangled_links_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "MOST_STEPS", 10_000)
    entangled = LinkMap()
    for number in range(1000):
        assert entangled.add(f"a/{number}", f"{number + 1}/" * 30)
    assert entangled.leaving() is not None
