"""What can be wrong with the data, and what is known while looking for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.settings import Settings
from packslip.storage.protocol import Storage

#: For how long bytes without a row are left alone: an upload may be between the two.
GRACE = timedelta(hours=1)


class Kind(StrEnum):
    """What is wrong, in a word."""

    #: The database itself is damaged.
    DATABASE = "database"
    #: A row names bytes that are not there.
    MISSING = "missing"
    #: The bytes are not those that the row describes.
    WRONG = "wrong"
    #: The bytes are there and cannot be read.
    UNREADABLE = "unreadable"
    #: Nothing names the bytes.
    ORPHANED = "orphaned"
    #: Bytes are back of which the index has said that they are lost.
    RETURNED = "returned"
    #: What an upload or a fetch left that was cut off.
    HALF = "half"
    #: The metadata beside a file is missing, or another one.
    METADATA = "metadata"
    #: Records of downloads lie in no living process's spool.
    DOWNLOADS = "downloads"
    #: There is a package without a release, or a release without a file, that nobody left so.
    EMPTY = "empty"
    #: What a row says does not fit other rows.
    ROW = "row"
    #: The index of the search does not say what the packages say.
    SEARCH = "search"


@dataclass(frozen=True)
class Finding:
    """One disagreement."""

    kind: Kind
    #: What it is about: the name of a file, a package, a key of the storage.
    what: str
    #: What is wrong with it, as words that can stand behind its name.
    reason: str
    #: Mends it and says what was done; gives None when there is nothing to mend any more.
    #: None when it takes a person.
    mend: Callable[[], str | None] | None
    package: str | None = None


@dataclass(frozen=True)
class Outcome:
    """A finding, and what came of it."""

    finding: Finding
    #: What repair did; None when it was not asked to, or could not.
    done: str | None = None
    #: Why it could not.
    failure: str | None = None

    @property
    def is_mended(self) -> bool:
        """Whether all is well with it now."""
        return self.done is not None

    def data(self) -> dict[str, Any]:
        """The same for JSON."""
        return {
            "kind": self.finding.kind,
            "what": self.finding.what,
            "package": self.finding.package,
            "reason": self.finding.reason,
            "mended": self.is_mended,
            "done": self.done,
            "failure": self.failure,
        }

    def line(self) -> str:
        """The same for a person."""
        found = f"{self.finding.kind}: {self.finding.what}: {self.finding.reason}"
        if self.done is not None:
            return f"{found}; {self.done}"
        return found if self.failure is None else f"{found}; not mended: {self.failure}"


@dataclass(frozen=True)
class Place:
    """The data that is looked at. Each check ends its transaction before it tells anything."""

    session: Session
    storage: Storage
    settings: Settings
    actor: Actor
    #: Look at sizes instead of reading all bytes.
    quick: bool = False
    grace: timedelta = GRACE
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def unused_since(self) -> datetime:
        """What was put before that, and is named by nobody, was left behind."""
        return self.started_at - self.grace

    def record_mend(self, what: str, reason: str, package: str | None = None) -> None:
        """Note in the audit log, within a write transaction, that something was mended."""
        data = {"what": what, "reason": reason}
        record(self.session, self.actor, Action.DATA_MEND, package_id=package, data=data)


#: Tells what is wrong, and None now and then for the progress that it makes.
Check = Callable[[Place], Iterator[Finding | None]]
