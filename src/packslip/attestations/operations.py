"""Taking in what comes with a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from packslip.attestations.errors import AttestationError
from packslip.attestations.models import Attested
from packslip.attestations.publishers import VERIFIABLE, publisher_object
from packslip.attestations.reading import read_attestations
from packslip.packages.distributions import Distribution
from packslip.packages.models import File
from packslip.publishers.kinds import Kind
from packslip.publishers.models import Publisher
from packslip.setting_choices import Attestations


@dataclass(frozen=True)
class Checked:
    """Attestations that may be kept."""

    attestations: list[dict[str, Any]]
    publisher: dict[str, Any]
    verified: bool


def check(
    text: str, distribution: Distribution, publisher: Publisher | None, how: Attestations
) -> Checked | None:
    """Look at the attestations that came with an upload by the publisher, or by a user.

    None comes back if there are none.

    Raises:
        AttestationError: they are faulty, about something else, or cannot be trusted.
        CannotVerifyError: it cannot be found out whether they can be.
    """
    name, sha256 = distribution.name, distribution.digests.sha256
    found = read_attestations(text, name, sha256)
    if not found:
        return None
    told = {} if publisher is None else publisher_object(publisher)
    if how is Attestations.STORE:
        return Checked(found, told, verified=False)
    if publisher is None:
        raise AttestationError("they are taken only of trusted publishers here")
    if Kind(publisher.kind) not in VERIFIABLE:
        raise AttestationError(f"those of {told['kind']} cannot be verified")
    # An extra, and slow to import.
    from packslip.attestations.verifying import verify  # noqa: PLC0415

    verify(found, told, name.filename, sha256)
    return Checked(found, told, verified=True)


def check_unpublished(told: Sequence[dict[str, Any]], distribution: Distribution) -> Checked | None:
    """Look at attestations of a file that nobody publishes now, such as one of an export.

    Raises:
        AttestationError: they are faulty, or about something else.
    """
    text = msgspec.json.encode(told).decode()
    return check(text, distribution, None, Attestations.STORE)


def keep(session: Session, file: File, checked: Checked) -> None:
    """Keep them with the file, which is new."""
    session.flush()
    session.add(
        Attested(
            file_id=file.id,
            publisher=checked.publisher,
            attestations=checked.attestations,
            verified_at=datetime.now(UTC) if checked.verified else None,
        )
    )
