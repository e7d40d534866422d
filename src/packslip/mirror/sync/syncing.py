"""Making the mirror hold what is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask
from packaging.specifiers import SpecifierSet

from packslip.db import write_transaction
from packslip.mirror.fetching import own_session
from packslip.mirror.sync.environments import Environment
from packslip.mirror.sync.facts import FileState, file_states, let_go, pin
from packslip.mirror.sync.fetching import (
    Crew,
    Failure,
    Job,
    describe_release,
    failures,
    fetch,
)
from packslip.mirror.sync.learning import Knowledge, Show
from packslip.mirror.sync.patience import Patience
from packslip.mirror.sync.reports import Report, SyncedFile, SyncedPackage, Unread, amount
from packslip.mirror.sync.values import Ask, Missing
from packslip.mirror.sync.walking import Plan, walk

#: Seconds for which upstream is asked again, while nothing at all works.
PATIENCE = 60.0


@dataclass(frozen=True)
class Wishes:
    """What is to be held."""

    roots: Sequence[Ask]
    environments: Sequence[Environment]
    constraints: Mapping[str, SpecifierSet]
    #: What was read and is none.
    skipped: Sequence[Unread] = ()
    no_sdist: bool = False
    pins: bool = True
    is_dry: bool = False


def sync(app: Flask, wishes: Wishes, show: Show, *, seconds: float = PATIENCE) -> Report:
    """Have all that is wished for in the mirror, as far as that can be.

    What is held already is not fetched again. Ctrl-C ends it early, and is told in the report.

    Args:
        app: The current application.
        wishes: What is wanted.
        show: Shows progress.
        seconds: For how long upstream is asked again, while nothing at all works.
    """
    return _Sync(app, wishes, show, Patience(seconds)).run()


class _Sync:
    def __init__(self, app: Flask, wishes: Wishes, show: Show, patience: Patience) -> None:
        self._wishes = wishes
        self._show = show
        self._patience = patience
        self._crew = Crew(app, patience)
        self._knowledge = Knowledge(
            app, datetime.now(UTC), patience, show, is_dry=wishes.is_dry, pins=wishes.pins
        )
        self._failed: list[Failure] = []

    def run(self) -> Report:
        wishes, plan, jobs = self._wishes, Plan(), list[Job]()
        interrupted = False
        try:
            plan = walk(
                wishes.roots,
                wishes.environments,
                self._knowledge,
                constraints=wishes.constraints,
                no_sdist=wishes.no_sdist,
            )
            jobs = self._jobs(plan)
            if not wishes.is_dry:
                self._get(plan, jobs)
        except KeyboardInterrupt:
            interrupted = True
        return self._report(plan, jobs, interrupted=interrupted)

    def _jobs(self, plan: Plan) -> list[Job]:
        return [
            Job(name, pick.version, file)
            for name, choice in plan.choices.items()
            for pick in choice.picks
            for file in pick.release.files
            if file.file_id in pick.files and not self._is_hosted(name)
        ]

    def _get(self, plan: Plan, jobs: Sequence[Job]) -> None:
        if self._wishes.pins:
            with own_session() as session, write_transaction(session):
                wanted = {job.file.file_id for job in jobs}
                pin(session, wanted)
                let_go(session, self._knowledge.pinned - wanted)
        lacking = [
            job
            for job in jobs
            if not job.file.is_held or (job.file.has_metadata and not job.file.metadata_is_held)
        ]
        with self._show(len(lacking)) as progress:
            self._crew.each(lacking, self._fetch, progress.advance)
        releases = [
            (name, pick.version)
            for name, choice in plan.choices.items()
            for pick in choice.picks
            if not self._is_hosted(name)
        ]
        self._crew.each(releases, self._describe, lambda: None)

    def _fetch(self, job: Job) -> None:
        self._failed += fetch(job, self._patience)

    def _describe(self, release: tuple[str, str]) -> None:
        # Its texts can come later; what is missing of its files was told.
        with failures(*release, None):
            describe_release(*release)

    def _is_hosted(self, name: str) -> bool:
        package = self._knowledge.package(name)
        return package is not None and package.is_hosted

    def _report(self, plan: Plan, jobs: Sequence[Job], *, interrupted: bool) -> Report:
        troubles = self._knowledge.troubles
        with own_session() as session:
            states = file_states(session, [job.file.file_id for job in jobs])
        lacking = [job for job in jobs if not job.file.is_held]
        if not self._wishes.is_dry and not interrupted:
            self._note_lost(jobs, states)
        came = [
            job for job in lacking
            if self._wishes.is_dry or _is_held(states.get(job.file.file_id))
        ]  # fmt: skip
        choices = plan.choices.values()
        return Report(
            dry_run=self._wishes.is_dry,
            interrupted=interrupted,
            packages=[self._package(name, plan) for name in sorted(plan.choices)],
            wanted=amount(_size(job, states) for job in jobs),
            held=amount(_size(job, states) for job in jobs if job.file.is_held),
            fetched=[
                SyncedFile(job.package, job.version, job.file.filename, _size(job, states))
                for job in came
            ],
            pinned=self._wishes.pins and not self._wishes.is_dry,
            withheld=[
                *troubles.withheld.values(), *(one for c in choices for one in c.withheld)
            ],
            missing=self._missing(plan),
            failed=[*troubles.failed.values(), *self._failed],
            conflicts=[one for choice in choices for one in choice.conflicts],
            skipped=self._wishes.skipped,
            notices=[*troubles.notices.values(), *(one for c in choices for one in c.elsewhere)],
        )  # fmt: skip

    def _package(self, name: str, plan: Plan) -> SyncedPackage:
        picks, is_hosted = plan.choices[name].picks, self._is_hosted(name)
        return SyncedPackage(
            package=name,
            is_hosted=is_hosted,
            versions=[pick.version for pick in picks],
            files=0 if is_hosted else len({one for pick in picks for one in pick.files}),
        )

    def _missing(self, plan: Plan) -> list[Missing]:
        troubles = self._knowledge.troubles
        found = [*plan.missing, *(one for c in plan.choices.values() for one in c.missing)]
        for name, asks in plan.asks.items():
            by = tuple(dict.fromkeys(ask.by for ask in asks))
            what = ", ".join(dict.fromkeys(ask.what for ask in asks))
            if name in troubles.missing:
                found.append(Missing(name, what, troubles.missing[name].reason, by))
            elif name in troubles.withheld:
                found.append(Missing(name, what, troubles.withheld[name].reason, by))
        return found

    def _note_lost(self, jobs: Sequence[Job], states: Mapping[int, FileState]) -> None:
        told = {(one.package, one.filename) for one in self._failed}
        for job in jobs:
            is_held = _is_held(states.get(job.file.file_id))
            if not is_held and (job.package, job.file.filename) not in told:
                reason = "it was dropped again, as there is no room for it"
                self._failed.append(Failure(job.package, job.version, job.file.filename, reason))


def _is_held(state: FileState | None) -> bool:
    return state is not None and state.is_held


def _size(job: Job, states: Mapping[int, FileState]) -> int:
    state = states.get(job.file.file_id)
    return job.file.size if state is None else state.size
