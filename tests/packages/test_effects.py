"""What acts and upstream say together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from packslip.packages.effects import (
    PackageEffect,
    ReleaseEffect,
    package_effect,
    reason_of,
    release_effect,
)
from packslip.packages.models import Act, Package, Release, StandingAct


def act(note_id: int, kind: Act, title: str = "bad", **values: Any) -> StandingAct:
    return StandingAct(
        **{"note_id": note_id, "act": kind, "title": title, "username": "ada"} | values
    )


def test_a_release_has_the_reasons_of_all_acts_the_strongest_first() -> None:
    release = Release(version="1.1", upstream_yanked=True, upstream_yanked_reason="theirs")
    acts = [
        act(1, Act.YANK, "first"),
        act(2, Act.HOLD, "second", username="grace", version_range=">=1,<2"),
        act(3, Act.YANK, "other", version_range="==1.0"),
        act(4, Act.YANK, ""),
        act(5, Act.WARN, "look"),
    ]
    assert release_effect(acts, release) == ReleaseEffect(
        yanked=True,
        yanked_reason="second (note 2); first (note 1); theirs",
        held_reason="On hold by grace: second (note 2)",
    )


def test_a_yank_without_a_title_has_no_reason() -> None:
    assert release_effect([act(1, Act.YANK, "")], Release(version="1")) == ReleaseEffect(True)
    assert release_effect([act(1, Act.WARN)], Release(version="1")) == ReleaseEffect()


def test_the_strongest_status_decides_and_all_reasons_are_told() -> None:
    soon, late = (datetime(2030, 1, day, tzinfo=UTC) for day in (1, 2))
    package = Package(upstream_status="archived", upstream_status_reason="theirs")
    acts = [
        act(1, Act.DEPRECATE, "old", expires_at=late),
        act(2, Act.QUARANTINE, "malware"),
        act(3, Act.WARN, expires_at=soon),
    ]
    assert package_effect(acts, package) == PackageEffect(
        "quarantined", "malware (note 2); old (note 1); theirs", soon
    )
    assert package_effect(acts[:1], package).status == "archived"
    assert package_effect([], Package(upstream_status="active")) == PackageEffect()


@pytest.mark.parametrize("length", [1, 189, 190, 191, 200])
def test_a_reason_has_at_most_200_characters_with_its_number(length: int) -> None:
    reason = reason_of("x" * length, 42) or ""
    assert len(reason) == min(length + 10, 200)
    assert reason.endswith(" (note 42)")
    assert ("…" in reason) == (length > 190)
