"""Attestations (PEP 740) in the form in which clients send them, signed by nobody."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from packslip.attestations.reading import publish_predicate


def attestation(path: Path, **changes: Any) -> dict[str, Any]:
    """An attestation that the file was published; `changes` are of its statement."""
    subject = {
        "name": path.name,
        "digest": {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()},
    }
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [subject],
        "predicateType": publish_predicate(),
        "predicate": None,
    }
    return {
        "version": 1,
        "verification_material": {
            "certificate": encoded(b"no certificate"),
            "transparency_entries": [{"logIndex": "1"}],
        },
        "envelope": {
            "statement": encoded(json.dumps(statement | changes).encode()),
            "signature": encoded(b"no signature"),
        },
    }


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
