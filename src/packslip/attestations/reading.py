"""What an upload's attestations say, and whether they are about the file that came with them.

Pure: no framework, no database, no cryptography.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from packslip.attestations.errors import AttestationError
from packslip.mirror.upstreams import pypi_address
from packslip.packages.filenames import DistributionName, InvalidFilenameError, parse_filename

#: Attestations that may come with one file.
MOST = 10

_SLSA = "https://slsa.dev/provenance/v1"

#: The path of the other predicate that may be attested, which stands in PyPI's documentation.
_PUBLISH = "/attestations/publish/v1"

_STATEMENT = "https://in-toto.io/Statement/v1"


class _Material(Struct):
    certificate: bytes
    transparency_entries: Annotated[list[dict[str, Any]], Meta(min_length=1)]


class _Envelope(Struct):
    statement: bytes
    signature: bytes


class _Attestation(Struct):
    version: Literal[1]
    verification_material: _Material
    envelope: _Envelope


class _Subject(Struct):
    digest: dict[str, str]
    name: str | None = None


class _Statement(Struct):
    type: str = msgspec.field(name="_type")
    subject: Annotated[list[_Subject], Meta(min_length=1, max_length=1)]
    predicate_type: str = msgspec.field(name="predicateType")


def read_attestations(text: str, name: DistributionName, sha256: str) -> list[dict[str, Any]]:
    """The attestations of a file with that name and digest, as they came (PEP 740); maybe none.

    Signatures are not looked at.

    Raises:
        AttestationError: they are none, or about something else.
    """
    try:
        found = msgspec.json.decode(text, type=list[_Attestation])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise AttestationError(f"they are no JSON list of attestations: {error}") from None
    if len(found) > MOST:
        raise AttestationError(f"there are more than {MOST}")
    for one in found:
        _require_about(one, name, sha256)
    told: list[dict[str, Any]] = msgspec.json.decode(text)
    return told


def _require_about(attestation: _Attestation, name: DistributionName, sha256: str) -> None:
    try:
        statement = msgspec.json.decode(attestation.envelope.statement, type=_Statement)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise AttestationError(f"a statement is none of in-toto: {error}") from None
    if statement.type != _STATEMENT:
        raise AttestationError("a statement is of another type than in-toto's v1")
    if statement.predicate_type not in {_SLSA, publish_predicate()}:
        raise AttestationError("a statement is neither about publishing nor SLSA provenance")
    [subject] = statement.subject
    if subject.digest.get("sha256") != sha256:
        raise AttestationError("a statement is about other bytes")
    try:
        named = parse_filename(subject.name or "")
    except InvalidFilenameError:
        raise AttestationError("a statement does not name the file") from None
    if named.key != name.key:
        raise AttestationError("a statement is about another file")


def publish_predicate() -> str:
    """The type of what an attestation says of a file that was published on an index."""
    host = urlsplit(pypi_address()).hostname
    return f"https://docs.{host}{_PUBLISH}"
