"""What is read from arguments, requirements and lock files."""

from __future__ import annotations

from pathlib import Path

import pytest

from packslip.check.readers.locks import BrokenLockError
from packslip.mirror.sync.environments import environments_of
from packslip.site.mirror_wishes import InvalidWishError, UnreadableFileError, Wanted

A = "a" * 64


def wanted(*pythons: str, every: bool = False) -> Wanted:
    return Wanted(environments_of(pythons, []), every)


def told(found: Wanted) -> list[tuple[str, str, str]]:
    return [(ask.name, ask.what, ask.by) for ask in found.roots]


def test_names_and_requirements_are_asked_for() -> None:
    found = wanted("3.11", "3.13", every=True)
    for text in (
        "Foo.Bar",
        "demo[x,Y_z]>=1,<2",
        "old; python_version<'3.12'",
        "x; python_version<'3'",
    ):
        found.add_requirement(text)
    assert [(ask.name, ask.what) for ask in found.roots] == [
        ("foo-bar", "any version"),
        ("demo", "<2,>=1"),
        ("old", "any version"),
    ]
    assert found.roots[1].extras == {"x", "y-z"}
    assert [set(ask.environments) for ask in found.roots] == [{0, 1}, {0, 1}, {0}]
    assert all(ask.every for ask in found.roots)


@pytest.mark.parametrize(
    "text", ["", "a b", "==1", "demo @ https://example.com/demo.whl", "./demo"]
)
def test_what_no_index_can_have_is_refused(text: str) -> None:
    with pytest.raises(InvalidWishError):
        wanted().add_requirement(text)


def test_files_of_requirements_name_others_and_constraints(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "requirements.txt").write_text(
        f"""\
# what the team needs
--index-url https://packages.example.com/simple/
demo[x] >=1,<2 ; python_version > "3"  # why
pinned==1.0 --hash=sha256:{A} \\
    --hash=sha256:{A[:-1]}b
-r more/dev.txt
-c=constraints.txt
--requirement https://example.com/more.txt
git+https://me:secret@example.com/there.git
"""
    )
    (tmp_path / "more" / "dev.txt").write_text("--requirement ../requirements.txt\ntool\n")
    (tmp_path / "constraints.txt").write_text("Lib<3\nlib!=2.1\nother==1; python_version<'3'\n")
    found = wanted("3.12")
    found.add_requirements(tmp_path / "requirements.txt")
    assert told(found) == [
        ("demo", "<2,>=1", "requirements.txt:3"),
        ("pinned", "==1.0", "requirements.txt:4"),
        ("tool", "any version", "dev.txt:2"),
    ]
    assert [file.digest for file in found.roots[1].files] == [A, A[:-1] + "b"]
    assert {name: str(one) for name, one in found.constraints.items()} == {"lib": "!=2.1,<3"}
    assert [one.line for one in found.skipped] == [2, 8, 9]
    assert "secret" not in str(found.skipped)


def test_lock_files_ask_for_their_pins_alone(tmp_path: Path) -> None:
    (tmp_path / "pylock.toml").write_text(
        f"""\
lock-version = "1.0"
created-by = "us"

[[packages]]
name = "demo"
version = "1.0"
[[packages.wheels]]
url = "https://example.com/demo-1.0-py3-none-any.whl"
hashes = {{ sha256 = "{A}" }}

[[packages]]
name = "old"
version = "2.0"
marker = "python_version < '3.12'"
sdist = {{ url = "https://example.com/old-2.0.tar.gz", hashes = {{ sha256 = "{A}" }} }}

[[packages]]
name = "here"
directory = {{ path = "." }}
"""
    )
    found = wanted("3.12")
    found.add_lock(tmp_path / "pylock.toml")
    [ask] = found.roots
    assert (ask.name, ask.version, ask.by) == ("demo", "1.0", "pylock.toml:4")
    assert [(one.digest, one.filename) for one in ask.files] == [(A, "demo-1.0-py3-none-any.whl")]
    assert [one.what for one in found.skipped] == ["here"]


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("-r gone.txt\n")
    with pytest.raises(UnreadableFileError, match="gone"):
        wanted().add_requirements(path)
    path.write_text("fine\nnot a requirement\n")
    with pytest.raises(BrokenLockError, match="line 2"):
        wanted().add_requirements(path)
