"""Where packages come from, whatever wrote them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from packslip.exchange.documents import (
    FILES,
    NOTES,
    PACKAGE,
    FileRecord,
    PackageRecord,
    read_mark,
    read_package,
)


@dataclass(frozen=True)
class Offered:
    """A package that can be taken in."""

    record: PackageRecord
    #: What there is of it and is not taken, each in a sentence.
    left_out: Sequence[str] = ()
    #: Where notes lie, as `packslip note export` writes them.
    notes: Path | None = None


class Source(Protocol):
    """Packages of another index."""

    #: What there is besides its packages and is not taken, each in a sentence.
    left_out: Sequence[str]

    def names(self) -> Sequence[str]:
        """What to ask `read` for."""

    def read(self, name: str) -> AbstractContextManager[Offered]:
        """One package; it may be looked at as long as the block lasts.

        Raises:
            InvalidError: it cannot be read.
        """

    def open(self, name: str, file: FileRecord) -> AbstractContextManager[Path]:
        """One of its files, for as long as the block lasts.

        Raises:
            OSError: it cannot be read.
            PackslipError: it cannot be had.
        """


class ExportSource:
    """What `packslip export` wrote."""

    def __init__(self, folder: Path) -> None:
        """Raise `InvalidExportError` if it is none of this version."""
        read_mark(folder)
        self.left_out: Sequence[str] = ()
        self._folder = folder

    def names(self) -> Sequence[str]:
        """The folders of the packages."""
        return sorted(path.parent.name for path in self._folder.glob(f"*/{PACKAGE}"))

    @contextmanager
    def read(self, name: str) -> Iterator[Offered]:
        """What `package.json` says."""
        folder = self._folder / name
        yield Offered(read_package(folder), notes=folder / NOTES)

    def open(self, name: str, file: FileRecord) -> AbstractContextManager[Path]:
        """The file in the package's folder."""
        return nullcontext(self._folder / name / FILES / file.filename)
