"""Reading bundles, of which anybody may have made anything."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.helpers.bundles import (
    Member,
    archive,
    bundled_file,
    bundled_package,
    manifest,
    member,
    members,
)

from packslip.mirror.bundles.manifests import MANIFEST, InvalidBundleError, write_manifest
from packslip.mirror.bundles.reading import BundleReader, WrongEntryError

WHEEL, SDIST = "demo-1.0-py3-none-any.whl", "demo-1.0.tar.gz"
CONTENTS = {WHEEL: b"a wheel" * 200, f"{WHEEL}.metadata": b"Name: demo\n", SDIST: b"an sdist"}
DEMO = bundled_package(
    "demo",
    bundled_file(SDIST, CONTENTS[SDIST]),
    bundled_file(WHEEL, CONTENTS[WHEEL], CONTENTS[f"{WHEEL}.metadata"]),
)
GOOD = members(CONTENTS, DEMO)


def read(data: bytes) -> dict[str, bytes]:
    """All members after the manifest."""
    reader = BundleReader(io.BytesIO(data))
    found = {}
    for package in reader.manifest.packages:
        for entry, pieces in reader.entries(package, lambda _: True):
            assert pieces is not None
            found[entry.path] = b"".join(pieces)
    reader.finish()
    return found


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The bundle with another manifest."""
    document = json.loads(GOOD[0][1])
    change(document)
    return archive([member(MANIFEST, json.dumps(document).encode()), *GOOD[1:]])


def page(document: dict[str, Any]) -> Any:
    return document["packages"][0]["page"]


def test_members_are_read_in_their_order() -> None:
    assert read(archive(GOOD)) == {
        f"files/demo/{SDIST}": CONTENTS[SDIST],
        f"files/demo/{WHEEL}.metadata": CONTENTS[f"{WHEEL}.metadata"],
        f"files/demo/{WHEEL}": CONTENTS[WHEEL],
    }


def test_what_is_not_wanted_is_stepped_over_and_half_read_members_too() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    for file in (io.BytesIO(archive(GOOD)), Pipe(archive(GOOD))):
        reader = BundleReader(file)
        (package,) = reader.manifest.packages
        given = reader.entries(package, lambda entry: entry.path.endswith((".whl", ".gz")))
        _, pieces = next(given)
        assert pieces is not None
        next(pieces)
        _, metadata = next(given)
        assert metadata is None
        _, pieces = next(given)
        assert pieces is not None
        assert b"".join(pieces) == CONTENTS[WHEEL]
        reader.finish()


def _instead(number: int, *new: Member) -> bytes:
    return archive([*GOOD[:number], *new, *GOOD[number + 1 :]])


WHOLE = archive(GOOD)
SDIST_PATH = f"files/demo/{SDIST}"

