"""Finding attestations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.attestations.errors import NoProvenanceError
from packslip.attestations.models import Attested
from packslip.attestations.publishers import publisher_words
from packslip.packages.models import File, Package, Release
from packslip.packages.versions import canonical
from packslip.simple_api.page import PackageStatus

#: The publisher of what was uploaded by a user.
NOBODY = {"kind": "none", "claims": None}


@dataclass(frozen=True)
class Shown:
    """What a page says of a file's attestations."""

    #: In a few words; empty when it was no trusted publisher.
    publisher: str
    verified: bool


def attestations_of(session: Session, file: File) -> list[dict[str, Any]]:
    """What came with the file; empty if nothing did."""
    found = session.get(Attested, file.id)
    return [] if found is None else found.attestations


def provenance_of(session: Session, package_id: str, version: str, filename: str) -> dict[str, Any]:
    """The provenance object of a file (PEP 740).

    Raises:
        NoProvenanceError: there is no such file, or nothing came with it.
    """
    found = session.scalar(
        select(Attested)
        .join(File, File.id == Attested.file_id)
        .join(Release, Release.id == File.release_id)
        .join(Package, Package.id == Release.package_id)
        .where(
            Release.package_id == package_id,
            Release.canonical_version == canonical(version),
            File.filename == filename,
            Package.status != PackageStatus.QUARANTINED,
        )
    )
    if found is None:
        raise NoProvenanceError(filename)
    return provenance_object(found)


def provenance_object(attested: Attested) -> dict[str, Any]:
    """What the index says of where a file was made: what came with it, and who published it."""
    bundle = {
        "publisher": attested.publisher or NOBODY,
        "attestations": attested.attestations,
    }
    return {"version": 1, "attestation_bundles": [bundle]}


def shown_of(session: Session, file_ids: Collection[int]) -> Mapping[int, Shown]:
    """What pages say of those of the files that have attestations."""
    rows = session.execute(
        select(Attested.file_id, Attested.publisher, Attested.verified_at).where(
            Attested.file_id.in_(file_ids)
        )
    )
    return {
        row.file_id: Shown(publisher_words(row.publisher), row.verified_at is not None)
        for row in rows
    }
