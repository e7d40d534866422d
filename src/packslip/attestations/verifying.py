"""Whether attestations were made by who published the file. Needs the extra `attestations`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import structlog
from pydantic import ValidationError
from pypi_attestations import (
    Attestation,
    AttestationError,
    Distribution,
    GitHubPublisher,
    GitLabPublisher,
)

from packslip.attestations import errors
from packslip.errors import UnavailableError

log = structlog.get_logger(__name__)

_Known = GitHubPublisher | GitLabPublisher

_PUBLISHERS: Mapping[str, type[_Known]] = {"GitHub": GitHubPublisher, "GitLab": GitLabPublisher}


class CannotVerifyError(UnavailableError):
    """The library cannot work here."""

    def __init__(self) -> None:
        super().__init__("Attestations cannot be verified at the moment. The log has more.")


def verify(
    attestations: Iterable[dict[str, Any]], publisher: dict[str, Any], filename: str, sha256: str
) -> None:
    """Require that the publisher, which is one of GitHub or GitLab, made all of them.

    The keys of Sigstore are those that came with the library; nothing is asked of anybody.

    Raises:
        AttestationError: one was made by somebody else, or is faulty.
        CannotVerifyError: this cannot be found out.
    """
    identity = _PUBLISHERS[publisher["kind"]].model_validate(publisher)
    try:
        distribution = Distribution(name=filename, digest=sha256)
        for one in attestations:
            found = Attestation.model_validate_json(msgspec.json.encode(one))
            found.verify(identity, distribution, offline=True)
    except (AttestationError, ValidationError, ValueError) as error:
        reason = " ".join(str(error).split())[:300].rstrip(".")
        raise errors.AttestationError(reason) from None
    except OSError as error:
        log.error("attestations cannot be verified", error=str(error))
        raise CannotVerifyError from error
