"""Which rule decides about a file, and why: for `packslip mirror explain` and for pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy.orm import Session

from packslip.mirror.rule_queries import facts_of_package
from packslip.mirror.rule_words import describe, phrase
from packslip.mirror.rules import Rule, Verdict, decide, is_in_force
from packslip.mirror.verdict import rules_about


@dataclass(frozen=True)
class Explanation:
    """The verdict on a file, or on all files of a release."""

    version: str
    #: None for all files of the release.
    filename: str | None
    is_allowed: bool
    #: A sentence.
    text: str
    #: From when on it will be there, as far as that can be said.
    until: datetime | None
    rule_id: int | None


@dataclass(frozen=True)
class WithheldRelease:
    """A release of which something does not come through."""

    version: str
    #: Files that do not come through, and those that there are.
    withheld: int
    files: int
    #: About the first of them, as one sentence.
    reason: str
    until: datetime | None


def explain(
    session: Session, package_id: str, version: str | None, now: datetime
) -> list[Explanation]:
    """What becomes of the package's files, by release from the newest on.

    It is one explanation for a release whose files all share it. There is none for a package that
    is not known here, or not mirrored: see `rules_by_name`.
    """
    return [
        one
        for number, verdicts in _verdicts(session, package_id, version, now)
        for one in _explained(number, verdicts)
    ]


def withheld_releases(
    session: Session, package_id: str, now: datetime, *, version: str | None = None
) -> list[WithheldRelease]:
    """The releases of which something does not come through, from the newest on, or the one."""
    if not rules_about(session, package_id):
        return []
    found = []
    for number, verdicts in _verdicts(session, package_id, version, now):
        refused = [(name, verdict, said) for name, verdict, said in verdicts if said is not None]
        if refused:
            _, verdict, said = refused[0]
            found.append(
                WithheldRelease(number, len(refused), len(verdicts), said or "", verdict.until)
            )
    return found


def rules_by_name(session: Session, package_id: str, now: datetime) -> list[Rule]:
    """The rules in force that have something to say about packages of that name.

    A rule that allows only other names is among them.
    """
    return [rule for rule in rules_about(session, package_id) if is_in_force(rule, now)]


#: A filename, the verdict on it, and why it does not come through if it does not.
_Said = tuple[str, Verdict, str | None]


def _verdicts(
    session: Session, package_id: str, version: str | None, now: datetime
) -> Iterator[tuple[str, Sequence[_Said]]]:
    rules = rules_about(session, package_id)
    facts = facts_of_package(session, package_id, version)
    for number, files in groupby(facts, key=lambda file: file.version):
        found: list[_Said] = []
        for file in files:
            verdict = decide(rules, file, now)
            said = None if verdict.is_allowed else phrase(verdict, file)
            found.append((file.filename, verdict, said))
        yield number, found


def _explained(version: str, verdicts: Sequence[_Said]) -> Iterator[Explanation]:
    is_one = len({(verdict.rule, said) for _, verdict, said in verdicts}) == 1
    for filename, verdict, said in verdicts[:1] if is_one else verdicts:
        yield Explanation(
            version=version,
            filename=None if is_one else filename,
            is_allowed=verdict.is_allowed,
            text=said or _why_allowed(verdict),
            until=verdict.until,
            rule_id=None if verdict.rule is None else verdict.rule.id,
        )


def _why_allowed(verdict: Verdict) -> str:
    if verdict.rule is None:
        return "It comes through: no rule is against it."
    return f"It comes through by an exception. {describe(verdict.rule)}"
