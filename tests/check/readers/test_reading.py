from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packslip.check.readers.locks import (
    MAX_PINS,
    MAX_SIZE,
    BrokenLockError,
    Lock,
    LockedFile,
    LockKind,
    LockTooLargeError,
)
from packslip.check.readers.reading import read_lock

KINDS = "requirements.txt, uv.lock, pylock.toml, poetry.lock, pdm.lock"
A, B = "a" * 64, "b" * 64


def read(filename: str, text: str) -> Lock:
    return read_lock(filename, text.encode())


def pins(lock: Lock) -> list[tuple[str, str, int]]:
    return [(pin.name, pin.version, pin.line) for pin in lock.pins]


def fault_of(filename: str, text: str) -> str | None:
    try:
        read(filename, text)
    except BrokenLockError as error:
        return error.reason
    return None


def skipped(lock: Lock) -> list[tuple[int, str]]:
    return [(one.line, one.what) for one in lock.skipped]


def test_requirements_are_read_as_pip_reads_them() -> None:
    lock = read(
        "requirements-dev.txt",
        f"""\
# a comment
--index-url https://me:secret@example.com/simple
-r other.txt
-e ./local
demo==1.0 \\
    --hash=sha256:{A} \\
    --hash sha256:{B}
    # via app
flask>=2
loose
Foo.Bar[extra,more] == 1.0.0 ; sys_platform == "win32"  # why
prefix==1.*
both==1,!=2
there @ https://me:secret@example.com/there-1.whl
git+https://me:secret@example.com/there.git
./folder/there
there-1.0-py3-none-any.whl
exact===2.0
""",
    )
    assert lock.kind is LockKind.REQUIREMENTS
    assert pins(lock) == [("demo", "1.0", 5), ("foo-bar", "1.0.0", 11), ("exact", "2.0", 18)]
    assert lock.pins[0].files == (LockedFile("sha256", A), LockedFile("sha256", B))
    assert lock.pins[1].marker == 'sys_platform == "win32"'
    assert [line for line, _ in skipped(lock)] == [2, 3, 4, 9, 10, 12, 13, 14, 15, 16, 17]
    assert "secret" not in str(lock.skipped)


def test_uv_lock() -> None:
    lock = read(
        "uv.lock",
        f"""\
version = 1
revision = 3

[[package]]
name = "app"
version = "1"
source = {{ virtual = "." }}

[[package]]
name = "demo"
version = "1.0"
source = {{ registry = "https://example.com/simple" }}
sdist = {{ url = "https://example.com/demo-1.0.tar.gz", hash = "sha256:{A}", size = 1 }}
wheels = [
    {{ path = "files/demo-1.0%2Blocal-py3-none-any.whl", hash = "sha256:{B}" }},
    {{ url = "https://example.com/without-a-hash.whl" }},
]

[[package]]
name = "elsewhere"
version = "1.0"
source = {{ git = "https://example.com/x.git?rev=1" }}
""",
    )
    assert lock.kind is LockKind.UV
    assert pins(lock) == [("demo", "1.0", 9)]
    assert lock.pins[0].files == (
        LockedFile("sha256", A, "demo-1.0.tar.gz"),
        LockedFile("sha256", B, "demo-1.0+local-py3-none-any.whl"),
    )
    assert skipped(lock) == [(4, "app"), (19, "elsewhere")]


def test_pylock() -> None:
    lock = read(
        "pylock.dev.toml",
        f"""\
lock-version = "1.0"
created-by = "a test"

[[packages]]
name = "demo"
version = "1.0"
marker = "python_version > '3'"
wheels = [{{ path = "./demo-1.0-py3-none-any.whl", hashes = {{ sha256 = "{A}" }} }}]

[[packages]]
name = "here"
directory = {{ path = "." }}
""",
    )
    assert lock.kind is LockKind.PYLOCK
    assert pins(lock) == [("demo", "1.0", 4)]
    assert lock.pins[0].files == (LockedFile("sha256", A, "demo-1.0-py3-none-any.whl"),)
    assert lock.pins[0].marker == "python_version > '3'"
    assert skipped(lock) == [(10, "here")]


def test_poetry_lock() -> None:
    lock = read(
        "poetry.lock",
        f"""\
[[package]]
name = "demo"
version = "1.0"
files = [
    {{file = "demo-1.0.tar.gz", hash = "sha256:{A}"}},
]

[package.source]
type = "legacy"
url = "https://example.com/simple"
reference = "team"

[[package]]
name = "elsewhere"
version = "1.0"
files = []

[package.source]
type = "git"

[[package]]
name = "old"
version = "2.0"

[metadata]
lock-version = "2.1"
content-hash = "x"

[metadata.files]
old = [{{file = "old-2.0.tar.gz", hash = "sha256:{B}"}}]
""",
    )
    assert lock.kind is LockKind.POETRY
    assert pins(lock) == [("demo", "1.0", 1), ("old", "2.0", 21)]
    assert lock.pins[0].files == (LockedFile("sha256", A, "demo-1.0.tar.gz"),)
    assert lock.pins[1].files == (LockedFile("sha256", B, "old-2.0.tar.gz"),)
    assert skipped(lock) == [(13, "elsewhere")]


