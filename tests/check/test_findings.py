from __future__ import annotations

import pytest

from packslip.check.documents import document
from packslip.check.findings import (
    CheckedLock,
    CheckedPin,
    Facts,
    HeldFile,
    Kind,
    NoteFact,
    ReleaseFacts,
    Severity,
    findings_of,
)
from packslip.check.readers.locks import Lock, LockedFile, LockKind, Pin
from packslip.check.sarif import sarif

A, B, C = "a" * 64, "b" * 64, "c" * 64
WHEEL, SDIST = "demo-1.0-py3-none-any.whl", "demo-1.0.tar.gz"


def pin(*files: LockedFile) -> Pin:
    return Pin("demo", "1.0", 7, files)


def facts(*held: HeldFile, **values: object) -> Facts:
    return Facts(known=True, release=ReleaseFacts(files=held), **values)  # type: ignore[arg-type]


def kinds(pin: Pin, facts: Facts) -> list[Kind]:
    return [finding.kind for finding in findings_of(pin, facts)]


def held(filename: str, sha256: str) -> HeldFile:
    return HeldFile(filename, {"sha256": sha256})


@pytest.mark.parametrize(
    ("locked", "files", "expected"),
    [
        # Requirements have hashes alone: one that fits is enough.
        ([(A, None), (C, None)], [(WHEEL, A)], []),
        ([(B, None), (C, None)], [(WHEEL, A)], [Kind.HASH]),
        # Other tools name the files.
        ([(A, WHEEL)], [(WHEEL, A), (SDIST, B)], []),
        ([(A, WHEEL), (C, SDIST)], [(WHEEL, A), (SDIST, B)], [Kind.HASH]),
        # What a mirror does not hold cannot be compared.
        ([(A, WHEEL), (C, SDIST)], [(WHEEL, A)], []),
        ([(C, SDIST)], [(WHEEL, A)], [Kind.UNKNOWN_FILES]),
        ([(A, WHEEL)], [], []),
        ([], [(WHEEL, A)], []),
    ],
)
def test_hashes_are_held_against_the_files(
    locked: list[tuple[str, str | None]], files: list[tuple[str, str]], expected: list[Kind]
) -> None:
    asked = pin(*(LockedFile("sha256", digest, name) for digest, name in locked))
    assert kinds(asked, facts(*(held(*one) for one in files))) == expected


def test_hashes_of_another_kind_say_nothing() -> None:
    asked = pin(LockedFile("sha512", A), LockedFile("sha384", B, WHEEL))
    assert kinds(asked, facts(held(WHEEL, C))) == []


def test_the_most_serious_comes_first() -> None:
    known = Facts(
        known=True,
        upstream_status="archived",
        release=ReleaseFacts(upstream_yanked=True, upstream_yanked_reason="broken"),
        newer="2.0",
        notes=[NoteFact(1, "Read me"), NoteFact(2, "Drops sessions", Kind.HOLD)],
    )
    found = findings_of(pin(), known)
    assert [(one.kind, one.severity, one.text) for one in found] == [
        (Kind.HOLD, Severity.ERROR, "Drops sessions"),
        (Kind.YANK, Severity.WARNING, "Yanked: broken"),
        (Kind.ARCHIVE, Severity.WARNING, "Upstream says archived."),
        (Kind.NEWER, Severity.NOTE, "2.0 is there."),
        (Kind.NOTE, Severity.NOTE, "Read me"),
    ]


def test_what_the_index_does_not_know_is_told() -> None:
    assert kinds(pin(), Facts()) == [Kind.UNKNOWN_PACKAGE]
    assert kinds(pin(), Facts(known=True, newer="2.0")) == [Kind.UNKNOWN_VERSION, Kind.NEWER]


def test_sarif_points_at_the_lines() -> None:
    known = facts(notes=[NoteFact(2, "Drops sessions", Kind.HOLD)], newer="2.0")
    lock = Lock("ci/my locks/uv.lock", LockKind.UV, [pin()], [])
    checked = CheckedLock(lock, [CheckedPin(pin(), findings_of(pin(), known))])
    found = document([checked], "https://packages.example.com")
    assert (found["errors"], found["warnings"], found["notes"]) == (1, 0, 1)
    log = sarif(found)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    hold, newer = run["results"]
    assert hold["message"]["text"] == (
        "demo 1.0: Drops sessions https://packages.example.com/notes/2"
    )
    assert (hold["ruleId"], hold["level"]) == ("hold", "error")
    assert rules[hold["ruleIndex"]]["id"] == "hold"
    assert hold["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "ci/my%20locks/uv.lock"},
                "region": {"startLine": 7},
            }
        }
    ]
    assert newer["level"] == "note"
    assert hold["partialFingerprints"] != newer["partialFingerprints"]
