"""From what is asked for to all that it takes: releases, and what these require.

It is no resolver: of each package that release is taken that satisfies everything that is asked of
it, and where there is none, one for each that asks. Pure: no framework, no database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from packslip.mirror.sync.choices import choose
from packslip.mirror.sync.environments import Environment
from packslip.mirror.sync.values import Ask, Choice, KnownPackage, Missing, Pick
from packslip.texts import brief

#: Rounds after which what was chosen once stays, since choices can drive each other round.
_SETTLED = 40


class Source(Protocol):
    """Knows what there is of packages."""

    def learn(self, names: Collection[str]) -> None:
        """Get to know these packages, if they are not known yet."""

    def package(self, name: str) -> KnownPackage | None:
        """What is known of it; None when nothing is."""

    def read(self, picks: Collection[tuple[str, Pick]]) -> None:
        """Get to know what these releases require, if that is not known yet."""

    def requires(self, name: str, version: str) -> Sequence[str]:
        """What the release requires (PEP 508); nothing when that is not known."""


@dataclass
class Plan:
    """All that is wanted."""

    #: By name, in the order in which they were come upon.
    choices: dict[str, Choice] = field(default_factory=dict)
    asks: dict[str, list[Ask]] = field(default_factory=dict)
    #: Requirements that no index can satisfy.
    missing: list[Missing] = field(default_factory=list)


def walk(
    roots: Sequence[Ask],
    environments: Sequence[Environment],
    source: Source,
    *,
    constraints: Mapping[str, SpecifierSet] | None = None,
    no_sdist: bool = False,
) -> Plan:
    """Choose for the roots and for all that is required by what is chosen, breadth first."""
    choices: dict[str, Choice] = {}
    #: Of the round before, as large packages have thousands of releases to choose from.
    known: dict[str, list[Ask]] = {}
    rounds = 0
    while True:
        gathering = _Gathering(environments, constraints or {}, source, choices)
        gathering.start(roots)
        source.learn(gathering.asks)
        found = {}
        for name, asks in gathering.asks.items():
            package = source.package(name)
            if package is not None and known.get(name) == asks:
                found[name] = choices[name]
            elif package is not None:
                found[name] = choose(package, asks, environments, no_sdist=no_sdist)
                if rounds >= _SETTLED and name in choices:
                    found[name] = _together(choices[name], found[name])
        source.read([(name, pick) for name in found for pick in found[name].picks if pick.follows])
        rounds += 1
        if found == choices:
            return Plan(found, gathering.asks, list(gathering.missing.values()))
        choices, known = found, gathering.asks


def _together(before: Choice, after: Choice) -> Choice:
    picks = {pick.version: pick for pick in before.picks}
    for pick in after.picks:
        old = picks.get(pick.version, pick)
        picks[pick.version] = Pick(
            pick.release, pick.version, pick.files | old.files, pick.follows | old.follows
        )
    return replace(after, picks=tuple(picks.values()))


#: What an ask is beside the environments, which come together.
_Key = tuple[str, str, frozenset[str], str, str | None, bool]


class _Gathering:
    """All that is asked for when these are the choices."""

    def __init__(
        self,
        environments: Sequence[Environment],
        constraints: Mapping[str, SpecifierSet],
        source: Source,
        choices: Mapping[str, Choice],
    ) -> None:
        self._environments = environments
        self._constraints = constraints
        self._source = source
        self._choices = choices
        self._asks: dict[str, dict[_Key, Ask]] = {}
        self.missing: dict[tuple[str, str], Missing] = {}

    @property
    def asks(self) -> dict[str, list[Ask]]:
        """By name, in the order in which they came."""
        return {name: list(asks.values()) for name, asks in self._asks.items()}

    def start(self, roots: Sequence[Ask]) -> None:
        """Ask for these, and for all that follows."""
        waiting = dict.fromkeys(ask.name for ask in roots if self._add(ask))
        while waiting:
            following: dict[str, None] = {}
            for name in waiting:
                following |= dict.fromkeys(a.name for a in self._following(name) if self._add(a))
            waiting = following

    def _add(self, ask: Ask) -> bool:
        """Whether anything of that is new."""
        if (constraint := self._constraints.get(ask.name)) is not None and ask.version is None:
            ask = replace(ask, specifier=ask.specifier & constraint)
        key = (
            ask.name, str(ask.specifier), ask.extras, ask.by, ask.version, ask.every,
        )  # fmt: skip
        asks = self._asks.setdefault(ask.name, {})
        known = asks.get(key)
        if known is None:
            asks[key] = ask
            return bool(ask.environments)
        asks[key] = replace(
            known,
            environments=known.environments | ask.environments,
            files=tuple(dict.fromkeys(known.files + ask.files)),
        )
        return not ask.environments <= known.environments

    def _following(self, name: str) -> Iterator[Ask]:
        choice = self._choices.get(name)
        if choice is None:
            return
        extras: dict[int, set[str]] = defaultdict(set)
        for ask in self._asks[name].values():
            for index in ask.environments:
                extras[index] |= ask.extras
        for pick in choice.picks:
            for text in self._source.requires(name, pick.version):
                yield from self._required(text, f"{name} {pick.version}", pick, extras)

    def _required(
        self, text: str, by: str, pick: Pick, extras: Mapping[int, Collection[str]]
    ) -> Iterator[Ask]:
        try:
            requirement = Requirement(text)
        except (InvalidRequirement, ValueError, RecursionError):
            self._miss(brief(text), "it cannot be understood", by)
            return
        marker = None if requirement.marker is None else str(requirement.marker)
        where = frozenset(
            index
            for index in pick.follows
            if self._environments[index].may_hold(marker, extras.get(index, ()))
        )
        name = canonicalize_name(requirement.name)
        if not where:
            return
        if requirement.url is not None:
            self._miss(name, "it comes from an address, not from an index", by)
            return
        yield Ask(
            name=name,
            by=by,
            specifier=requirement.specifier,
            extras=frozenset(canonicalize_name(extra) for extra in requirement.extras),
            environments=where,
        )

    def _miss(self, name: str, reason: str, by: str) -> None:
        self.missing.setdefault((name, by), Missing(name, "", reason, (by,)))
