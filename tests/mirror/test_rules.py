"""What rules say of files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packslip.mirror.rule_fields import RuleFieldError, check_rule
from packslip.mirror.rule_words import describe, phrase
from packslip.mirror.rules import Cause, FileFacts, FileKind, Kind, Rule, decide, next_change

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def file(package: str = "demo", version: str = "1.2", **values: Any) -> FileFacts:
    wheel = f"{package}-{version}-cp311.cp312-abi3-win_amd64.whl"
    given = {
        "filename": wheel,
        "packagetype": "bdist_wheel",
        "tags": "cp311.cp312-abi3-win_amd64",
        "license": "MIT",
        "uploaded_at": NOW - 3 * DAY,
    }
    return FileFacts(package=package, version=version, **{**given, **values})


def sdist(**values: Any) -> FileFacts:
    return file(filename="demo-1.2.tar.gz", packagetype="sdist", tags="source", **values)


def deny(**values: Any) -> Rule:
    return Rule(kind=Kind.DENY, **values)


def exception(**values: Any) -> Rule:
    return Rule(kind=Kind.EXCEPTION, **{"packages": ("demo",), "expires_at": NOW + DAY, **values})


WEEK = Rule(kind=Kind.COOLDOWN, days=7, id=1)


def causes(*rules: Rule, of: FileFacts | None = None, at: datetime = NOW) -> Cause | None:
    return decide(rules, of or file(), at).cause


@pytest.mark.parametrize(
    ("rule", "is_denied"),
    [
        (deny(packages=("de*",)), True),
        (deny(packages=("other", "demo")), True),
        (deny(packages=("*", "!demo")), False),
        (deny(packages=("!other",)), True),
        (deny(version_range=">=1.1,<1.3"), True),
        (deny(version_range=">=2"), False),
        (deny(file_kind=FileKind.WHEEL), True),
        (deny(file_kind=FileKind.SDIST), False),
        (deny(tags=("cp312-*-win*",)), True),
        (deny(tags=("cp312-cp312-*", "*-*-manylinux*")), False),
        (deny(licenses=("mit",)), True),
        (deny(licenses=("MIT",), packages=("other",)), False),
    ],
)
def test_a_rule_fits_what_meets_all_of_its_conditions(rule: Rule, is_denied: bool) -> None:
    assert (causes(rule) is Cause.DENIED) is is_denied


@pytest.mark.parametrize(
    ("said", "patterns", "denied", "allowed"),
    [
        ("MIT", ("MIT",), True, True),
        ("MIT OR AGPL-3.0-only", ("AGPL-*",), False, True),
        ("MIT AND AGPL-3.0-only", ("AGPL-*",), True, False),
        ("MIT AND (AGPL-3.0-only OR MIT)", ("AGPL-*",), True, False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", ("GPL-2.0-only",), True, True),
        (None, ("MIT",), False, False),
        (None, ("unknown",), True, True),
    ],
)
def test_a_choice_of_licences_is_refused_only_as_a_whole(
    said: str | None, patterns: tuple[str, ...], denied: bool, allowed: bool
) -> None:
    wheel = file(license=said)
    assert (causes(deny(licenses=patterns), of=wheel) is not None) is denied
    allow = Rule(kind=Kind.ALLOW, licenses=patterns)
    assert (causes(allow, of=wheel) is None) is allowed


def test_what_no_rule_allows_is_refused_as_soon_as_one_allows() -> None:
    allow = Rule(kind=Kind.ALLOW, packages=("django*",))
    assert causes(allow) is Cause.NOT_ALLOWED
    assert causes(allow, of=file("django-forms")) is None
    assert causes(allow, deny(packages=("django-f*",)), of=file("django-forms")) is Cause.DENIED


def test_the_longest_cooldown_counts_and_ends_to_the_second() -> None:
    rules = (WEEK, Rule(kind=Kind.COOLDOWN, days=10, packages=("demo",), id=2))
    verdict, end = decide(rules, file(), NOW), NOW + 7 * DAY
    assert (verdict.cause, verdict.until) == (Cause.TOO_YOUNG, end)
    assert phrase(verdict, file()) == (
        "Withheld until 2026-11-30 08:00 UTC by a rule of this index (younger than 10 days):"
        " demo 1.2"
    )
    assert causes(*rules, at=end - timedelta(seconds=1)) is Cause.TOO_YOUNG
    assert causes(*rules, at=end) is None


def test_what_has_no_date_is_withheld_however_it_is_told() -> None:
    undated = file(uploaded_at=None)
    assert causes(WEEK, of=undated, at=NOW + 9999 * DAY) is Cause.NO_DATE
    assert causes(Rule(kind=Kind.FREEZE, not_after=NOW), of=undated) is Cause.NO_DATE
    assert causes(WEEK, exception(), of=undated) is None


def test_a_date_beyond_the_calendar_is_only_young() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    assert causes(WEEK, of=file(uploaded_at=last)) is Cause.TOO_YOUNG


def test_a_freeze_withholds_what_came_later_and_no_wait_helps() -> None:
    freeze = Rule(kind=Kind.FREEZE, not_after=NOW - 4 * DAY)
    verdict = decide((WEEK, freeze), file(), NOW)
    assert (verdict.cause, verdict.until) == (Cause.FROZEN, None)
    assert causes(freeze, of=file(uploaded_at=NOW - 4 * DAY)) is None


def test_an_exception_lifts_age_until_it_expires_and_a_deny_only_if_it_says_so() -> None:
    evil = deny(packages=("demo",))
    assert causes(WEEK, exception()) is None
    assert causes(WEEK, exception(), at=NOW + DAY) is Cause.TOO_YOUNG
    assert causes(WEEK, exception(version_range=">2")) is Cause.TOO_YOUNG
    assert causes(WEEK, exception(), of=file("other")) is Cause.TOO_YOUNG
    assert causes(WEEK, evil, exception()) is Cause.DENIED
    assert causes(WEEK, evil, exception(lifts_deny=True)) is None
    assert causes(Rule(kind=Kind.ALLOW, packages=("x",)), exception(lifts_deny=True)) is None


def test_sentences() -> None:
    assert describe(WEEK) == "Withhold files of all packages for 7 days after their upload."
    rule = deny(packages=("a-*", "!a-b"), version_range="<2", tags=("*-*-win*",))
    assert describe(rule) == "Refuse wheels with the tag *-*-win* of a-* but a-b <2."
    agpl = deny(licenses=("AGPL-*",))
    said = phrase(
        decide((agpl,), sdist(license="AGPL-3.0-only"), NOW), sdist(license="AGPL-3.0-only")
    )
    assert said == "Refused by a rule of this index (licence AGPL-3.0-only): demo 1.2"


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (deny(), "packages"),
        (Rule(kind=Kind.ALLOW, packages=("*",)), "packages"),
        (deny(packages=("no name",)), "packages"),
        (deny(packages=("a",), version_range="newest"), "version_range"),
        (deny(tags=("win",)), "tags"),
        (deny(licenses=("MIT\n",) * 2), None),
        (deny(licenses=("<b>",)), "licenses"),
        (Rule(kind=Kind.COOLDOWN), "days"),
        (Rule(kind=Kind.COOLDOWN, days=0), "days"),
        (Rule(kind=Kind.FREEZE), "not_after"),
        (exception(packages=("*",)), "packages"),
        (exception(packages=("!demo",)), "packages"),
        (exception(expires_at=None), "expires_at"),
        (exception(expires_at=NOW), "expires_at"),
        (exception(expires_at=NOW + 400 * DAY), "expires_at"),
        (deny(packages=("a",), reason="two\nlines"), "reason"),
    ],
)
def test_what_a_rule_may_not_say(rule: Rule, field: str | None) -> None:
    if field is None:
        assert check_rule(rule, NOW).licenses == ("MIT",)
        return
    with pytest.raises(RuleFieldError) as caught:
        check_rule(rule, NOW)
    assert caught.value.field == field


packages = st.lists(st.sampled_from(["demo", "de*", "*", "!demo", "other"]), max_size=2).map(tuple)
moments = st.integers(-20, 20).map(lambda days: NOW + days * DAY)
rules = st.builds(
    Rule,
    kind=st.sampled_from(Kind),
    packages=packages,
    version_range=st.sampled_from([None, ">=1", "<1"]),
    licenses=st.sampled_from([(), ("MIT",), ("unknown",)]),
    file_kind=st.sampled_from([None, *FileKind]),
    tags=st.sampled_from([(), ("cp311-*-*",), ("*-*-mac*",)]),
    days=st.integers(1, 30),
    not_after=moments,
    expires_at=moments,
    lifts_deny=st.booleans(),
).map(lambda rule: rule if rule.kind is Kind.EXCEPTION else only(rule))
files = st.builds(
    file,
    license=st.sampled_from([None, "MIT", "MIT OR BSD-3-Clause"]),
    uploaded_at=st.none() | moments,
)


def only(rule: Rule) -> Rule:
    """Without what its kind has no use for."""
    return Rule(
        kind=rule.kind,
        packages=rule.packages,
        version_range=rule.version_range,
        licenses=rule.licenses,
        file_kind=rule.file_kind,
        tags=rule.tags,
        days=rule.days if rule.kind is Kind.COOLDOWN else None,
        not_after=rule.not_after if rule.kind is Kind.FREEZE else None,
    )


@given(st.lists(rules, max_size=6), files, st.randoms())
def test_the_order_of_rules_decides_nothing(
    given: list[Rule], wheel: FileFacts, random: Any
) -> None:
    shuffled = random.sample(given, len(given))
    one, other = decide(given, wheel, NOW), decide(shuffled, wheel, NOW)
    assert (one.cause, one.until) == (other.cause, other.until)


@given(st.lists(rules, max_size=5), rules, files)
def test_a_further_rule_refuses_more_unless_it_allows_or_excepts(
    given: list[Rule], rule: Rule, wheel: FileFacts
) -> None:
    before, after = decide(given, wheel, NOW), decide([*given, rule], wheel, NOW)
    if rule.kind is Kind.EXCEPTION:
        assert after.is_allowed or not before.is_allowed
    elif rule.kind is not Kind.ALLOW or all(one.kind is not Kind.ALLOW for one in given):
        assert before.is_allowed or not after.is_allowed


@given(st.lists(rules, max_size=5), files, st.integers(0, 100 * 24))
def test_a_verdict_holds_until_the_next_change(
    given: list[Rule], wheel: FileFacts, hours: int
) -> None:
    later = NOW + timedelta(hours=hours)
    change = next_change(given, [wheel], NOW)
    if change is None or later < change:
        assert decide(given, wheel, later).is_allowed == decide(given, wheel, NOW).is_allowed


@given(st.lists(rules, max_size=5), files)
def test_what_is_withheld_until_a_moment_waits_for_nothing_else_but_exceptions(
    given: list[Rule], wheel: FileFacts
) -> None:
    lasting = [rule for rule in given if rule.kind is not Kind.EXCEPTION]
    verdict = decide(lasting, wheel, NOW)
    if verdict.until is not None:
        assert verdict.until > NOW
        assert decide(lasting, wheel, verdict.until).is_allowed
