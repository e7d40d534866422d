"""Who published a file, in the words of PEP 740."""

from __future__ import annotations

from typing import Any

from packslip.publishers.kinds import Kind
from packslip.publishers.models import Publisher

#: Those of whom pypi-attestations knows how to verify that they signed.
VERIFIABLE = frozenset({Kind.GITHUB, Kind.GITLAB})

_NAMES = {
    Kind.GITHUB: "GitHub",
    Kind.GITLAB: "GitLab",
    Kind.FORGEJO: "Forgejo",
    Kind.OTHER: "OpenID Connect",
}


def publisher_object(publisher: Publisher) -> dict[str, Any]:
    """The publisher object of a provenance (PEP 740), with the members that the index adds."""
    kind, said = Kind(publisher.kind), publisher.conditions
    named: dict[str, Any] = {"kind": _NAMES[kind], "claims": None}
    if kind is Kind.OTHER:
        return named | {"issuer": publisher.issuer, "subject": said["sub"]}
    workflow = "workflow_filepath" if kind is Kind.GITLAB else "workflow"
    return named | {
        "repository": said["repository"],
        workflow: said["workflow"],
        "environment": said.get("environment"),
    }


def publisher_words(told: dict[str, Any]) -> str:
    """The same in a few words, for people: `GitHub acme/demo, release.yml`."""
    if not told:
        return ""
    place = told.get("repository") or told.get("subject") or ""
    file = told.get("workflow") or told.get("workflow_filepath")
    return f"{told['kind']} {place}" + (f", {file}" if file else "")
