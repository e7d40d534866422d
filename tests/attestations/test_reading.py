from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.attesting import attestation, encoded
from tests.helpers.distributions import build_wheel

from packslip.attestations.errors import AttestationError
from packslip.attestations.reading import MOST, read_attestations
from packslip.packages.filenames import parse_filename


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("dist"), "Demo_Thing", "1.0")


def read(wheel: Path, told: Any) -> list[dict[str, Any]]:
    text = told if isinstance(told, str) else json.dumps(told)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return read_attestations(text, parse_filename(wheel.name), digest)


def test_they_are_kept_as_they_came(wheel: Path) -> None:
    told = [attestation(wheel) | {"more": ["of", "theirs"]}]
    told.append(attestation(wheel, predicateType="https://slsa.dev/provenance/v1"))
    assert read(wheel, told) == told


def test_there_may_be_none(wheel: Path) -> None:
    assert read(wheel, []) == []


def test_another_spelling_of_the_name_is_the_same_file(wheel: Path) -> None:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    subject = [{"name": wheel.name.lower(), "digest": {"sha256": digest}}]
    assert read(wheel, [attestation(wheel, subject=subject)])


def with_envelope(wheel: Path, statement: bytes) -> dict[str, Any]:
    told = attestation(wheel)
    told["envelope"]["statement"] = encoded(statement)
    return told


def subject(name: str | None, sha256: str) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": sha256}}


def test_faulty_ones_are_refused_with_what_is_wrong(wheel: Path) -> None:
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    whole = attestation(wheel)
    faulty: list[tuple[Any, str]] = [
        ("{", "no JSON list"),
        ("{}", "no JSON list"),
        ("[" * 100_000, "no JSON list"),
        ([whole] * (MOST + 1), f"more than {MOST}"),
        ([whole | {"version": 2}], "no JSON list"),
        ([{**whole, "envelope": {"statement": "é", "signature": ""}}], "no JSON list"),
        (
            [whole | {"verification_material": {"certificate": "", "transparency_entries": []}}],
            "no JSON list",
        ),
        ([with_envelope(wheel, b"not JSON")], "none of in-toto"),
        ([with_envelope(wheel, b"[]")], "none of in-toto"),
        ([with_envelope(wheel, b"\xff")], "none of in-toto"),
        ([attestation(wheel, _type="https://example.com/")], "another type"),
        ([attestation(wheel, predicateType="https://example.com/")], "neither about publishing"),
        ([attestation(wheel, subject=[])], "none of in-toto"),
        ([attestation(wheel, subject=[subject(wheel.name, sha256)] * 2)], "none of in-toto"),
        ([attestation(wheel, subject=[subject(wheel.name, "0" * 64)])], "other bytes"),
        ([attestation(wheel, subject=[subject(None, sha256)])], "does not name"),
        ([attestation(wheel, subject=[subject("demo", sha256)])], "does not name"),
        (
            [whole, attestation(wheel, subject=[subject("demo_thing-2.0.tar.gz", sha256)])],
            "another file",
        ),
    ]
    for told, words in faulty:
        with pytest.raises(AttestationError, match=words):
            read(wheel, told)
