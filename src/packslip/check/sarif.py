"""A checked lock file as SARIF 2.1.0 (OASIS), which code hosts show beside the lines.

It is made of the document that `packslip.check.documents` makes, as a server answers with that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from packslip.check.findings import SEVERITIES, Kind

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

_RULES: Mapping[Kind, str] = {
    Kind.HASH: "Hashes that are not those of the files that the index holds.",
    Kind.QUARANTINE: "The package is in quarantine: the index offers no files.",
    Kind.HOLD: "The release is on hold: the index refuses its files.",
    Kind.YANK: "The release is yanked.",
    Kind.WARN: "A note warns of the release.",
    Kind.DEPRECATE: "The package is deprecated.",
    Kind.ARCHIVE: "The package is archived.",
    Kind.UNKNOWN_PACKAGE: "The index has no such package.",
    Kind.UNKNOWN_VERSION: "The index has no such release.",
    Kind.UNKNOWN_FILES: "The index holds none of the files.",
    Kind.NEWER: "There is a newer release.",
    Kind.NOTE: "A note tells about the release.",
}


def sarif(found: Mapping[str, Any]) -> dict[str, Any]:
    """The findings as a SARIF log with one run."""
    rules = [
        {
            "id": kind.value,
            "shortDescription": {"text": text},
            "defaultConfiguration": {"level": SEVERITIES[kind].value},
        }
        for kind, text in _RULES.items()
    ]
    index = {rule["id"]: at for at, rule in enumerate(rules)}
    results = [
        _result(file["file"], pin, finding, index)
        for file in found["files"]
        for pin in file["pins"]
        for finding in pin["findings"]
    ]
    driver = {"name": "packslip check", "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(
    file: str, pin: Mapping[str, Any], finding: Mapping[str, Any], index: Mapping[Any, int]
) -> dict[str, Any]:
    kind = finding["kind"]
    identity = f"{kind}:{pin['name']}:{pin['version']}:{finding['note'] or ''}"
    location = {
        # A relative address: what shows the log knows where the file lies.
        "artifactLocation": {"uri": quote(file.replace("\\", "/"))},
        "region": {"startLine": pin["line"]},
    }
    return {
        "ruleId": kind,
        "ruleIndex": index[kind],
        "level": finding["severity"],
        "message": {"text": f"{pin['name']} {pin['version']}: {finding['text']} {finding['url']}"},
        "locations": [{"physicalLocation": location}],
        # Stays the same when lines move, so that a finding is not shown as new.
        "partialFingerprints": {"packslipFinding/v1": identity},
    }
