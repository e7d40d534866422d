"""What `packslip check` prints as SARIF, held against the schema of SARIF."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft4Validator

from packslip.check.documents import document
from packslip.check.findings import SEVERITIES, CheckedLock, CheckedPin, Finding, Kind
from packslip.check.readers.locks import Lock, LockKind, Pin
from packslip.check.sarif import sarif

SCHEMA = Path(__file__).parent / "schemas" / "sarif-2.1.0-rtm.5.json"


@pytest.fixture(scope="module")
def schema() -> Draft4Validator:
    found = json.loads(SCHEMA.read_text())
    # A regular expression with a stray bracket, for something that the logs do not have.
    for where in ("run", "toolComponent"):
        del found["definitions"][where]["properties"]["language"]["pattern"]
    return Draft4Validator(found, validate_formats=True)


def log_of(*checked: CheckedLock) -> Any:
    """The log as whoever reads the command's output has it."""
    return json.loads(json.dumps(sarif(document(checked, "https://packages.example.com"))))


def faults(schema: Draft4Validator, log: Any) -> list[str]:
    return [f"{error.instance_path}: {error.message}" for error in schema.iter_errors(log)]


def test_every_kind_of_finding_is_sarif(schema: Draft4Validator) -> None:
    pin = Pin("demo", "1.0", 7, [], "python_version < '4'")
    findings = [
        Finding(kind, f"It is {kind}: <&> {{0}} ü\u2028", note_id)
        for kind in Kind
        for note_id in (None, 2)
    ]
    lock = Lock("ci/my locks/ä [1]#%?.lock", LockKind.UV, [pin], [])
    log = log_of(CheckedLock(lock, [CheckedPin(pin, findings)]))
    assert faults(schema, log) == []
    (run,) = log["runs"]
    assert {one["level"] for one in run["results"]} == set(SEVERITIES.values())
    (uri,) = {
        one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in run["results"]
    }
    assert uri == "ci/my%20locks/%C3%A4%20%5B1%5D%23%25%3F.lock"


def test_nothing_found_is_sarif(schema: Draft4Validator) -> None:
    assert faults(schema, log_of()) == []
    assert faults(schema, log_of(CheckedLock(Lock("uv.lock", LockKind.UV, [], []), []))) == []


def test_the_schema_finds_faults(schema: Draft4Validator) -> None:
    log = log_of()
    log["runs"][0]["results"] = [{"message": {"text": "x"}, "level": "fatal"}]
    assert len(faults(schema, log)) == 1