HOSTILE = {
    "nothing": (b"", "it is empty"),
    "text": (b"no archive\n" * 100, "no tar archive"),
    "zeros": (bytes(4096), "first member is not manifest.json"),
    "compressed": (gzip.compress(WHOLE), "it is compressed"),
    "another tar": (archive([member("README", b"hello")]), "first member is not manifest.json"),
    "no json": (archive([member(MANIFEST, b"{")]), "manifest is faulty"),
    "deep json": (archive([member(MANIFEST, b"[" * 100_000)]), "manifest is faulty"),
    "no utf-8": (archive([member(MANIFEST, b'{"format":"\xff"}')]), "manifest is faulty"),
    "another format": (changed(lambda d: d.update(format="x\x1b[2J")), "its format is"),
    "a new version": (changed(lambda d: d.update(version=2)), "version 2 of the format"),
    "no time zone": (changed(lambda d: d.update(made="2026-01-01T00:00:00")), "without a zone"),
    "no upstream": (changed(lambda d: d["packages"][0].update(upstream="")), "no upstream"),
    "a bad name": (changed(lambda d: page(d).update(name="../demo")), "faulty page"),
    "another page": (changed(lambda d: page(d).update(files=7)), "faulty page"),
    "a package twice": (changed(lambda d: d["packages"].append(d["packages"][0])), "twice"),
    "a file twice": (changed(lambda d: page(d)["files"].append(page(d)["files"][0])), "twice"),
    "another's file": (
        changed(lambda d: page(d)["files"][0].update(filename="other-1.0.tar.gz")),
        "none of the package",
    ),
    "a path for a name": (
        changed(lambda d: page(d)["files"][0].update(filename="../demo-1.0.tar.gz")),
        "none of the package",
    ),
    "no digest": (changed(lambda d: page(d)["files"][0].update(hashes={})), "no SHA-256"),
    "no size": (changed(lambda d: page(d)["files"][0].update(size=0)), "no size"),
    "a huge size": (changed(lambda d: page(d)["files"][0].update(size=2**50)), "cut short"),
    "metadata without a size": (
        changed(lambda d: d["packages"][0].update(metadata={})),
        "two things of the metadata",
    ),
    "huge metadata": (
        changed(lambda d: d["packages"][0].update(metadata={WHEEL: 2**40})),
        "bytes",
    ),
    "metadata of nothing": (
        changed(lambda d: d["packages"][0]["metadata"].update(x=1)),
        "without a file",
    ),
    "a path that leaves": (_instead(1, member("../../etc/passwd", b"x")), "where files/demo"),
    "an absolute path": (_instead(1, member("/" + SDIST_PATH, b"x")), "where files/demo"),
    "a symbolic link": (
        _instead(1, member(SDIST_PATH, type=tarfile.SYMTYPE, linkname="/etc/passwd")),
        "is not a file",
    ),
    "a hard link": (
        _instead(1, member(SDIST_PATH, type=tarfile.LNKTYPE, linkname=MANIFEST)),
        "is not a file",
    ),
    "a folder": (_instead(1, member(SDIST_PATH, type=tarfile.DIRTYPE)), "is not a file"),
    "a device": (_instead(1, member(SDIST_PATH, type=tarfile.CHRTYPE)), "neither a file"),
    "a pipe": (_instead(1, member(SDIST_PATH, type=tarfile.FIFOTYPE)), "neither a file"),
    "a sparse file": (
        _instead(1, member(SDIST_PATH, type=tarfile.GNUTYPE_SPARSE)),
        "neither a file",
    ),
    "a member twice": (_instead(2, GOOD[1]), "where files/demo"),
    "one too many": (archive([*GOOD, member("more", b"x")]), "which it does not list"),
    "one too few": (archive([*GOOD[:-1], member("x" * 9000, b"")]), "where files/demo"),
    "the last one missing": (archive(GOOD[:-1]) + bytes(4096), "ends before"),
    "cut in a file": (WHOLE[: -1024 - 512], "cut short"),
    "cut in the manifest": (WHOLE[:700], "cut short"),
    "a manifest that links": (
        archive([member(MANIFEST, type=tarfile.SYMTYPE, linkname="/etc/passwd")]),
        "is not a file",
    ),
    "a manifest with a huge size": (archive([member(MANIFEST, b"x", size=2**32)]), "cut short"),
    "a header with a huge size": (
        archive([member("x", b"x", type=tarfile.XHDTYPE, size=2**32)]),
        "too long",
    ),
}


@pytest.mark.parametrize(("data", "fault"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_good_bundle_is_refused_in_one_line(data: bytes, fault: str) -> None:
    with pytest.raises(InvalidBundleError) as caught:
        read(data)
    assert fault in caught.value.reason
    assert caught.value.reason.isprintable()
    assert len(caught.value.reason) < 400


@pytest.mark.parametrize(
    "data", [CONTENTS[SDIST] + b"!", CONTENTS[SDIST][:-1], CONTENTS[SDIST].upper()]
)
def test_other_bytes_than_are_listed_are_told_at_their_end(data: bytes) -> None:
    reader = BundleReader(io.BytesIO(_instead(1, member(SDIST_PATH, data))))
    (package,) = reader.manifest.packages
    given = reader.entries(package, lambda _: True)
    _, pieces = next(given)
    assert pieces is not None
    with pytest.raises(WrongEntryError):
        list(pieces)
    # The others can be read all the same.
    assert [b"".join(pieces) for _, pieces in given if pieces] == [
        CONTENTS[f"{WHEEL}.metadata"],
        CONTENTS[WHEEL],
    ]
    reader.finish()


def test_memory_does_not_grow_with_what_is_in_a_bundle() -> None:
    large = bytes(32 * 1024 * 1024)
    data = archive(members({SDIST: large}, bundled_package("demo", bundled_file(SDIST, large))))
    reader = BundleReader(io.BytesIO(data))
    (package,) = reader.manifest.packages
    tracemalloc.start()
    try:
        for _, pieces in reader.entries(package, lambda _: True):
            assert pieces is not None
            for _ in pieces:
                pass
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()


@given(st.data())
def test_no_damage_goes_unnoticed(data: st.DataObject) -> None:
    where = data.draw(st.integers(0, len(WHOLE) - 1))
    bits = data.draw(st.integers(1, 255))
    spoilt = bytearray(WHOLE)
    spoilt[where] ^= bits
    try:
        found = read(bytes(spoilt))
    except (InvalidBundleError, WrongEntryError):
        return
    # What does not matter may be damaged: padding, times, the name of whoever made it.
    assert found == read(WHOLE)


def test_the_manifest_says_what_it_was_told() -> None:
    reader = BundleReader(io.BytesIO(WHOLE))
    assert reader.manifest == manifest(DEMO)
    assert write_manifest(reader.manifest) == GOOD[0][1]
