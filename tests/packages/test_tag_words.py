"""Compatibility tags in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import parse_wheel_filename

from packslip.packages.tag_words import MOST_NAMED, describe_tags


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ("py3-none-any", "Any system, Python 3"),
        ("py2.py3-none-any", "Any system, Python 2 and 3"),
        ("py2-none-any", "Any system, Python 2"),
        ("py310-none-any", "Any system, Python 3.10 or newer"),
        ("py39.py310-none-any", "Any system, Python 3.9 or newer"),
        ("py3-none-win_amd64", "Windows x86-64, Python 3"),
        (
            "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
            "Linux x86-64 (glibc 2.17 or newer), CPython 3.11",
        ),
        (
            "cp311-cp311-manylinux_2_17_i686.manylinux2014_i686.manylinux_2_5_i686.manylinux1_i686",
            "Linux 32-bit x86 (glibc 2.5 or newer), CPython 3.11",
        ),
        (
            "cp38-abi3-manylinux_2_28_aarch64",
            "Linux ARM64 (glibc 2.28 or newer), CPython 3.8 or newer (stable ABI)",
        ),
        (
            "cp39-abi3-musllinux_1_2_x86_64",
            "Linux x86-64 (musl 1.2 or newer), CPython 3.9 or newer (stable ABI)",
        ),
        (
            "py3-none-manylinux_2_12_x86_64.manylinux2010_x86_64.musllinux_1_1_x86_64",
            "Linux x86-64 (glibc 2.12 or newer); Linux x86-64 (musl 1.1 or newer), Python 3",
        ),
        ("cp36.cp37.cp38-none-linux_armv7l", "Linux ARMv7, CPython 3.6, 3.7 and 3.8"),
        ("cp37.cp38.pp38-none-any", "Any system, CPython 3.7 and 3.8 and PyPy 3.8"),
        ("cp27-cp27m-win32", "Windows 32-bit x86, CPython 2.7"),
        (
            "cp27-cp27mu-manylinux1_x86_64",
            "Linux x86-64 (glibc 2.5 or newer), CPython 2.7 (wide Unicode)",
        ),
        ("cp313-cp313-win_arm64", "Windows ARM64, CPython 3.13"),
        ("cp313-cp313t-win_amd64", "Windows x86-64, CPython 3.13 (free-threaded)"),
        (
            "cp315-abi3t-win_amd64",
            "Windows x86-64, CPython 3.15 or newer (stable ABI, free-threaded)",
        ),
        ("cp315-abi3.abi3t-win_amd64", "Windows x86-64, CPython 3.15 or newer (stable ABI)"),
        ("cp312-cp312-macosx_11_0_arm64", "macOS on Apple silicon (11.0 or newer), CPython 3.12"),
        (
            "cp312-cp312-macosx_10_13_universal2",
            "macOS on Intel and Apple silicon (10.13 or newer), CPython 3.12",
        ),
        (
            "cp37-none-macosx_10_9_x86_64.macosx_10_6_i386.macosx_10_10_x86_64",
            "macOS on Intel (10.9 or newer); macOS on 32-bit x86 (10.6 or newer), CPython 3.7",
        ),
        (
            "pp310-pypy310_pp73-macosx_10_15_x86_64",
            "macOS on Intel (10.15 or newer), PyPy 3.10",
        ),
        (
            "graalpy311-graalpy242_311_native-manylinux_2_17_x86_64",
            "Linux x86-64 (glibc 2.17 or newer), GraalPy 3.11",
        ),
        ("cp313-cp313-ios_13_0_arm64_iphoneos", "iOS ARM64 (13.0 or newer), CPython 3.13"),
        (
            "cp313-cp313-ios_13_0_arm64_iphonesimulator",
            "iOS ARM64, simulator (13.0 or newer), CPython 3.13",
        ),
        ("cp313-cp313-android_21_arm64_v8a", "Android ARM64 (API 21 or newer), CPython 3.13"),
        ("cp312-cp312-pyodide_2024_0_wasm32", "Pyodide (WebAssembly) 2024.0, CPython 3.12"),
        ("cp312-cp312-freebsd_14_0_amd64", "freebsd_14_0_amd64, CPython 3.12"),
        ("xy3-none-any", "Any system, xy3"),
    ],
)
def test_tags_are_told_in_words(tags: str, words: str) -> None:
    assert parse_wheel_filename(f"demo-1.0-{tags}.whl")
    assert describe_tags(tags) == words


def test_what_is_no_tag_stays_as_it_is() -> None:
    assert describe_tags("source") == "source"


def test_of_very_many_only_some_are_named() -> None:
    platforms = ".".join(f"odd{number}" for number in range(1000))
    words = describe_tags(f"py3-none-{platforms}")
    assert f"{1000 - MOST_NAMED} more" in words
    assert len(words) < 100


@given(st.from_regex(r"[a-z0-9_.]{0,20}-[a-z0-9_.]{0,20}-[a-z0-9_.]{0,40}", fullmatch=True))
def test_whatever_stands_there_is_told_somehow(tags: str) -> None:
    assert describe_tags(tags)
