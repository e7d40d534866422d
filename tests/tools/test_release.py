"""Distributions of Packslip: the same from everybody who builds them, and whole."""

from __future__ import annotations

import json
import os
import re
import shutil
import tarfile
import zipfile
from hashlib import sha256
from pathlib import Path

import click
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tools.release import build, check_tags, write_bill
from tools.sbom import EXTRAS, read_lock

from packslip import __version__

ROOT = Path(__file__).parents[2]
LOCKS = ROOT / "requirements"
MOMENT = 1_700_000_000
TREE = ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "Makefile",
        "src", "requirements", "deploy")  # fmt: skip


def copy_tree(place: Path, moment: int) -> Path:
    """A tree of its own, with files of another age."""
    for name in TREE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, place / name)
    for name in ("docs", "tests"):
        (place / name).mkdir()
        (place / name / "one.md").write_text("one\n")
    for path in place.rglob("*"):
        os.utime(path, (moment, moment))
    return place


def digests(paths: tuple[Path, ...]) -> list[str]:
    return [sha256(path.read_bytes()).hexdigest() for path in paths]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Path, Path]]:
    """A tree, and what was built of it."""
    place = tmp_path_factory.mktemp("release")
    tree = copy_tree(place / "tree", 1_600_000_000)
    return tree, build(tree, place, MOMENT)


def test_the_same_tree_gives_the_same_bytes_wherever_and_whenever(
    built: tuple[Path, tuple[Path, Path]], tmp_path: Path
) -> None:
    tree, files = built
    again = tmp_path / "elsewhere/with another name"
    shutil.copytree(tree, again)
    for number, path in enumerate(sorted(again.rglob("*"))):
        # Whether a file can be executed is part of what is committed.
        path.chmod(0o700 if path.stat().st_mode & 0o100 else 0o600)
        os.utime(path, (number, number))
    assert digests(build(again, tmp_path, MOMENT)) == digests(files)
    # As they would not be, if nothing of the tree went into them.
    (again / "src/packslip/texts.py").write_text("")
    assert digests(build(again, tmp_path, MOMENT))[1] != digests(files)[1]


def test_the_sdist_holds_what_a_wheel_is_built_of_and_how_it_is_deployed(
    built: tuple[Path, tuple[Path, Path]],
) -> None:
    sdist, wheel = built[1]
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"deploy/Containerfile", "requirements/run.txt", "LICENSE", "docs/one.md"} <= names
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.startswith("packslip/")}
    assert held == {name.removeprefix("src/") for name in names if name.startswith("src/")}


def test_the_bill_names_all_that_is_locked(
    built: tuple[Path, tuple[Path, Path]], tmp_path: Path
) -> None:
    bill = json.loads(write_bill(tmp_path, LOCKS, MOMENT, built[1]).read_text())
    scopes = {one["purl"]: one["scope"] for one in bill["components"]}
    run = {one.purl for one in read_lock(LOCKS / "run.txt")}
    # As many as there are lines that name one: some are there twice, in two versions.
    entries = re.findall(r"(?m)^[\w.-]+(?:\[.*?\])?==", (LOCKS / "run.txt").read_text())
    assert len(bill["components"]) == len(scopes) >= len(run) == len(entries)
    extras = {one.purl for extra in EXTRAS for one in read_lock(LOCKS / f"{extra}.txt")}
    assert set(scopes) == run | extras
    assert {scopes[purl] for purl in extras - run} == {"optional"}
    (builder,) = (purl for purl in run if scopes[purl] != "required")
    assert builder.startswith("pkg:pypi/flit-core@")
    assert scopes[builder] == "excluded"


def test_the_bill_says_what_asks_for_what(
    built: tuple[Path, tuple[Path, Path]], tmp_path: Path
) -> None:
    bill = json.loads(write_bill(tmp_path, LOCKS, MOMENT, built[1]).read_text())
    asks = {one["ref"]: one["dependsOn"] for one in bill["dependencies"]}
    refs = {one["bom-ref"] for one in bill["components"]}
    assert {ref for needed in asks.values() for ref in needed} == refs - {
        one["bom-ref"] for one in bill["components"] if one["scope"] == "excluded"
    }
    with zipfile.ZipFile(built[1][1]) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        lines = archive.read(name).decode().splitlines()
    stated = {
        canonicalize_name(Requirement(line.partition(": ")[2]).name)
        for line in lines
        if line.startswith("Requires-Dist: ")
    }
    own = bill["metadata"]["component"]["bom-ref"]
    assert own == f"pkg:pypi/packslip@{__version__}"
    assert {ref.removeprefix("pkg:pypi/").partition("@")[0] for ref in asks[own]} == stated


def test_the_digests_are_those_of_the_files(
    built: tuple[Path, tuple[Path, Path]], tmp_path: Path
) -> None:
    first, second = (write_bill(tmp_path, LOCKS, MOMENT, built[1]).read_text() for _ in range(2))
    assert first == second
    sums = dict(
        reversed(line.split()) for line in (tmp_path / "SHA256SUMS").read_text().splitlines()
    )
    assert [sums[path.name] for path in built[1]] == digests(built[1])
    assert sums[f"packslip-{__version__}.cdx.json"] == sha256(first.encode()).hexdigest()


def test_a_commit_that_is_tagged_as_another_version_is_refused() -> None:
    check_tags([], "1.0")
    check_tags(["nightly", "v1.0"], "1.0")
    with pytest.raises(click.ClickException, match=r"tagged v1\.1, but .* is 1\.0"):
        check_tags(["v1.1"], "1.0")
