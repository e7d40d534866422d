"""What the rules of this index say of files when they are served."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from packslip.errors import NotAllowedError
from packslip.mirror import rules
from packslip.mirror.rule_queries import (
    facts_of_file,
    facts_of_package,
    list_rule_rows,
    rule_of,
    rules_token,
)
from packslip.mirror.rule_words import phrase
from packslip.mirror.rules import Cause, FileFacts, Kind, Rule, decide, fits_name

log = structlog.get_logger(__name__)

_known: WeakKeyDictionary[Engine, tuple[str, Sequence[Rule]]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Refusal:
    """A file that does not come through."""

    #: One sentence that is complete by itself.
    reason: str
    #: From when on it will be there, as far as that can be said.
    until: datetime | None
    #: The rule that decides; None when the file is none of those that are allowed.
    rule_id: int | None


class RefusedByRuleError(NotAllowedError):
    """A rule of this index does not let the file through."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal
        self.details = {
            "rule": refusal.rule_id,
            "until": None if refusal.until is None else refusal.until.isoformat(),
        }


def rules_in_force(session: Session) -> Sequence[Rule]:
    """All rules, exceptions that have expired among them: they are read again after a change.

    It takes one tiny statement.
    """
    return rules_of_token(session, rules_token(session))


def rules_of_token(session: Session, token: str | None) -> Sequence[Rule]:
    """The same for a token that was just read; it takes no statement unless the rules changed."""
    if token is None:
        return ()
    engine = session.get_bind().engine
    known = _known.get(engine)
    if known is None or known[0] != token:
        known = token, tuple(rule_of(row) for row in list_rule_rows(session))
        _known[engine] = known
    return known[1]


def rules_about(
    session: Session, package_id: str, rules_now: Sequence[Rule] | None = None
) -> Sequence[Rule]:
    """The rules that decide on files of the package; none when all of them come through.

    All rules that allow are among them: what they do not name is refused. `rules_now` are
    those in force, where they are known already.
    """
    return [
        rule
        for rule in (rules_in_force(session) if rules_now is None else rules_now)
        if rule.kind is Kind.ALLOW or fits_name(rule, package_id)
    ]


def withheld(
    session: Session, package_id: str, files: Iterable[FileFacts], now: datetime
) -> Mapping[str, Refusal]:
    """Those of the mirrored package's files that do not come through at that moment, by filename.

    Time alone changes it: see `judged`.
    """
    return _refused(rules_about(session, package_id), files, now)


def _refused(
    found: Sequence[Rule], files: Iterable[FileFacts], now: datetime
) -> Mapping[str, Refusal]:
    if not found:
        return {}
    refused = {}
    for file in files:
        verdict = decide(found, file, now)
        if not verdict.is_allowed:
            refused[file.filename] = _refusal(verdict, file)
    return refused


def refused_by_name(session: Session, package_id: str, now: datetime) -> Refusal | None:
    """Why nothing of the package comes through, whatever its files are like.

    Upstream need not be asked for it, then. What lets a part of it through leaves that open.
    """
    found = rules_about(session, package_id)
    named = [rule for rule in found if fits_name(rule, package_id)]
    if any(rule.lifts_deny and rules.is_in_force(rule, now) for rule in named):
        return None
    # Allowing a part of the package is enough to look at its files.
    deciding = [rule for rule in found if rule.kind is Kind.ALLOW or rules.is_by_name(rule)]
    if any(rule.kind is Kind.ALLOW for rule in named):
        deciding = [rule for rule in deciding if rule.kind is not Kind.ALLOW]
    nothing = FileFacts(package=package_id, version="", filename="", packagetype="")
    for rule in deciding:
        if rule.kind is Kind.DENY:
            return _refusal(rules.Verdict(cause=Cause.DENIED, rule=rule), nothing)
    if any(rule.kind is Kind.ALLOW for rule in deciding):
        return _refusal(rules.Verdict(cause=Cause.NOT_ALLOWED), nothing)
    return None


def judged(
    session: Session, package_id: str, now: datetime, rules_now: Sequence[Rule] | None = None
) -> tuple[Mapping[str, Refusal], datetime | None]:
    """What `withheld` gives for all files of a package that are known, and until when.

    That is so if nobody changes the rules or the files before; None stands for ever.
    """
    found = rules_about(session, package_id, rules_now)
    if not found:
        return {}, None
    files = facts_of_package(session, package_id)
    refused = _refused(found, files, now)
    return refused, rules.next_change(found, files, now)


def require_allowed(
    session: Session,
    package_id: str,
    filename: str,
    now: datetime | None = None,
    rules_now: Sequence[Rule] | None = None,
) -> None:
    """Let a file be served that the rules let through; files of hosted packages always are.

    Raises:
        RefusedByRuleError: a rule is against it.
    """
    now = now or datetime.now(UTC)
    found = rules_about(session, package_id, rules_now)
    if not found:
        return
    file = facts_of_file(session, package_id, filename)
    if file is None:
        return
    refusal = _refused(found, [file], now).get(filename)
    if refusal is None:
        return
    log.info(
        "a rule refused a file",
        package=package_id,
        version=file.version,
        filename=filename,
        rule=refusal.rule_id,
        until=refusal.until and refusal.until.isoformat(),
        reason=refusal.reason,
    )
    raise RefusedByRuleError(refusal)


def _refusal(verdict: rules.Verdict, file: FileFacts) -> Refusal:
    rule_id = None if verdict.rule is None else verdict.rule.id
    return Refusal(phrase(verdict, file), verdict.until, rule_id)