def test_pdm_lock() -> None:
    lock = read(
        "pdm.lock",
        f"""\
[metadata]
lock_version = "4.5.0"

[[package]]
name = "demo"
version = "1.0"
marker = "python_version > '3'"
files = [{{url = "https://example.com/demo-1.0.tar.gz", hash = "sha256:{A}"}}]

[[package]]
name = "demo"
version = "1.0"
extras = ["more"]
files = [{{file = "demo-1.0-py3-none-any.whl", hash = "sha256:{B}"}}]

[[package]]
name = "here"
version = "1.0"
path = "./here"
""",
    )
    assert lock.kind is LockKind.PDM
    assert pins(lock) == [("demo", "1.0", 4)]
    assert lock.pins[0].files == (
        LockedFile("sha256", A, "demo-1.0.tar.gz"),
        LockedFile("sha256", B, "demo-1.0-py3-none-any.whl"),
    )
    assert skipped(lock) == [(16, "here")]


@pytest.mark.parametrize(
    ("filename", "content", "reason"),
    [
        ("uv.lock", b"version = 1\n\nx = \n", "uv.lock, line 3: it is no TOML: Invalid value."),
        ("uv.lock", b"version = 1\nx = [\n\n", "uv.lock, line 4: it is no TOML: Invalid value."),
        ("uv.lock", b"x = " + b"[" * 9000, "uv.lock: it is no TOML that can be read."),
        ("uv.lock", b"x = " + b"9" * 9000, "uv.lock: it is no TOML that can be read."),
        (
            "some.lock",
            b"x = 1",
            f"some.lock: it is none of the lock files that are read: {KINDS}.",
        ),
        ("uv.lock", b"version = 1\npackage = 3", "uv.lock: its packages are not a list of tables."),
        ("uv.lock", b"version = 1\npackage = [3]", "uv.lock, line 1: a package is not a table."),
        ("uv.lock", b"version = 1\n[[package]]\n", "uv.lock, line 2: a package has no name."),
        (
            "uv.lock",
            b"version=1\n[[package]]\nname='../x'\nversion='1'\nsource={registry='x'}",
            "uv.lock, line 2: '../x' is no name of a package.",
        ),
        (
            "uv.lock",
            b"version=1\n[[package]]\nname='x'\nversion='latest'\nsource={registry='x'}",
            "uv.lock, line 2: 'latest' is no version of x.",
        ),
        (
            "pylock.toml",
            b"lock-version = '2.0'\ncreated-by = 'x'\npackages = []",
            "pylock.toml: its lock-version is not 1.x.",
        ),
        (
            "pylock.toml",
            b"lock-version = '1.0'\n",
            "pylock.toml: it is not as PEP 751 asks: Missing required value in 'created-by'",
        ),
        ("r.txt", b"a==1\nb==\xff", "r.txt, line 2: it is no text in UTF-8."),
        ("r.txt", b"a==1\nb==\0", "r.txt, line 2: it is no text."),
        ("r.txt", b"a==1\n<html>\n", "r.txt, line 2: '<html>' is no requirement."),
        ("r\n\x1b[1m.txt", b"?", r"r\n\x1b[1m.txt, line 1: '?' is no requirement."),
    ],
)
def test_a_broken_file_is_told_with_its_line(filename: str, content: bytes, reason: str) -> None:
    with pytest.raises(BrokenLockError) as error:
        read_lock(filename, content)
    assert error.value.reason == reason


def test_what_is_too_large_is_not_read() -> None:
    with pytest.raises(LockTooLargeError, match=r"at most 2 MB are read"):
        read_lock("r.txt", b"#" * (MAX_SIZE + 1))
    with pytest.raises(LockTooLargeError, match=r"at most 5,000 entries are read"):
        read("r.txt", "".join(f"a{number}==1\n" for number in range(MAX_PINS + 1)))
    with pytest.raises(BrokenLockError, match="too long"):
        read("r.txt", "a==1" + " \\\nx" * 100_000)


VALUES = st.recursive(
    st.one_of(st.text(max_size=5), st.integers(), st.booleans()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["name", "version", "source", "registry", "hash", "files", "wheels"]),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(letter):08X}" for letter in value) + '"'
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {_toml(one)}' for key, one in value.items())}}}"
    return str(value)


@settings(max_examples=40)
@given(
    st.sampled_from(
        ["version = 1\n", "metadata = {lock-version = '2'}\n", "metadata = {lock_version = '4'}\n"]
    ),
    VALUES,
)
def test_whatever_packages_are_there_is_an_answer(head: str, packages: object) -> None:
    fault = fault_of("x.lock", f"{head}package = {_toml(packages)}\n")
    assert fault is None or fault.startswith("x.lock")


@settings(max_examples=60)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_whatever_text_is_there_is_an_answer(text: str) -> None:
    fault = fault_of("requirements.txt", text)
    assert fault is None or fault.startswith("requirements.txt, line ")
