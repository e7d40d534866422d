"""The rules about what comes through the mirror: facts of a file and rules in, a verdict out.

Every rule that fits a file counts, whatever the order in which they were made:

1. A *deny* refuses it.
2. As soon as there is an *allow* rule, what fits none of them is refused.
3. A *freeze* withholds what is newer than its date.
4. A *cooldown* withholds what is younger than its days; of several the longest counts.

An *exception* lifts 3 and 4 for what it fits until it expires, and 1 and 2 too if it says so. Age
is that of the file, by upstream's `upload-time`: a file that comes late to an old release is young.
What has no date is withheld by every freeze and cooldown that fits it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache

from packslip.packages.version_ranges import covers

#: How rules name the licence of a package that says none, or none that is known here.
UNKNOWN_LICENSE = "unknown"


class Kind(StrEnum):
    """What a rule does with what it fits."""

    ALLOW = "allow"
    DENY = "deny"
    COOLDOWN = "cooldown"
    FREEZE = "freeze"
    EXCEPTION = "exception"


class FileKind(StrEnum):
    """Package types, as rules tell them apart."""

    SDIST = "sdist"
    WHEEL = "wheel"
    OTHER = "other"


_FILE_KINDS = {"sdist": FileKind.SDIST, "bdist_wheel": FileKind.WHEEL}


@dataclass(frozen=True, kw_only=True, slots=True)
class FileFacts:
    """What rules look at."""

    #: The normalised name.
    package: str
    version: str
    filename: str
    #: As in `packslip.packages.models.File`.
    packagetype: str
    #: The compatibility tags of a wheel as its name gives them.
    tags: str = ""
    #: An SPDX expression, or another short name; None as long as it is unknown.
    license: str | None = None
    #: When upstream says that it came; None when upstream does not say.
    uploaded_at: datetime | None = None
    #: Bytes; None or 0 when upstream does not say.
    size: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One rule. It fits what meets all of its conditions; an empty one is met by everything."""

    kind: Kind
    id: int = 0
    #: Patterns of normalised names: any of them, but none of those that begin with `!`.
    packages: tuple[str, ...] = ()
    version_range: str | None = None
    #: Patterns of licences.
    licenses: tuple[str, ...] = ()
    file_kind: FileKind | None = None
    #: Patterns such as `cp*-*-win*`; wheels alone have tags.
    tags: tuple[str, ...] = ()
    #: Of a cooldown: how old a file must be.
    days: int | None = None
    #: Of a freeze: what came after it is withheld.
    not_after: datetime | None = None
    #: Of an exception.
    expires_at: datetime | None = None
    #: Whether an exception also lifts what is denied or not allowed.
    lifts_deny: bool = False
    #: Why there is the rule, in the words of whoever made it.
    reason: str = ""
    #: Of an exception: the note that asked for it.
    note_id: int | None = None


class Cause(StrEnum):
    """Why a file does not come through."""

    DENIED = "denied"
    NOT_ALLOWED = "not-allowed"
    FROZEN = "frozen"
    TOO_YOUNG = "too-young"
    NO_DATE = "no-date"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What becomes of a file."""

    #: None when it is allowed.
    cause: Cause | None = None
    #: The rule that decides: that refuses it, else the exception without which one would. Nothing
    #: when no rule says anything, or when it is none of those that are allowed.
    rule: Rule | None = None
    #: From when on it is allowed, as far as that can be said.
    until: datetime | None = None

    @property
    def is_allowed(self) -> bool:
        """Whether it comes through."""
        return self.cause is None


def decide(rules: Sequence[Rule], file: FileFacts, now: datetime) -> Verdict:
    """What the rules say of the file at that moment."""
    fitting = [rule for rule in rules if fits(rule, file)]
    lifting = [rule for rule in fitting if rule.kind is Kind.EXCEPTION and is_in_force(rule, now)]
    refused = _refused(rules, fitting, file)
    if refused is not None:
        lifted = [rule for rule in lifting if rule.lifts_deny]
        if not lifted:
            return refused
    withheld = _withheld(fitting, file, now)
    if withheld is not None and not lifting:
        return withheld
    if refused is None and withheld is None:
        return Verdict()
    return Verdict(rule=_longest(lifting if refused is None else lifted))


def next_change(
    rules: Sequence[Rule], files: Iterable[FileFacts], now: datetime
) -> datetime | None:
    """When the verdict on one of the files may change next while the rules stay as they are."""
    moments = (
        moment
        for file in files
        for rule in rules
        if (moment := _end(rule, file)) is not None and moment > now and fits(rule, file)
    )
    return min(moments, default=None)


def is_in_force(rule: Rule, now: datetime) -> bool:
    """Whether the rule has not expired."""
    return rule.expires_at is None or now < rule.expires_at


def fits(rule: Rule, file: FileFacts) -> bool:
    """Whether the rule is about the file: it meets all conditions."""
    return (
        fits_name(rule, file.package)
        and rule.file_kind in {None, _FILE_KINDS.get(file.packagetype, FileKind.OTHER)}
        and (not rule.tags or _fits_tags(rule.tags, file))
        and (not rule.licenses or _fits_license(rule, file.license))
        and covers(rule.version_range, file.version)
    )


def fits_name(rule: Rule, package: str) -> bool:
    """Whether the rule is about files of the package, perhaps not about all."""
    return _fits_name(rule.packages, package)


def is_by_name(rule: Rule) -> bool:
    """Whether names are all that the rule asks for."""
    return not (rule.version_range or rule.licenses or rule.file_kind or rule.tags)


@lru_cache(maxsize=4096)
def _fits_name(patterns: tuple[str, ...], package: str) -> bool:
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")] or ["*"]
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    return _is_one(package, wanted) and not _is_one(package, unwanted)


def _fits_tags(patterns: Iterable[str], file: FileFacts) -> bool:
    """Whether one of the tags that the wheel's name stands for (PEP 425) fits."""
    parts = file.tags.lower().split("-")
    if file.packagetype != "bdist_wheel" or len(parts) != 3:
        return False
    # Part by part: a name of a few dozen parts can stand for tens of thousands of tags.
    sets = [part.split(".") for part in parts]
    return any(
        all(
            any(fnmatchcase(one, wanted) for one in given)
            for given, wanted in zip(sets, pattern.split("-"), strict=True)
        )
        for pattern in patterns
    )


