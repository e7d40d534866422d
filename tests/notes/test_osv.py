"""Advisories, held against the rules of OSV's schema (1.7), which are written here in its words.

`id` is the one thing that keeps to none: the schema lists the beginnings that databases have
registered, and an index of a team has none of these.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from packslip.errors import InvalidError
from packslip.notes.osv import ADVISING, Advisory, record
from packslip.packages.version_ranges import parse_range

KNOWN = {
    "schema_version", "id", "modified", "published", "withdrawn", "aliases", "related", "upstream",
    "summary", "details", "severity", "affected", "references", "credits", "database_specific",
}  # fmt: skip

#: PEP 440's own versions, and what an index may have from before it.
VERSIONS = st.sampled_from(["0.9", "1.0", "1.1", "1.2rc1", "1.2", "2.0.post1", "2004-odd"])
MOMENTS = st.datetimes(datetime(2000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def checked_range(text: str) -> str | None:
    try:
        return parse_range(text)
    except InvalidError:
        return None


RANGES = st.builds(
    lambda operator, version: checked_range(f"{operator}{version}"),
    st.sampled_from(["==", "!=", "<=", ">=", "<", ">", "~=", "==="]),
    VERSIONS,
)
ADVISORIES = st.builds(
    Advisory,
    note_id=st.integers(1, 2**63 - 1),
    package_id=st.just("demo"),
    title=st.sampled_from(["", "Drops sessions"]),
    body=st.sampled_from(["", "Its **text**."]),
    act=st.sampled_from([act.value for act in ADVISING]),
    version_range=RANGES,
    fixed_in=st.none() | VERSIONS.filter(lambda version: "odd" not in version),
    created_at=MOMENTS,
    updated_at=MOMENTS,
    lifted_at=st.none() | MOMENTS,
)


@settings(max_examples=150)
@given(ADVISORIES, st.lists(VERSIONS, unique=True))
def test_an_advisory_keeps_the_rules_of_osv(advisory: Advisory, versions: list[str]) -> None:
    found = record(advisory, versions, "https://packages.example.com")
    assert set(found) <= KNOWN
    assert re.fullmatch(r"PACKSLIP-[0-9]+", found["id"])
    for moment in ("modified", "published", "withdrawn"):
        assert moment not in found or found[moment].tzinfo is UTC
    assert found["modified"] >= found.get("withdrawn", found["modified"])
    assert isinstance(found["details"], str)
    assert found["summary"]
    for reference in found["references"]:
        assert reference["type"] == "ADVISORY"
        assert reference["url"].startswith("https://")
    for affected in found["affected"]:
        assert affected["package"]["ecosystem"] == "PyPI"
        assert affected["package"]["name"] == "demo"
        assert set(affected["versions"]) <= set(versions)
        for one in affected.get("ranges", []):
            assert one["type"] == "ECOSYSTEM"
            check_events(one["events"])


def check_events(events: list[dict[str, Any]]) -> None:
    kinds = [kind for event in events for kind in event]
    assert len(kinds) == len(events), "an event says one thing"
    assert set(kinds) <= {"introduced", "fixed", "last_affected"}
    assert "introduced" in kinds
    assert not {"fixed", "last_affected"} <= set(kinds), "they exclude each other"
    assert all(isinstance(text, str) and text for event in events for text in event.values())
