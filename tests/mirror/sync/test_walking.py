"""Following what releases require."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from packaging.specifiers import SpecifierSet

from packslip.mirror.sync.environments import environments_of
from packslip.mirror.sync.values import Ask, KnownFile, KnownPackage, KnownRelease, Pick
from packslip.mirror.sync.walking import Plan, walk

#: By name and version, what a release requires.
Index = dict[str, dict[str, Sequence[str]]]


class Known:
    """A source that knows all at once, and notes in which order it was asked."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.learned: list[set[str]] = []
        self._seen: set[str] = set()

    def learn(self, names: Collection[str]) -> None:
        if new := set(names) - self._seen:
            self.learned.append(new)
        self._seen |= set(names)

    def package(self, name: str) -> KnownPackage | None:
        if name not in self._index:
            return None
        return KnownPackage(
            name,
            False,
            [
                KnownRelease(
                    version, [KnownFile(1, f"{name}-{version}.tar.gz", False, "source", 1)]
                )
                for version in self._index[name]
            ],
        )

    def read(self, picks: Collection[tuple[str, Pick]]) -> None:
        pass

    def requires(self, name: str, version: str) -> Sequence[str]:
        return self._index[name][version]


def root(name: str, specifier: str = "", *extras: str, where: Collection[int] = (0,)) -> Ask:
    return Ask(name, "me", SpecifierSet(specifier), frozenset(extras), frozenset(where))


def versions(plan: Plan) -> dict[str, list[str]]:
    return {name: [pick.version for pick in one.picks] for name, one in plan.choices.items()}


def walked(index: Index, *roots: Ask, pythons: Sequence[str] = (), **limits: str) -> Plan:
    constraints = {name: SpecifierSet(text) for name, text in limits.items()}
    return walk(roots, environments_of(pythons, []), Known(index), constraints=constraints)


def test_all_that_is_required_is_found_level_by_level() -> None:
    source = Known(
        {"a": {"1": ["B", "c>1"]}, "b": {"1": ["d"]}, "c": {"2": ["d", "a"]}, "d": {"1": []}}
    )
    plan = walk([root("a")], environments_of([], []), source)
    assert versions(plan) == {"a": ["1"], "b": ["1"], "c": ["2"], "d": ["1"]}
    assert source.learned == [{"a"}, {"b", "c"}, {"d"}]


def test_what_only_a_release_required_that_was_given_up_is_not_wanted() -> None:
    # The newest b is chosen at first, until c is known.
    index: Index = {
        "a": {"1": ["b", "c"]},
        "b": {"2": ["only-b2"], "1": ["only-b1"]},
        "c": {"1": ["b<2"]},
        "only-b1": {"1": []},
        "only-b2": {"1": []},
    }
    assert versions(walked(index, root("a"))) == {
        "a": ["1"],
        "b": ["1"],
        "c": ["1"],
        "only-b1": ["1"],
    }


def test_releases_that_drive_each_other_round_come_to_an_end() -> None:
    # b 2 brings c, which asks for b<2, which does not bring c.
    index: Index = {"a": {"1": ["b"]}, "b": {"2": ["c"], "1": []}, "c": {"1": ["b<2"]}}
    found = versions(walked(index, root("a")))
    assert set(found["b"]) >= {"1"}
    assert found["a"] == ["1"]


def test_extras_bring_what_they_are_asked_for() -> None:
    index: Index = {
        "a": {"1": ["b[Two.Words]", "a[own]; extra == 'all'", "e; extra == 'own'"]},
        "b": {"1": ["c; extra == 'two-words'", "d; extra == 'other'"]},
        "c": {"1": []},
        "d": {"1": []},
        "e": {"1": []},
    }
    assert set(versions(walked(index, root("a")))) == {"a", "b", "c"}
    assert set(versions(walked(index, root("a", "", "all")))) == {"a", "b", "c", "e"}


def test_markers_are_judged_for_each_environment() -> None:
    index: Index = {
        "a": {"1": ["old; python_version < '3.12'", "new<2; python_version >= '3.12'", "new>=2"]},
        "old": {"1": ["older; python_version >= '3.12'"]},
        "new": {"2": [], "1": []},
        "older": {"1": []},
    }
    found = versions(walked(index, root("a", where=(0, 1)), pythons=["3.11", "3.13"]))
    assert found == {"a": ["1"], "old": ["1"], "new": ["2", "1"]}
    assert set(versions(walked(index, root("a"), pythons=["3.13"]))) == {"a", "new"}
    assert set(versions(walked(index, root("a")))) == {"a", "old", "new", "older"}


def test_constraints_hold_for_what_is_required_and_ask_for_nothing() -> None:
    index: Index = {"a": {"1": ["b"]}, "b": {"2": [], "1": []}, "c": {"1": []}}
    assert versions(walked(index, root("a"), b="<2", c="<2")) == {"a": ["1"], "b": ["1"]}


def test_what_no_index_has_is_told_with_who_asks() -> None:
    index: Index = {"a": {"1": ["far @ http://example.com/far.whl", "no requirement!", "gone>1"]}}
    plan = walked(index, root("a"))
    assert {(one.package, one.by) for one in plan.missing} == {
        ("far", ("a 1",)),
        ("no requirement!", ("a 1",)),
    }
    assert "gone" in plan.asks
    assert "gone" not in plan.choices
