"""What is written into a rule, and what may stand there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from packslip.errors import InvalidError
from packslip.mirror.rules import Kind, Rule
from packslip.packages.version_ranges import parse_range
from packslip.setting_values import names
from packslip.texts import brief, one_line

#: Patterns that a rule may have of each kind.
MOST_PATTERNS = 200

#: Days for which an exception may stand.
LONGEST_EXCEPTION = 366

#: Days after which nothing would be withheld any more because of its age.
LONGEST_COOLDOWN = 3650

MAX_REASON = 200

_TAG = re.compile(r"[a-z0-9_.*?]+(?:-[a-z0-9_.*?]+){2}")
_LICENSE = re.compile(r"[A-Za-z0-9.+*? -]{1,100}")


class RuleFieldError(InvalidError):
    """Something in a rule will not do."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def check_rule(rule: Rule, now: datetime) -> Rule:
    """The rule in the form in which it is kept; what its kind has no use for is gone.

    Raises:
        RuleFieldError: something will not do; its `field` says what.
    """
    rule = replace(
        rule,
        packages=_packages(rule.packages),
        version_range=_range(rule.version_range),
        licenses=_patterns("licenses", rule.licenses, _LICENSE, "MIT or AGPL-*"),
        tags=_tags(rule.tags),
        days=_days(rule) if rule.kind is Kind.COOLDOWN else None,
        not_after=_moment("not_after", rule.not_after) if rule.kind is Kind.FREEZE else None,
        expires_at=_expiry(rule, now) if rule.kind is Kind.EXCEPTION else None,
        lifts_deny=rule.lifts_deny and rule.kind is Kind.EXCEPTION,
        reason=_reason(rule.reason),
        note_id=rule.note_id if rule.kind is Kind.EXCEPTION else None,
    )
    _check_extent(rule)
    return rule


def split(text: str | None) -> tuple[str, ...]:
    """The parts of a text that has commas or line breaks between them."""
    return tuple(part for one in re.split(r"[,\n]", text or "") if (part := one.strip()))


def _check_extent(rule: Rule) -> None:
    wanted = [one for one in rule.packages if not one.startswith("!")]
    if rule.kind is Kind.EXCEPTION and (not wanted or any(not one.strip("*?-") for one in wanted)):
        raise RuleFieldError("packages", "Say for which package the exception is.")
    conditions = (rule.version_range, rule.licenses, rule.file_kind, rule.tags)
    everything = wanted in ([], ["*"]) and not any(conditions) and len(rule.packages) < 2
    if everything and rule.kind in {Kind.ALLOW, Kind.DENY}:
        raise RuleFieldError("packages", "Say what the rule is about: it would fit every file.")


def _packages(given: Iterable[str]) -> tuple[str, ...]:
    found = []
    for one in given:
        mark = "!" if one.strip().startswith("!") else ""
        try:
            found += [mark + name for name in names(one.strip().removeprefix("!"))]
        except ValueError:
            raise RuleFieldError(
                "packages", f"{brief(one)!r} is no pattern of names such as django or acme-*."
            ) from None
    return _few("packages", found)


def _tags(given: Iterable[str]) -> tuple[str, ...]:
    lowered = [one.lower() for one in given]
    return _patterns("tags", lowered, _TAG, "cp313-*-win* or *-*-manylinux*")


def _patterns(
    field: str, given: Iterable[str], form: re.Pattern[str], example: str
) -> tuple[str, ...]:
    found = [one.strip() for one in given]
    for one in found:
        if not form.fullmatch(one):
            raise RuleFieldError(field, f"{brief(one)!r} is no pattern such as {example}.")
    return _few(field, found)


def _few(field: str, found: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(found))
    if len(found) > MOST_PATTERNS:
        raise RuleFieldError(field, f"There may be at most {MOST_PATTERNS} patterns.")
    return found


def _range(text: str | None) -> str | None:
    try:
        return parse_range(text)
    except InvalidError as error:
        raise RuleFieldError("version_range", error.reason) from None


def _days(rule: Rule) -> int:
    if rule.days is None or not 1 <= rule.days <= LONGEST_COOLDOWN:
        raise RuleFieldError("days", f"Say how many days: from 1 to {LONGEST_COOLDOWN}.")
    return rule.days


def _expiry(rule: Rule, now: datetime) -> datetime:
    expires_at = _moment("expires_at", rule.expires_at)
    if not now < expires_at <= now + timedelta(days=LONGEST_EXCEPTION, hours=1):
        raise RuleFieldError(
            "expires_at", f"An exception ends between now and {LONGEST_EXCEPTION} days from now."
        )
    return expires_at


def _moment(field: str, at: datetime | None) -> datetime:
    if at is None:
        raise RuleFieldError(field, "Say when.")
    if at.tzinfo is None:
        raise RuleFieldError(field, "The time needs its offset from UTC.")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise RuleFieldError(field, "There is no such time.") from None


def _reason(text: str) -> str:
    try:
        return one_line(text, "The reason", MAX_REASON)
    except InvalidError as error:
        raise RuleFieldError("reason", error.reason) from None