def _fits_license(rule: Rule, said: str | None) -> bool:
    """Whether the licence is one that is meant.

    Of a choice (`MIT OR GPL-3.0-only`) one licence is enough to allow it, and all are needed to
    refuse it; of what holds together (`AND`) it is the other way round.
    """
    grants = rule.kind in {Kind.ALLOW, Kind.EXCEPTION}
    any_of, all_of = (any, all) if grants else (all, any)
    expression = said or UNKNOWN_LICENSE
    if "(" in expression:
        # The careful answer.
        flat = expression.replace("(", " ").replace(")", " ").replace(" OR ", " AND ")
        return all_of(_is_license(one, rule.licenses) for one in flat.split(" AND "))
    return any_of(
        all_of(_is_license(one, rule.licenses) for one in choice.split(" AND "))
        for choice in expression.split(" OR ")
    )


def _is_license(name: str, patterns: Iterable[str]) -> bool:
    name = name.strip().lower()
    plain = name.split(" with ")[0]
    return any(fnmatchcase(one, pattern.lower()) for pattern in patterns for one in (name, plain))


def _is_one(text: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _refused(rules: Sequence[Rule], fitting: Sequence[Rule], file: FileFacts) -> Verdict | None:
    for rule in fitting:
        if rule.kind is Kind.DENY:
            return Verdict(cause=Cause.DENIED, rule=rule)
    if any(rule.kind is Kind.ALLOW for rule in rules) and not any(
        rule.kind is Kind.ALLOW for rule in fitting
    ):
        return Verdict(cause=Cause.NOT_ALLOWED)
    return None


def _withheld(fitting: Sequence[Rule], file: FileFacts, now: datetime) -> Verdict | None:
    came = file.uploaded_at
    aging = [rule for rule in fitting if rule.kind in {Kind.FREEZE, Kind.COOLDOWN}]
    if came is None:
        return Verdict(cause=Cause.NO_DATE, rule=aging[0]) if aging else None
    for rule in aging:
        if rule.not_after is not None and came > rule.not_after:
            return Verdict(cause=Cause.FROZEN, rule=rule)
    ends = [(end, rule) for rule in aging if (end := _end(rule, file)) is not None and now < end]
    if not ends:
        return None
    end, rule = max(ends, key=lambda one: one[0])
    return Verdict(cause=Cause.TOO_YOUNG, rule=rule, until=end)


def _end(rule: Rule, file: FileFacts) -> datetime | None:
    """When the rule says something else of the file."""
    if rule.kind is Kind.EXCEPTION:
        return rule.expires_at
    if rule.kind is Kind.COOLDOWN and rule.days is not None and file.uploaded_at is not None:
        try:
            return file.uploaded_at + timedelta(days=rule.days)
        except OverflowError:
            # Upstream named a day at the end of all calendars.
            return datetime.max.replace(tzinfo=file.uploaded_at.tzinfo)
    return None


def _longest(rules: Sequence[Rule]) -> Rule:
    return max(
        rules, key=lambda rule: 0.0 if rule.expires_at is None else rule.expires_at.timestamp()
    )
