from __future__ import annotations

from typing import Any

import pytest

from packslip.events.models import Action, Event
from packslip.events.words import OWN_SENTENCES, SENTENCES, describe


def event(action: str, *, actor: int | None = 1, subject: int | None = 2, **data: Any) -> Event:
    return Event(
        action=action,
        actor_name="ada",
        actor_id=actor,
        subject_id=subject,
        package_id="demo",
        data=data,
    )


def test_there_are_words_for_every_act() -> None:
    assert set(SENTENCES) == set(Action)
    assert set(OWN_SENTENCES) <= set(Action)


@pytest.mark.parametrize("subject", [None, 1, 2])
def test_an_event_that_tells_little_is_a_sentence_too(subject: int | None) -> None:
    odd = {"before": 7, "after": ["x"], "name": {}, "username": None, "reason": []}
    for action in Action:
        for data in ({}, odd):
            sentence = describe(event(action, subject=subject, **data))
            assert sentence.startswith("ada ")
            assert not set(sentence) & set("{}"), sentence


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        (
            "ada yanked demo 1.0: drops sessions",
            event(
                "release.yank",
                version="1.0",
                before={"reason": None},
                after={"reason": "drops sessions"},
            ),
        ),
        ("ada yanked demo 1.0", event("release.yank", version="1.0", after={"reason": None})),
        (
            "ada invited bob to become owner of demo",
            event("maintainer.invite", username="bob", before=None, after="owner"),
        ),
        (
            "ada made bob owner of demo instead of maintainer",
            event("maintainer.change", username="bob", before="maintainer", after="owner"),
        ),
        (
            "ada left demo, as owner",
            event("maintainer.remove", subject=1, username="ada", before="owner", after=None),
        ),
        (
            "ada changed the role of user 2 from member to admin",
            event("user.change-role", before="member", after="admin"),
        ),
        (
            "ada changed their name from A to nothing",
            event("user.change", subject=1, before="A", after=""),
        ),
        (
            "ada enabled the account of bob",
            event("user.enable", username="bob", before={"disabled_at": "x"}, after={}),
        ),
        (
            "ada changed the role of bob: x from 1 to 2, y from nothing to 3",
            event(
                "user.change-role",
                username="bob",
                before={"x": 1, "same": 1},
                after={"x": 2, "same": 1, "y": 3},
            ),
        ),
        ("ada made the token “ci” for bob", event("token.create", name="ci", username="bob")),
        ("ada made the token number 7", event("token.create", subject=1, name="", token_id=7)),
        ("ada ended a session of bob", event("session.revoke", session_id=7, username="bob")),
        ("ada ended 3 sessions of their own", event("session.revoke", subject=1, sessions=3)),
        (
            "ada changed the rule keys from nobody to all",
            event("policy.change", subject=None, policy="keys", before="nobody", after="all"),
        ),
        (
            "ada failed to log in as bob with password and code: a wrong code",
            event(
                "user.log-in-fail",
                username="bob",
                method="password and code",
                reason="a wrong code",
            ),
        ),
        ("ada failed to log in", event("user.log-in-fail", actor=None, subject=None)),
        ("ada logged in with password", event("user.log-in", subject=1, method="password")),
        ("ada thing.of-tomorrow{name}", event("thing.of-tomorrow{name}")),
    ],
)
def test_sentences(sentence: str, told: Event) -> None:
    assert describe(told) == sentence


def test_texts_of_people_are_not_read_as_templates() -> None:
    told = event("release.yank", version="{name}", reason="{subject.x} %s")
    assert describe(told) == "ada yanked demo {name}: {subject.x} %s"
