"""Which releases and files are chosen, by what is asked."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.specifiers import SpecifierSet

from packslip.mirror.sync.choices import choose
from packslip.mirror.sync.environments import environments_of
from packslip.mirror.sync.values import (
    Ask,
    Bar,
    Choice,
    FixedFile,
    KnownFile,
    KnownPackage,
    KnownRelease,
)

LINUX = "manylinux_2_28_x86_64"
BARRED = Bar("Withheld until tomorrow.")
LOST = Bar("It is gone.", is_withheld=False)


def file(filename: str, **values: Any) -> KnownFile:
    is_wheel = filename.endswith(".whl")
    tags = "-".join(filename.removesuffix(".whl").split("-")[2:]) if is_wheel else "source"
    number = sum(map(ord, filename))
    return KnownFile(number, filename, is_wheel, tags, 1, **{"sha256": f"{number:064}", **values})


def release(version: str, *files: KnownFile, yanked: bool = False, **values: Any) -> KnownRelease:
    both = (
        file(f"demo-{version}-py3-none-any.whl", **values),
        file(f"demo-{version}.tar.gz", **values),
    )
    return KnownRelease(version, files or both, yanked=yanked)


def package(*releases: KnownRelease, is_hosted: bool = False) -> KnownPackage:
    return KnownPackage("demo", is_hosted, releases)


def ask(specifier: str = "", by: str = "me", **values: Any) -> Ask:
    return Ask("demo", by, SpecifierSet(specifier), **values)


def versions(choice: Choice) -> list[str]:
    return [pick.version for pick in choice.picks]


def filenames(choice: Choice) -> set[str]:
    return {
        one.filename
        for pick in choice.picks
        for one in pick.release.files
        if one.file_id in pick.files
    }


def chosen(known: KnownPackage, *asks: Ask, **values: Any) -> Choice:
    return choose(known, asks, environments_of([], []), **values)


@pytest.mark.parametrize(
    ("specifiers", "expected"),
    [
        ([""], ["2.1"]),
        (["<2"], ["1.5"]),
        (["<3", ">=1,!=2.1"], ["1.5"]),
        # Pre-releases only where they are named, or there is nothing else.
        ([">=3.0a1"], ["3.0rc1"]),
        ([">2.1"], ["3.0rc1"]),
        # A yanked one only where it is named.
        (["==2.0"], ["2.0"]),
        ([">=2.0,<2.1"], []),
        (["==2.*"], ["2.1"]),
        # What cannot be satisfied together is satisfied one by one.
        (["<2", ">=2", "<2"], ["2.1", "1.5"]),
    ],
)
def test_the_newest_release_that_satisfies_all(specifiers: list[str], expected: list[str]) -> None:
    known = package(
        release("3.0rc1"),
        release("2.1"),
        release("2.0", yanked=True),
        release("1.5"),
        release("odd!"),
    )
    found = chosen(known, *(ask(one, f"asker {n}") for n, one in enumerate(specifiers)))
    assert versions(found) == expected
    assert bool(found.missing) is not bool(expected)
    assert bool(found.conflicts) is (len(expected) > 1)


def test_a_conflict_names_who_asks() -> None:
    found = chosen(package(release("2"), release("1")), ask("<2", "old 1.0"), ask(">=2", "new 3.0"))
    assert found.conflicts[0].asked == ("<2 (old 1.0)", ">=2 (new 3.0)")
    assert found.conflicts[0].versions == ("1", "2")
    found = chosen(package(release("1")), ask("<2", "old 1.0"), ask(">=2", "new 3.0"))
    assert versions(found) == ["1"]
    [missing] = found.missing
    assert (missing.what, missing.by) == (">=2", ("new 3.0",))
    assert missing.reason == "no release fits"


def test_what_is_withheld_is_left_out_and_told() -> None:
    half = release(
        "2", file("demo-2-py3-none-any.whl"), file("demo-2-cp39-cp39-win32.whl", bar=BARRED)
    )
    found = chosen(package(release("4", bar=LOST), release("3", bar=BARRED), half), ask())
    assert versions(found) == ["2"]
    assert filenames(found) == {"demo-2-py3-none-any.whl"}
    assert [(one.version, one.filename) for one in found.withheld] == [
        ("3", None),
        ("2", "demo-2-cp39-cp39-win32.whl"),
    ]
    assert not found.missing
    found = chosen(package(release("3", bar=BARRED)), ask(">=3"))
    assert [one.reason for one in found.missing] == [BARRED.reason]
    assert len(found.withheld) == 1


def test_files_are_for_the_environments() -> None:
    linux, windows = (
        "demo-2-cp312-cp312-manylinux_2_17_x86_64.whl",
        "demo-2-cp312-cp312-win_amd64.whl",
    )
    known = package(
        release("3", file("demo-3-cp313-cp313-win_amd64.whl")),
        release("2", file(linux), file(windows), file("demo-2.tar.gz")),
        release("1"),
    )
    where = environments_of(["3.12"], [LINUX])
    assert filenames(choose(known, [ask()], where)) == {linux, "demo-2.tar.gz"}
    assert filenames(choose(known, [ask()], where, no_sdist=True)) == {linux}
    assert versions(choose(known, [ask("<2")], where, no_sdist=True)) == ["1"]
    found = choose(known, [ask(">2")], where)
    assert "Python 3.12 on manylinux" in found.missing[0].reason
    both = environments_of(["3.11", "3.12"], [LINUX])
    # Each gets the newest that it can use.
    asked = ask(environments=frozenset({0, 1}))
    assert versions(choose(known, [asked], both, no_sdist=True)) == ["2", "1"]
    assert filenames(chosen(known, ask())) == {"demo-3-cp313-cp313-win_amd64.whl"}


def test_a_python_gets_what_is_for_it() -> None:
    known = package(release("2", requires_python=">=3.12"), release("1"))
    assert versions(choose(known, [ask()], environments_of(["3.11"], []))) == ["1"]
    assert versions(choose(known, [ask()], environments_of(["3.12"], []))) == ["2"]


def test_all_releases_that_fit_when_asked_for() -> None:
    known = package(
        release("3rc1"),
        release("2"),
        release("1.5", yanked=True),
        release("1", bar=BARRED),
        release("0"),
    )
    found = chosen(known, ask("<3", every=True))
    assert versions(found) == ["2", "0"]
    assert [one.version for one in found.withheld] == ["1"]


def test_a_lock_file_gets_its_pins_and_its_files_alone() -> None:
    wheel, sdist = file("demo-1.0-py3-none-any.whl"), file("demo-1.0.tar.gz")
    known = package(release("2"), release("1.0", wheel, sdist, yanked=True))
    pin = ask(version="1", files=(FixedFile("sha256", str(wheel.sha256), wheel.filename),))
    found = chosen(known, pin)
    assert filenames(found) == {wheel.filename}
    assert not found.missing
    # What it requires stands in the lock file.
    assert found.picks[0].follows == frozenset()
    assert chosen(known, pin, ask("==1.0")).picks[0].follows == {0}
    # A requirement beside it asks for the newest.
    assert versions(chosen(known, pin, ask())) == ["2", "1.0"]
    assert chosen(known, ask(version="7")).missing[0].reason == "there is no such release"


def test_a_pin_for_other_machines_is_no_fault() -> None:
    known = package(
        release("2", requires_python=">=3.12"),
        release("1", file("demo-1-cp311-cp311-win_amd64.whl")),
        release("0", file("demo-0.tar.gz")),
    )
    where = environments_of(["3.11"], [LINUX])
    found = choose(known, [ask(version="2"), ask(version="1")], where)
    assert versions(found) == []
    assert found.missing == ()
    assert found.elsewhere == (
        f"demo 2 of me has nothing for Python 3.11 on {LINUX}",
        f"demo 1 of me has nothing for Python 3.11 on {LINUX}",
    )
    # This one could be built there.
    assert choose(known, [ask(version="0")], where, no_sdist=True).missing


def test_other_bytes_than_those_of_the_lock_file_are_not_taken() -> None:
    wheel, sdist = file("demo-1.0-py3-none-any.whl"), file("demo-1.0.tar.gz")
    known = package(release("1.0", wheel, sdist))
    fixed = (
        FixedFile("sha256", "f" * 64, wheel.filename),
        FixedFile("sha256", str(sdist.sha256), sdist.filename),
        FixedFile("sha256", "e" * 64, "demo-1.0-cp39-cp39-win32.whl"),
        FixedFile("sha256", "e" * 64, "something else"),
    )
    found = chosen(known, ask(version="1.0", files=fixed))
    assert filenames(found) == {sdist.filename}
    assert [one.reason for one in found.missing] == [
        f"{wheel.filename} has other bytes than the lock file says",
        "demo-1.0-cp39-cp39-win32.whl is not among the files of 1.0",
    ]
    nothing = chosen(known, ask("==1.0", files=(FixedFile("sha256", "f" * 64),)))
    assert nothing.missing[0].reason == "1.0 has none of the files with these hashes"
    # Nobody knows its bytes yet.
    unknown = package(release("1.0", file("demo-1.0.tar.gz", sha256=None)))
    assert versions(chosen(unknown, ask("==1.0", files=(FixedFile("sha256", "f" * 64),)))) == [
        "1.0"
    ]
