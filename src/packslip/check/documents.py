"""A checked lock file as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from packslip.check.findings import CheckedLock, CheckedPin, Finding, Severity
from packslip.check.readers.locks import Skipped


def document(checked: Sequence[CheckedLock], base_url: str) -> dict[str, Any]:
    """What was found, as `POST /api/v1/check` and `packslip check --json` give it."""
    return {
        "files": [_file(one, base_url) for one in checked],
        "errors": sum(one.count(Severity.ERROR) for one in checked),
        "warnings": sum(one.count(Severity.WARNING) for one in checked),
        "notes": sum(one.count(Severity.NOTE) for one in checked),
    }


def note_url(base_url: str, note_id: int) -> str:
    """The address of a note's page."""
    return f"{base_url}/notes/{note_id}"


def package_url(base_url: str, name: str) -> str:
    """The address of a package's page."""
    return f"{base_url}/project/{name}/"


def _file(checked: CheckedLock, base_url: str) -> dict[str, Any]:
    lock = checked.lock
    return {
        "file": lock.filename,
        "kind": lock.kind.value,
        "pins": [_pin(one, base_url) for one in checked.pins],
        "skipped": [_skipped(one) for one in lock.skipped],
    }


def _pin(checked: CheckedPin, base_url: str) -> dict[str, Any]:
    pin = checked.pin
    return {
        "name": pin.name,
        "version": pin.version,
        "line": pin.line,
        "marker": pin.marker,
        "findings": [_finding(finding, pin.name, base_url) for finding in checked.findings],
    }


def _finding(finding: Finding, name: str, base_url: str) -> dict[str, Any]:
    note_id = finding.note_id
    url = package_url(base_url, name) if note_id is None else note_url(base_url, note_id)
    return {
        "kind": finding.kind.value,
        "severity": finding.severity.value,
        "text": finding.text,
        "note": note_id,
        "url": url,
    }


def _skipped(skipped: Skipped) -> dict[str, Any]:
    return {"line": skipped.line, "what": skipped.what, "why": skipped.why}
