"""Rules as they are kept and served."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.mirrored import add_mirrored_file
from tests.helpers.packages import add_file, add_package, add_release
from tests.helpers.statements import counted_statements

from packslip.accounts.models import Role
from packslip.db import write_transaction
from packslip.events.models import Action, Event
from packslip.events.words import describe
from packslip.mirror.rule_operations import (
    RuleNotAllowedError,
    add_rule,
    change_rule,
    remove_rule,
)
from packslip.mirror.rule_queries import rules_token
from packslip.mirror.rules import Kind, Rule
from packslip.mirror.verdict import (
    RefusedByRuleError,
    judged,
    refused_by_name,
    require_allowed,
    rules_in_force,
    rules_of_token,
)

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
DENY = Rule(kind=Kind.DENY, packages=("demo",), version_range="<2")
WEEK = Rule(kind=Kind.COOLDOWN, days=7)


def add_mirrored(session: Session, *, dated: bool = True) -> None:
    package = add_package(session, "demo", origin="mirrored")
    for version, days in (("1.0", 100), ("2.0", 1)):
        release = add_release(session, package, version)
        at = NOW - timedelta(days=days) if dated else None
        add_mirrored_file(session, release, f"demo-{version}.tar.gz", at)


def make_rule(session: Session, rule: Rule) -> int:
    with write_transaction(session):
        return add_rule(session, ACTOR, None, rule).id


def test_rules_hold_from_the_moment_they_are_made_until_they_are_gone(session: Session) -> None:
    add_mirrored(session)
    assert judged(session, "demo", NOW)[0] == {}
    week, deny = make_rule(session, WEEK), make_rule(session, DENY)
    found = judged(session, "demo", NOW)[0]
    assert {name: (one.rule_id, one.until) for name, one in found.items()} == {
        "demo-1.0.tar.gz": (deny, None),
        "demo-2.0.tar.gz": (week, NOW + timedelta(days=6)),
    }
    with write_transaction(session):
        change_rule(session, ACTOR, None, week, Rule(kind=Kind.COOLDOWN, days=1))
        remove_rule(session, ACTOR, None, deny)
    assert judged(session, "demo", NOW)[0] == {}
    events = session.scalars(select(Event).where(Event.action.startswith("rule.")))
    words = "Withhold files of all packages for 1 day after their upload"
    assert [describe(event) for event in events][2:] == [
        f"tester changed the rule {week} ({words}): days from 7 to 1",
        f"tester removed the rule {deny} (Refuse files of demo <2)",
    ]


def test_a_rolled_back_rule_leaves_nothing_behind(session: Session) -> None:
    add_mirrored(session)
    make_rule(session, WEEK)
    with pytest.raises(ZeroDivisionError), write_transaction(session):
        add_rule(session, ACTOR, None, DENY)
        assert len(judged(session, "demo", NOW)[0]) == 2
        raise ZeroDivisionError
    assert list(judged(session, "demo", NOW)[0]) == ["demo-2.0.tar.gz"]


def test_a_file_is_refused_in_one_line_and_hosted_ones_never(session: Session) -> None:
    add_mirrored(session)
    hosted = add_package(session, "hosted")
    add_file(session, add_release(session, hosted), "hosted-1.0.tar.gz", uploaded_at=NOW)
    make_rule(session, WEEK)
    require_allowed(session, "hosted", "hosted-1.0.tar.gz", NOW)
    require_allowed(session, "demo", "demo-1.0.tar.gz", NOW)
    require_allowed(session, "demo", "unknown.tar.gz", NOW)
    with pytest.raises(RefusedByRuleError) as caught:
        require_allowed(session, "demo", "demo-2.0.tar.gz", NOW)
    assert caught.value.reason == (
        "Withheld until 2026-11-29 08:00 UTC by a rule of this index (younger than 7 days):"
        " demo 2.0"
    )


def test_what_upstream_gives_no_date_for_is_withheld(session: Session) -> None:
    add_mirrored(session, dated=False)
    make_rule(session, WEEK)
    assert len(judged(session, "demo", NOW)[0]) == 2


def test_it_takes_one_statement_when_nothing_is_about_the_package(session: Session) -> None:
    make_rule(session, DENY)
    judged(session, "other", NOW)
    with counted_statements() as statements:
        assert judged(session, "other", NOW) == ({}, None)
    assert len(statements) == 1


def test_it_takes_none_for_a_file_when_the_token_came_with_it(session: Session) -> None:
    add_mirrored(session)
    make_rule(session, DENY)
    token = rules_token(session)
    rules_in_force(session)
    with counted_statements() as statements:
        rules = rules_of_token(session, token)
        require_allowed(session, "other", "other-1.0.tar.gz", NOW, rules)
    assert statements == []
    with pytest.raises(RefusedByRuleError):
        require_allowed(session, "demo", "demo-1.0.tar.gz", NOW, rules)
    make_rule(session, WEEK)
    assert len(rules_of_token(session, rules_token(session))) == 2


def test_admins_change_rules_and_curators_exceptions(session: Session) -> None:
    users = {role: make_user(session, role.value, role=role) for role in Role}
    later = datetime.now(UTC) + timedelta(days=3)
    exception = Rule(kind=Kind.EXCEPTION, packages=("demo",), expires_at=later)
    may = {
        (Role.ADMIN, DENY), (Role.ADMIN, exception), (Role.CURATOR, exception),
    }  # fmt: skip
    for role, user in users.items():
        for rule in (DENY, exception):
            if (role, rule) in may:
                with write_transaction(session):
                    add_rule(session, ACTOR, user, rule)
                continue
            with pytest.raises(RuleNotAllowedError), write_transaction(session):
                add_rule(session, ACTOR, user, rule)
    added = select(Event).where(Event.action == Action.RULE_ADD)
    assert len(session.scalars(added).all()) == 3


def test_a_name_is_refused_as_a_whole_only_when_nothing_of_it_could_come(session: Session) -> None:
    def reason(name: str) -> str | None:
        refusal = refused_by_name(session, name, NOW)
        return None if refusal is None else refusal.reason

    make_rule(session, Rule(kind=Kind.DENY, packages=("evil-*",)))
    make_rule(session, DENY)
    make_rule(session, WEEK)
    assert reason("evil-x") == "Refused by a rule of this index (its name is denied): evil-x"
    assert reason("demo") is None
    later = datetime.now(UTC) + timedelta(days=3)
    lifting = Rule(
        kind=Kind.EXCEPTION,
        packages=("evil-x",),
        version_range="<2",
        expires_at=later,
        lifts_deny=True,
    )
    make_rule(session, lifting)
    assert reason("evil-x") is None
    make_rule(session, Rule(kind=Kind.ALLOW, packages=("django*",), version_range=">=4"))
    assert reason("django") is None
    assert reason("demo") == (
        "Refused by a rule of this index (it is not among what is allowed): demo"
    )
