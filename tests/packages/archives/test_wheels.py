"""What a wheel says of itself: RECORD, WHEEL, and its entry points."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.helpers.distributions import Content, record_of, write_zip

from packslip.packages.archives import InvalidArchiveError, members, read_metadata
from packslip.packages.filenames import parse_filename

INFO = "a-1.0.dist-info"
RECORD = f"{INFO}/RECORD"
FILES: dict[str, Content] = {
    "a/__init__.py": "print(1)\n",
    "a/with, comma.txt": "x",
    "a/Grüße.txt": "",
    "a/launcher manifest.xml": "<x/>",
    f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: a\nVersion: 1.0\n",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\n",
}

fuzz = settings(deadline=None, max_examples=100, derandomize=True)

Row = list[str]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wheels") / "a-1.0-py3-none-any.whl"


def read_wheel(path: Path, files: dict[str, Content], record: Content | None = None) -> bytes:
    record = record_of(files, RECORD) if record is None else record
    write_zip(path, files | {RECORD: record})
    return read_metadata(path, parse_filename(path.name))


def refusal(path: Path, files: dict[str, Content], record: Content | None = None) -> str:
    with pytest.raises(InvalidArchiveError) as refused:
        read_wheel(path, files, record)
    return refused.value.reason


def rows_of(files: dict[str, Content] = FILES) -> list[Row]:
    return list(csv.reader(record_of(files, RECORD).splitlines()))


def written(rows: list[Row], end: str = "\n") -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator=end).writerows(rows)
    return text.getvalue()


def hash_of(content: bytes, algorithm: str, *, hexadecimal: bool, padded: bool) -> str:
    digest = hashlib.new(algorithm, content).digest()
    text = digest.hex() if hexadecimal else base64.urlsafe_b64encode(digest).decode()
    return f"{algorithm}={text if padded else text.rstrip('=')}"


@fuzz
@given(data=st.data())
def test_each_honest_record_is_taken(path: Path, data: st.DataObject) -> None:
    algorithms = st.sampled_from(["sha256", "sha384", "sha512", "sha3_256", "blake2b"])
    rows = []
    for name, content in FILES.items():
        assert isinstance(content, str)
        given_hash = hash_of(
            content.encode(),
            data.draw(algorithms),
            # As the wheels of gmsh have it.
            hexadecimal=data.draw(st.booleans()),
            padded=data.draw(st.booleans()),
        )
        size = data.draw(st.sampled_from(["", str(len(content.encode()))]))
        rows.append([name, given_hash, size])
    # RECORD need not tell of itself, and may say of itself what cannot be right.
    rows += data.draw(st.sampled_from([[], [[RECORD, "", ""]], [[RECORD, "sha256=old", "1"]]]))
    rows = data.draw(st.permutations(rows))
    rows += data.draw(st.sampled_from([[], [rows[0]]]))
    read_wheel(path, FILES, written(rows, data.draw(st.sampled_from(["\n", "\r\n"]))))


def test_signatures_of_record_need_no_line(path: Path) -> None:
    signatures = {f"{INFO}/RECORD.jws": b"{}", f"{INFO}/RECORD.p7s": b"x"}
    assert read_wheel(path, FILES | signatures, record_of(FILES, RECORD))


CHANGES: dict[str, Callable[[list[Row], int], object]] = {
    "left out": lambda rows, at: rows.pop(at),
    "renamed": lambda rows, at: rows[at].__setitem__(0, f"{rows[at][0]}x"),
    "added": lambda rows, at: rows.append(["a/missing.py", *rows[at][1:]]),
    "of another file": lambda rows, at: rows[at].__setitem__(1, rows[at - 1][1]),
    "another size": lambda rows, at: rows[at].__setitem__(2, "999"),
    "no size": lambda rows, at: rows[at].__setitem__(2, "-1"),
    "no hash": lambda rows, at: rows[at].__setitem__(1, ""),
    "half a hash": lambda rows, at: rows[at].__setitem__(1, rows[at][1][:-9]),
    "weak": lambda rows, at: rows[at].__setitem__(1, "md5=1B2M2Y8AsgTpgAmY7PhCfg"),
    "weak too": lambda rows, at: rows[at].__setitem__(1, "sha1=2jmj7l5rSw0yVb_vlWAYkK_YBwk"),
    "unknown": lambda rows, at: rows[at].__setitem__(1, f"shake_128{rows[at][1][6:]}"),
    "not of the alphabet": lambda rows, at: rows[at].__setitem__(1, "sha256=" + "*" * 43),
    "twice": lambda rows, at: rows.append([rows[at][0], rows[at - 1][1], ""]),
    "outside": lambda rows, at: rows.append([f"../{rows[at][0]}", *rows[at][1:]]),
    "absolute": lambda rows, at: rows[at].__setitem__(0, f"/{rows[at][0]}"),
    "too many columns": lambda rows, at: rows[at].append("x"),
    "too few columns": lambda rows, at: rows[at].pop(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_record_that_is_not_right_is_refused(path: Path, change: str) -> None:
    for at in range(len(FILES)):
        rows = rows_of()
        CHANGES[change](rows, at)
        reason = refusal(path, FILES, written(rows))
        assert reason.startswith("The wheel's RECORD ")
        assert len(reason) < 300


@pytest.mark.parametrize("record", [b"\xff\xfe", b'"', b'a"b,"c,', b"x" * 200_000, b"\0,,", b"a\n"])
def test_a_record_that_cannot_be_read_is_refused(path: Path, record: bytes) -> None:
    assert refusal(path, FILES, record).startswith("The wheel's RECORD ")


@fuzz
@given(data=st.data())
def test_a_changed_file_is_found_out(path: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(FILES)))
    content = data.draw(st.text(max_size=20).filter(lambda text: text != FILES[name]))
    reason = refusal(path, FILES | {name: content}, record_of(FILES, RECORD))
    assert "RECORD gives another hash than that of " in reason


@pytest.mark.parametrize(
    ("version", "found"),
    [
        ("2.0", "2.0"),
        ("", "it has "),
        ("1.0\nWheel-Version: 2.0", "2 of them"),
        ("11", "11"),
        ("1.x", "1.x"),
        (None, "0 of them"),
    ],
)
def test_wheels_of_another_major_version_are_refused(
    path: Path, version: str | None, found: str
) -> None:
    wheel = "Generator: x\n" + ("" if version is None else f"Wheel-Version: {version}\n")
    reason = refusal(path, FILES | {f"{INFO}/WHEEL": wheel})
    assert reason.startswith("The wheel's WHEEL must have one Wheel-Version, which is 1.x")
    assert found in reason
    assert read_wheel(path, FILES | {f"{INFO}/WHEEL": "wheel-version : 1.9\r\n"})


@pytest.mark.parametrize(
    "name",
    [
        f"{INFO}/metadata",
        f"{INFO}/Wheel",
        f"{INFO}/\uff37HEEL",
        f"{INFO.upper()}/x",
        "A-1.0.dist-info/x",
    ],
)
def test_dist_info_has_one_spelling(path: Path, name: str) -> None:
    assert "two .dist-info" in (reason := refusal(path, FILES | {name: "x"})) or "also" in reason


def test_elsewhere_names_may_differ_by_case_alone(path: Path) -> None:
    assert read_wheel(path, FILES | {"a/README": "1", "a/readme": "2"})


ENTRY_POINTS = f"{INFO}/entry_points.txt"

NAMES = st.one_of(
    st.sampled_from(["demo", "demo-3.11", "f2py", "wheel.exe", "my tool", "Grüße", "@x", "ab:c"]),
    st.from_regex(r"[A-Za-z0-9_][\w.-]{0,20}", fullmatch=True),
)
REFERENCES = st.sampled_from(
    ["a:main", "a.b.c:Class.method", "a:main [extra]", "a.b : main [x, y-z]", "_a._b:__c__"]
)


@fuzz
@given(
    groups=st.dictionaries(
        st.sampled_from(["console_scripts", "gui_scripts", "a.plugins", "x:y"]),
        st.dictionaries(NAMES, REFERENCES, max_size=4),
    )
)
def test_sane_entry_points_are_taken(path: Path, groups: dict[str, dict[str, str]]) -> None:
    text = "# made by hand\n; by whom\n"
    for group, points in groups.items():
        text += f"\n [{group}]\n" + "".join(
            f"\t{name} = {value}\n" for name, value in points.items()
        )
    assert read_wheel(path, FILES | {ENTRY_POINTS: text})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[console_scripts]\n../evil = a:main\n", "program ../evil outside of its folder"),
        ("[console_scripts]\n/bin/sh = a:main\n", "outside of its folder"),
        ("[gui_scripts]\na\\b = a:main\n", "outside of its folder"),
        ("[gui_scripts]\nC:x = a:main\n", "outside of its folder"),
        ("[gui_scripts]\n.. = a:main\n", "outside of its folder"),
        ("[console_scripts]\na\u202eb = a:main\n", "not printable"),
        ("[x]\na\x01b = a:main\n", "not printable"),
        ("[console_scripts]\ndemo = a; import os:main\n", "names no object of a module"),
        ("[console_scripts]\ndemo = a:main()\n", "names no object"),
        ("[console_scripts]\ndemo =\n", "names no object"),
        ("[console_scripts]\ndemo = a\n", "names no object"),
        ("[console_scripts]\ndemo = a:b\n  c\n", "see line 3"),
        # What some readers take for a part of the line before, installers take for another one.
        ("[console_scripts]\ndemo = a:b\n  ../evil = a:b\n", "outside of its folder"),
        ("[console_scripts]\n; ../evil = a:b\n", "outside of its folder"),
        ("[console_scripts]\ndemo = " + "a" * 1000 + ":b\n", "see line 2"),
        ("[console_scripts]\n" + "x\n" * 400_000, "see line 2"),
        ("[console_scripts]\ndemo\n", "see line 2"),
        ("demo = a:main\n", "see line 1"),
        ("[console_scripts\n", "see line 1"),
        (b"[\xff]", "not UTF-8"),
    ],
)
def test_other_entry_points_are_refused(path: Path, text: Content, fault: str) -> None:
    reason = refusal(path, FILES | {ENTRY_POINTS: text})
    assert reason.startswith("The wheel's entry_points.txt ")
    assert fault in reason


def test_a_record_or_names_beyond_the_limits_are_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "MOST_NAMES", 100)
    assert "too long names" in refusal(path, FILES)
