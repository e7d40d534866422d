"""Changing the rules about what comes through the mirror. Each change is an event."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from packslip.accounts.models import Role, User
from packslip.db import put
from packslip.errors import NotAllowedError
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.mirror.rule_fields import RuleFieldError, check_rule
from packslip.mirror.rule_models import MirrorDecision, MirrorRule, MirrorRuleState
from packslip.mirror.rule_queries import get_rule_row, rule_of
from packslip.mirror.rule_words import describe
from packslip.mirror.rules import Kind, Rule

_KEPT = (
    "kind", "packages", "version_range", "licenses", "file_kind", "tags", "days", "not_after",
    "expires_at", "lifts_deny", "reason", "note_id",
)  # fmt: skip


class RuleNotAllowedError(NotAllowedError):
    """Somebody may not change a rule of that kind."""

    def __init__(self, kind: Kind) -> None:
        who = "Curators and admins decide" if kind is Kind.EXCEPTION else "Admins alone decide"
        what = "exceptions from rules" if kind is Kind.EXCEPTION else "the rules of the mirror"
        super().__init__(f"{who} on {what}.")
        self.kind = kind


def may_change_rules(user: User | None, kind: Kind) -> bool:
    """Whether the user may make, change and remove rules of that kind.

    That is for admins; exceptions are for curators too.
    """
    if user is None or user.disabled_at is not None:
        return False
    return user.role == Role.ADMIN or (kind is Kind.EXCEPTION and user.role == Role.CURATOR)


def add_rule(session: Session, actor: Actor, user: User | None, rule: Rule) -> MirrorRule:
    """Make a rule; it holds from then on. Without a user it is the command line.

    Raises:
        RuleNotAllowedError: the user may not.
        RuleFieldError: something in the rule will not do.
    """
    _require(session, user, rule.kind)
    rule = check_rule(rule, datetime.now(UTC))
    row = MirrorRule(username=actor.name, **_values(rule))
    session.add(row)
    session.flush()
    _tell(session, actor, Action.RULE_ADD, row, after=rule_data(row))
    return row


def change_rule(
    session: Session, actor: Actor, user: User | None, rule_id: int, rule: Rule
) -> MirrorRule:
    """Let a rule say something else. What it is, exception or not, it stays.

    Raises:
        UnknownRuleError: there is no such rule.
        RuleNotAllowedError: the user may not.
        RuleFieldError: something in the rule will not do.
    """
    _announce(session)
    row = get_rule_row(session, rule_id)
    for kind in (Kind(row.kind), rule.kind):
        _require(session, user, kind)
    if (row.kind == Kind.EXCEPTION) != (rule.kind is Kind.EXCEPTION):
        raise RuleFieldError("kind", "A rule cannot become an exception, nor the other way round.")
    rule = check_rule(replace(rule, note_id=row.note_id), datetime.now(UTC))
    before = rule_data(row)
    for name, value in _values(rule).items():
        setattr(row, name, value)
    session.flush()
    if before != rule_data(row):
        _tell(session, actor, Action.RULE_CHANGE, row, before=before, after=rule_data(row))
    return row


def remove_rule(session: Session, actor: Actor, user: User | None, rule_id: int) -> Rule:
    """Take a rule away, and give what it was.

    Raises:
        UnknownRuleError: there is no such rule.
        RuleNotAllowedError: the user may not.
    """
    _announce(session)
    row = get_rule_row(session, rule_id)
    _require(session, user, Kind(row.kind))
    rule = rule_of(row)
    _tell(session, actor, Action.RULE_REMOVE, row, before=rule_data(row))
    session.delete(row)
    session.flush()
    return rule


def decide_request(
    session: Session, actor: Actor, note_id: int, *, rule: MirrorRule | None
) -> MirrorDecision:
    """Note what was decided about the note that asks for an exception: the rule, or none."""
    decision = MirrorDecision(
        note_id=note_id,
        approved=rule is not None,
        rule_id=None if rule is None else rule.id,
        username=actor.name,
    )
    session.add(decision)
    session.flush()
    return decision


def rule_data(row: MirrorRule) -> dict[str, Any]:
    """The rule as events tell it, without what it does not say."""
    data = {name: getattr(row, name) for name in _KEPT}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in data.items()
        if value not in (None, "", [], False)
    }


def _require(session: Session, user: User | None, kind: Kind) -> None:
    if user is None:
        return
    session.refresh(user)
    if not may_change_rules(user, kind):
        raise RuleNotAllowedError(kind)


def _values(rule: Rule) -> dict[str, Any]:
    values = {name: getattr(rule, name) for name in _KEPT}
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items()
    }


def _announce(session: Session) -> None:
    """Have all processes read the rules again, and others who change them wait."""
    put(session, MirrorRuleState, [{"id": 1, "token": secrets.token_hex(16)}], key="id")


def _tell(
    session: Session,
    actor: Actor,
    action: Action,
    row: MirrorRule,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    _announce(session)
    data = {"rule_id": row.id, "name": f"{row.id} ({describe(rule_of(row)).rstrip('.')})"}
    changes = {"before": before, "after": after}
    data |= {name: dict(value) for name, value in changes.items() if value is not None}
    record(session, actor, action, data=data)
