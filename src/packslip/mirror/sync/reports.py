"""What came of making the mirror hold something."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from packslip.mirror.sync.fetching import Failure
from packslip.mirror.sync.values import Conflict, Missing, Withheld


@dataclass(frozen=True)
class SyncedPackage:
    """A package of which something is wanted."""

    package: str
    is_hosted: bool
    #: The newest first.
    versions: Sequence[str]
    #: How many of its files are wanted; of a hosted one none, as they are here.
    files: int


@dataclass(frozen=True)
class SyncedFile:
    """A file that was fetched, or is to be."""

    package: str
    version: str
    filename: str
    #: Bytes; 0 when nobody says.
    size: int


@dataclass(frozen=True)
class Amount:
    """Files, and their bytes as far as these are known."""

    files: int
    bytes: int


@dataclass(frozen=True)
class Unread:
    """An entry of a file of requirements that is not about a package of an index."""

    file: str
    line: int
    what: str
    why: str


@dataclass
class Report:
    """All of it, as `--json` prints it."""

    dry_run: bool
    interrupted: bool = False
    packages: Sequence[SyncedPackage] = ()
    #: All that are wanted.
    wanted: Amount = Amount(0, 0)
    #: Those that were held before.
    held: Amount = Amount(0, 0)
    #: Those that came, or would have to.
    fetched: Sequence[SyncedFile] = ()
    pinned: bool = True
    withheld: Sequence[Withheld] = ()
    missing: Sequence[Missing] = ()
    failed: Sequence[Failure] = ()
    conflicts: Sequence[Conflict] = ()
    skipped: Sequence[Unread] = ()
    notices: Sequence[str] = field(default_factory=list)

    @property
    def is_all_there(self) -> bool:
        """Whether nothing that was asked for is missing."""
        return not (self.missing or self.failed or self.interrupted)


def amount(sizes: Iterable[int]) -> Amount:
    """So many files with these sizes."""
    known = list(sizes)
    return Amount(len(known), sum(known))
