from __future__ import annotations

from typing import Any

import pytest
from tests.helpers.issuer import github

from packslip.publishers.kinds import (
    ConditionError,
    Kind,
    conditions_for_workflow,
    conditions_on_claims,
    fits,
    owner_id,
    subject,
)

GITHUB = conditions_for_workflow("acme/widget", "release.yml", "release")
GITLAB = conditions_for_workflow("acme/tools/widget", ".gitlab-ci.yml")
GITLAB_CLAIMS = {
    "project_path": "acme/tools/widget",
    "ci_config_ref_uri": "git.example.com/acme/tools/widget//.gitlab-ci.yml@refs/heads/main",
    "namespace_id": "12",
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, True),
        ({"repository": "Acme/Widget"}, True),
        ({"environment": "Release"}, True),
        ({"repository": "acme/other"}, False),
        ({"repository": None}, False),
        ({"environment": None}, False),
        ({"environment": "test"}, False),
        ({"job_workflow_ref": "acme/widget/.github/workflows/test.yml@refs/heads/x"}, False),
        ({"job_workflow_ref": "evil/x/.github/workflows/release.yml@refs/heads/x"}, False),
        ({"job_workflow_ref": "acme/widget/.github/workflows/release.yml"}, False),
        ({"job_workflow_ref": "acme/widget/.github/workflows/x/release.yml@refs/x"}, False),
        ({"job_workflow_ref": "x/acme/widget/.github/workflows/release.yml@refs/x"}, False),
    ],
)
def test_a_run_of_github_is_known_by_repository_workflow_and_environment(
    changed: dict[str, Any], expected: bool
) -> None:
    assert fits(Kind.GITHUB, GITHUB, github() | changed) is expected


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, True),
        ({"project_path": "acme/tools/other"}, False),
        ({"ci_config_ref_uri": "git.example.com/acme/tools/widget//other.yml@refs/x"}, False),
        ({"ci_config_ref_uri": "git.example.com/evil/widget//.gitlab-ci.yml@refs/x"}, False),
        ({"ci_config_ref_uri": "git.example.com/acme/tools/widget//.gitlab-ci.yml"}, False),
    ],
)
def test_a_job_of_gitlab_is_known_by_project_and_configuration(
    changed: dict[str, Any], expected: bool
) -> None:
    assert fits(Kind.GITLAB, GITLAB, GITLAB_CLAIMS | changed) is expected


def test_another_provider_is_known_by_what_its_identities_say() -> None:
    conditions = conditions_on_claims({"sub": "system:serviceaccount:ci:release", "tier": "1"})
    claims = {"sub": "system:serviceaccount:ci:release", "tier": 1}
    assert fits(Kind.OTHER, conditions, claims)
    assert not fits(Kind.OTHER, conditions, claims | {"tier": 2})
    assert not fits(Kind.OTHER, conditions, {"tier": 1})


def test_the_owner_is_known_by_number() -> None:
    assert owner_id(Kind.GITHUB, github()) == "7"
    assert owner_id(Kind.GITLAB, GITLAB_CLAIMS) == "12"
    assert owner_id(Kind.OTHER, {"repository_owner_id": "7"}) is None


@pytest.mark.parametrize(
    ("repository", "workflow", "field"),
    [
        ("widget", "release.yml", "repository"),
        ("acme/wid get", "release.yml", "repository"),
        ("acme/widget", "release", "workflow"),
        ("acme/widget", "../release.yml", "workflow"),
    ],
)
def test_what_no_identity_can_say_is_refused(repository: str, workflow: str, field: str) -> None:
    with pytest.raises(ConditionError) as caught:
        conditions_for_workflow(repository, workflow)
    assert caught.value.field == field


def test_a_publisher_is_named_in_a_few_words() -> None:
    assert subject(Kind.GITHUB, GITHUB) == "acme/widget (release.yml, release)"
    assert subject(Kind.OTHER, {"sub": "robot"}) == "robot"
