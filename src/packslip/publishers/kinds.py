"""Kinds of publishers, and which identities of a provider are theirs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from packslip.errors import InvalidError

#: Conditions that a publisher of another kind may have at most.
MOST_CLAIMS = 10

_REPOSITORY = re.compile(r"[A-Za-z0-9._-]{1,100}(?:/[A-Za-z0-9._-]{1,100}){1,9}")
_WORKFLOW = re.compile(r"[A-Za-z0-9._/ -]{1,200}\.ya?ml")
_CLAIM = re.compile(r"[A-Za-z0-9_:./-]{1,100}")

Conditions = dict[str, str]
Claims = Mapping[str, Any]


class ConditionError(InvalidError):
    """An identity can never say that."""

    def __init__(self, reason: str, field: str) -> None:
        super().__init__(reason)
        self.field = field


class Kind(StrEnum):
    """What runs the program that publishes, and so what its identity says."""

    GITHUB = "github"
    GITLAB = "gitlab"
    FORGEJO = "forgejo"
    OTHER = "other"


#: Who issues identities, where there is one place for all.
ISSUERS = {
    Kind.GITHUB: "https://token.actions.githubusercontent.com",
    Kind.GITLAB: "https://gitlab.com",
}

#: The claim with the number of a repository's owner. Names can be taken over by others; it cannot.
_OWNERS = {
    Kind.GITHUB: "repository_owner_id",
    Kind.FORGEJO: "repository_owner_id",
    Kind.GITLAB: "namespace_id",
}


def conditions_for_workflow(repository: str, workflow: str, environment: str = "") -> Conditions:
    """What identities must say: repository (`owner/name`), workflow's file, perhaps environment.

    Raises:
        ConditionError: one of them cannot be what it should be.
    """
    if not _REPOSITORY.fullmatch(repository):
        raise ConditionError("Name the repository as owner/name.", "repository")
    if not _WORKFLOW.fullmatch(workflow) or ".." in workflow:
        raise ConditionError("Name the workflow's file, such as release.yml.", "workflow")
    if len(environment) > 100 or not environment.isprintable():
        raise ConditionError("The environment has a name of one line.", "environment")
    found = {"repository": repository, "workflow": workflow}
    return found | ({"environment": environment} if environment else {})


def conditions_on_claims(claims: Mapping[str, str]) -> Conditions:
    """What identities must say, claim by claim; `sub` must be among them.

    Raises:
        ConditionError: it is not, or a claim has no name or value.
    """
    if "sub" not in claims:
        raise ConditionError("Say which sub the identity must have.", "claims")
    if len(claims) > MOST_CLAIMS or not all(map(_CLAIM.fullmatch, claims)):
        raise ConditionError(f"Name up to {MOST_CLAIMS} claims.", "claims")
    if not all(0 < len(value) <= 500 and value.isprintable() for value in claims.values()):
        raise ConditionError("Each claim needs a value of one line.", "claims")
    return dict(claims)


def fits(kind: Kind, conditions: Conditions, claims: Claims) -> bool:
    """Whether an identity with those claims fulfils the conditions."""
    if kind is Kind.OTHER:
        return all(_text(claims, name) == value for name, value in conditions.items())
    environment = conditions.get("environment", "").lower()
    return (
        _text(claims, _repository_claim(kind)).lower() == conditions["repository"].lower()
        and _is_of_workflow(kind, conditions, claims)
        and environment in {"", _text(claims, "environment").lower()}
    )


def owner_id(kind: Kind, claims: Claims) -> str | None:
    """The number of the repository's owner; None where the provider tells none."""
    claim = _OWNERS.get(kind)
    return (_text(claims, claim) or None) if claim else None


def subject(kind: Kind, conditions: Conditions) -> str:
    """Who the publisher is, in a few words."""
    if kind is Kind.OTHER:
        return conditions["sub"]
    environment = conditions.get("environment")
    named = f"{conditions['repository']} ({conditions['workflow']}"
    return f"{named}, {environment})" if environment else f"{named})"


def _repository_claim(kind: Kind) -> str:
    return "project_path" if kind is Kind.GITLAB else "repository"


def _is_of_workflow(kind: Kind, conditions: Conditions, claims: Claims) -> bool:
    repository, workflow = conditions["repository"].lower(), conditions["workflow"]
    if kind is Kind.GITLAB:
        # gitlab.example.com/group/project//.gitlab-ci.yml@refs/heads/main
        named, at, _ = _text(claims, "ci_config_ref_uri").partition("@")
        _, slash, path = named.partition("/")
        project, _, file = path.partition("//")
        return bool(at and slash) and project.lower() == repository and file == workflow
    # owner/name/.github/workflows/release.yml@refs/tags/v1. What calls a reusable workflow must
    # not be able to pass for it, so this is the file that runs.
    told = _text(claims, "job_workflow_ref") or _text(claims, "workflow_ref")
    named, at, _ = told.partition("@")
    folders, _, file = named.rpartition("/workflows/")
    place, _, folder = folders.rpartition("/")
    return bool(at) and place.lower() == repository and folder.startswith(".") and file == workflow


def _text(claims: Claims, name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else "" if value is None else str(value)
