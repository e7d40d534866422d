"""Getting to know packages and what their releases require, from upstream where that is needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from flask import Flask
from packaging.utils import NormalizedName

from packslip.db import write_transaction
from packslip.errors import NotFoundError, PackslipError
from packslip.mirror.fetching import own_session
from packslip.mirror.refreshing import make_current
from packslip.mirror.sync.facts import known_package, known_requirements, pin
from packslip.mirror.sync.fetching import Crew, Failure, failures, hold, hold_metadata
from packslip.mirror.sync.patience import Patience
from packslip.mirror.sync.sources import needs_of_source
from packslip.mirror.sync.values import KnownFile, KnownPackage, Missing, Pick, Withheld
from packslip.mirror.verdict import RefusedByRuleError
from packslip.packages.metadata import inspect_metadata
from packslip.storage.protocol import kept_metadata_key
from packslip.web.context import current_storage


class Reporter(Protocol):
    """Shows how far the work has come."""

    def advance(self) -> None:
        """One more is done."""

    def say(self, line: str) -> None:
        """Print a line for the person who waits."""


#: Shows the progress of so many things.
Show = Callable[[int], AbstractContextManager[Reporter]]


@dataclass
class Troubles:
    """What was come upon on the way, by what it is about."""

    missing: dict[str, Missing] = field(default_factory=dict)
    withheld: dict[str, Withheld] = field(default_factory=dict)
    failed: dict[tuple[str, str], Failure] = field(default_factory=dict)
    #: Sentences about what is known less well than it could be.
    notices: dict[tuple[str, str], str] = field(default_factory=dict)


class Knowledge:
    """Knows packages; a `Source` of the walk. What it gets to know stays."""

    def __init__(
        self,
        app: Flask,
        now: datetime,
        patience: Patience,
        show: Show,
        *,
        is_dry: bool,
        pins: bool,
    ) -> None:
        self._crew = Crew(app, patience)
        self._now = now
        self._patience = patience
        self._show = show
        self._is_dry = is_dry
        self._pins = pins
        self._lock = threading.Lock()
        self._packages: dict[str, KnownPackage | None] = {}
        self._requires: dict[tuple[str, str], Sequence[str]] = {}
        self.troubles = Troubles()
        #: Files that were pinned on the way; those that are not wanted at last are let go.
        self.pinned: set[int] = set()

    def learn(self, names: Collection[str]) -> None:
        """Get to know these packages, if they are not known yet. Hosted ones are not asked for."""
        wanted = [name for name in names if name not in self._packages]
        if wanted:
            with self._show(len(wanted)) as progress:
                self._crew.each(wanted, self._learn, progress.advance)

    def package(self, name: str) -> KnownPackage | None:
        """What is known of it; None when nothing is."""
        return self._packages.get(name)

    def read(self, picks: Collection[tuple[str, Pick]]) -> None:
        """Get to know what these releases require, if that is not known yet."""
        wanted = {
            (name, pick.version): (name, pick)
            for name, pick in picks
            if (name, pick.version) not in self._requires
        }
        if wanted:
            with self._show(len(wanted)) as progress:
                self._crew.each(list(wanted.values()), self._read, progress.advance)

    def requires(self, name: str, version: str) -> Sequence[str]:
        """What the release requires (PEP 508); nothing when that is not known."""
        return self._requires.get((name, version), ())

    def _learn(self, name: str) -> None:
        package = None
        with failures(name, "", None) as found:
            package = self._ask(name)
        with self._lock:
            self._packages[name] = package
            if found:
                self.troubles.failed[name, ""] = found[0]

    def _ask(self, name: str) -> KnownPackage | None:
        with own_session() as session:
            try:
                freshness = self._patience.attempt(
                    lambda: make_current(session, NormalizedName(name))
                )
            except NotFoundError:
                freshness = None
            except RefusedByRuleError as error:
                with self._lock:
                    refusal = error.refusal
                    self.troubles.withheld[name] = Withheld(
                        name, "", None, refusal.reason, refusal.until
                    )
                return None
            session.rollback()
            package = known_package(session, name, self._now)
        with self._lock:
            if package is None:
                self.troubles.missing[name] = Missing(name, "", "there is no such package")
            elif freshness is not None and freshness.failure is not None:
                self.troubles.notices[name, ""] = (
                    f"Upstream could not be asked for {name} again: {freshness.failure}"
                )
        return package

    def _read(self, item: tuple[str, Pick]) -> None:
        name, pick = item
        package = self._packages[name]
        is_hosted = package is not None and package.is_hosted
        found: list[str] = []
        with failures(name, pick.version, None) as failed:
            with own_session() as session:
                known = known_requirements(session, name, pick.version)
            found = list(known or ()) if is_hosted else self._needs(name, pick, known)
        with self._lock:
            self._requires[name, pick.version] = found
            if failed:
                self.troubles.failed[name, pick.version] = failed[0]

    def _needs(self, name: str, pick: Pick, known: Sequence[str] | None) -> list[str]:
        files = [file for file in pick.release.files if file.file_id in pick.files]
        wheels = [file for file in files if file.is_wheel]
        telling = min(
            (file for file in files if file.has_metadata), key=_telling_first, default=None
        )
        needs: list[str] = []
        if known is not None:
            needs += known
        elif telling is not None:
            needs += self._said(name, pick, telling)
        if not wheels and files:
            # It is built where it is installed.
            needs += self._built(name, pick, files[0], is_told=bool(known is not None or telling))
        return needs

    def _said(self, name: str, pick: Pick, file: KnownFile) -> Sequence[str]:
        wanted = hold_metadata(file.file_id, self._patience)
        key = kept_metadata_key(wanted.metadata_sha256 or "", wanted.filename)
        with current_storage().open(key) as stored:
            metadata = inspect_metadata(b"".join(stored.read()))[0]
        if metadata is None:
            self._notice(name, pick, "its metadata cannot be read, so nobody knows what it needs")
            return ()
        return metadata.requires_dist

    def _built(self, name: str, pick: Pick, file: KnownFile, *, is_told: bool) -> Sequence[str]:
        if self._is_dry and not file.is_held:
            self._notice(
                name, pick, "only its source distribution, not held yet, says what it needs"
            )
            return ()
        if self._pins and not self._is_dry:
            # Else room could be made by dropping it before it is read.
            with own_session() as session, write_transaction(session):
                new = pin(session, [file.file_id])
            with self._lock:
                self.pinned |= new
        wanted = hold(file.file_id, self._patience)
        assert wanted.storage_key is not None
        try:
            needs = needs_of_source(current_storage(), wanted.storage_key, wanted.filename)
        except PackslipError as error:
            self._notice(name, pick, f"what it needs is not known: {error.reason}")
            return ()
        if is_told:
            return needs.build_requires
        if not needs.is_certain:
            self._notice(name, pick, "it may need more than its source distribution says")
        return [*needs.requires, *needs.build_requires]

    def _notice(self, name: str, pick: Pick, said: str) -> None:
        with self._lock:
            self.troubles.notices[name, pick.version] = f"{name} {pick.version}: {said}"


def _telling_first(file: KnownFile) -> tuple[bool, bool, int, int]:
    """Rather a wheel, rather one for all platforms, rather a small one."""
    return (not file.is_wheel, not file.tags.endswith("-any"), file.size, file.file_id)
