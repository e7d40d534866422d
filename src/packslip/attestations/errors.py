"""Why attestations are refused."""

from __future__ import annotations

from packslip.errors import InvalidError, NotFoundError


class AttestationError(InvalidError):
    """Attestations are not what they should be; nothing of the upload is kept."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"The attestations are refused: {fault}.")
        self.fault = fault


class NoProvenanceError(NotFoundError):
    """The file came without attestations, or there is no such file."""

    def __init__(self, filename: str) -> None:
        super().__init__(f"There is no provenance of {filename}.")
