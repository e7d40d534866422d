from __future__ import annotations

from packslip.packages.importing.report import Changes, Item, Kind, Outcome, Report, Skip


def make_item(outcome: Outcome, *skips: Skip, reason: str | None = None) -> Item:
    changes = Changes(skips=list(skips))
    if reason is None:
        changes.note(Kind.LICENSE, "MIT", outcome)
    return Item("a.json", outcome, "a", reason, changes)


def test_the_most_telling_outcome_of_a_thing_counts() -> None:
    changes = Changes()
    for outcome in (Outcome.PRESENT, Outcome.ADDED, Outcome.CHANGED):
        changes.note(Kind.FILE, "a", outcome)
    changes.note(Kind.RELEASE, "a", Outcome.PRESENT)
    assert changes.counts()["files"] == {"added": 1, "changed": 0, "present": 0}
    assert changes.counts()["releases"] == {"added": 0, "changed": 0, "present": 1}
    assert changes.are_any


def test_each_thing_counts_once_however_many_items_bring_it() -> None:
    report = Report()
    skip = Skip(Kind.FILE, "x.exe", "named twice")
    report.add(make_item(Outcome.ADDED))
    report.add(make_item(Outcome.PRESENT, skip, skip))
    report.add(make_item(Outcome.SKIPPED, reason="not JSON"))
    report.add(make_item(Outcome.FAILED, reason="The archive is damaged"))
    assert list(report.lines()) == [
        "looked at: 1 failed, 1 added, 1 already there, 1 skipped",
        "packages: none",
        "releases: none",
        "files: none",
        "users: none",
        "maintainers: none",
        "licences: 1 added",
        "languages: none",
        "skipped 2: named twice",
        "skipped 1: not JSON",
    ]
    data = report.data()
    assert data["skipped"] == {"named twice": 2, "not JSON": 1}
    assert data["items"]["failed"] == 1


def test_an_item_says_what_was_left_out_of_it() -> None:
    item = make_item(Outcome.ADDED, Skip(Kind.FILE, "x.exe", "named twice"))
    assert list(item.lines()) == ["skipped: a.json: file 'x.exe': named twice"]
    item = make_item(Outcome.FAILED, reason="The archive is damaged")
    assert list(item.lines()) == ["failed: a.json: The archive is damaged"]
    assert item.data()["reason"] == "The archive is damaged"
