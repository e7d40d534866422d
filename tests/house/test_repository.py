"""Rules for every file of the repository."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: Lines after which a Python file had better be two.
MAX_LINES = 400


def tracked(*patterns: str) -> list[Path]:
    """Files under version control."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("this is no checkout of the repository")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def lines() -> Iterator[tuple[str, str]]:
    """Every line of every text under version control, with the place where it stands."""
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            yield f"{path.relative_to(ROOT)}:{number}", line


def test_no_file_names_the_host_of_a_package_registry() -> None:
    # Put together here, so that this file is held to the rule as well.
    hosts = [
        ".".join(parts)
        for parts in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("pypi", "python", "org"),
            ("registry", "npmjs"),
            ("deb", "debian", "org"),
        )
    ]
    found = [place for place, line in lines() if any(host in line.lower() for host in hosts)]
    assert found == []


def test_no_file_holds_a_path_of_somebody_s_machine() -> None:
    someone = re.compile(r"(?<![\w.}/])/(home|Users|root|work)" + r"/[\w.-]+|[A-Z]:\\Users\\")
    here = f"{ROOT}/"
    found = [place for place, line in lines() if someone.search(line) or here in line]
    assert found == []


def test_no_python_file_is_too_long_to_be_read_in_one_go() -> None:
    lengths = {
        path.relative_to(ROOT): len(path.read_text().splitlines()) for path in tracked("*.py")
    }
    assert {path: length for path, length in lengths.items() if length > MAX_LINES} == {}


def test_no_test_module_asks_for_the_time_before_its_tests_run() -> None:
    asked = [
        f"{path.relative_to(ROOT)}:{statement.lineno}"
        for path in tracked("tests/*.py")
        for statement in ast.parse(path.read_text()).body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        and {"now", "today"}
        & {node.attr for node in ast.walk(statement) if isinstance(node, ast.Attribute)}
    ]
    assert asked == []


def test_every_required_distribution_is_locked_by_hashes_and_no_index_is_named() -> None:
    locks = tracked("requirements/*.txt")
    assert locks
    for lock in locks:
        text = lock.read_text().replace("\\\n", " ")
        entries = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
        for entry in entries:
            where = f"{lock.name}: {entry[:80]}"
            assert re.match(r"[\w.\[\],-]+==\S+ ", entry), where
            assert "--hash=sha256:" in entry, where
            assert not re.search(r"index-url|find-links|://", entry), where


def test_every_link_to_a_file_leads_somewhere() -> None:
    for page in tracked("*.md"):
        targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
        files = [target for target in targets if not re.match(r"[a-z]+:", target)]
        broken = [target for target in files if not (page.parent / target).exists()]
        assert broken == [], page.relative_to(ROOT)
