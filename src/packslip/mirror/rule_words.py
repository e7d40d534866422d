"""Rules and verdicts in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from packslip.mirror.rules import Cause, FileFacts, FileKind, Kind, Rule, Verdict
from packslip.texts import brief

#: Characters of what a refusal gives as its reason: it has to fit into a line.
LONGEST = 200

_FILES = {
    FileKind.SDIST: "source distributions",
    FileKind.WHEEL: "wheels",
    FileKind.OTHER: "files of older kinds",
}


def describe(rule: Rule) -> str:
    """What the rule does, as a sentence."""
    what = _subject(rule)
    if rule.kind is Kind.ALLOW:
        return f"Allow {what}, and nothing that no rule allows."
    if rule.kind is Kind.DENY:
        return f"Refuse {what}."
    if rule.kind is Kind.COOLDOWN:
        return f"Withhold {what} for {_days(rule)} after their upload."
    if rule.kind is Kind.FREEZE:
        return f"Withhold {what} that came after {_moment(rule.not_after)}."
    lifted = "whatever other rules say" if rule.lifts_deny else "however young"
    return f"Let {what} through until {_moment(rule.expires_at)}, {lifted}."


def because(verdict: Verdict, file: FileFacts) -> str:
    """Why a file does not come through, in a few words."""
    rule = verdict.rule
    if verdict.cause is Cause.NOT_ALLOWED or rule is None:
        return "it is not among what is allowed"
    if verdict.cause is Cause.NO_DATE:
        return "upstream does not say how old it is"
    if rule.reason:
        return rule.reason.rstrip(".")
    if verdict.cause is Cause.TOO_YOUNG:
        return f"younger than {_days(rule)}"
    if verdict.cause is Cause.FROZEN:
        return f"newer than {_moment(rule.not_after)}"
    return _denied(rule, file)


def phrase(verdict: Verdict, file: FileFacts) -> str:
    """The same as a sentence that is complete by itself and fits into one line."""
    why = because(verdict, file)
    why = why if len(why) <= LONGEST else f"{why[: LONGEST - 1]}…"
    what = f"{file.package} {brief(file.version, 60)}".rstrip()
    said = f"by a rule of this index ({why}): {what}"
    if verdict.cause in {Cause.DENIED, Cause.NOT_ALLOWED}:
        return f"Refused {said}"
    until = "" if verdict.until is None else f" until {_moment(verdict.until)}"
    return f"Withheld{until} {said}"


def _denied(rule: Rule, file: FileFacts) -> str:
    if rule.licenses:
        return f"licence {file.license or 'unknown'}"
    if rule.tags:
        return f"wheels with the tag {_or(rule.tags)}"
    if rule.file_kind is not None:
        return _FILES[rule.file_kind]
    if rule.version_range is not None:
        return f"versions {rule.version_range}"
    return "its name is denied"


def _subject(rule: Rule) -> str:
    parts = ["files" if rule.file_kind is None else _FILES[rule.file_kind]]
    if rule.tags:
        parts = ["wheels"]
        parts.append(f"with the tag {_or(rule.tags)}")
    parts.append(f"of {_names(rule)}")
    if rule.version_range is not None:
        parts.append(rule.version_range)
    if rule.licenses:
        parts.append(f"under the licence {_or(rule.licenses)}")
    return " ".join(parts)


def _names(rule: Rule) -> str:
    wanted = [one for one in rule.packages if not one.startswith("!")]
    unwanted = [one[1:] for one in rule.packages if one.startswith("!")]
    named = "all packages" if wanted in ([], ["*"]) else _or(wanted)
    return f"{named} but {_or(unwanted)}" if unwanted else named


def _days(rule: Rule) -> str:
    return "1 day" if rule.days == 1 else f"{rule.days} days"


def _moment(at: datetime | None) -> str:
    return "ever" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def _or(texts: Sequence[str]) -> str:
    return " or ".join(texts)
