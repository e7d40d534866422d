"""What `packslip mirror sync` is to have: names, requirements and lock files, as one list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from packslip.check.readers.locks import MAX_SIZE, LockedFile, Pin, Skipped
from packslip.check.readers.reading import read_lock, read_text
from packslip.check.readers.requirements import OtherFile, RequirementLine, read_lines
from packslip.errors import InvalidError
from packslip.mirror.sync.environments import Environment
from packslip.mirror.sync.reports import Unread
from packslip.mirror.sync.values import Ask, FixedFile
from packslip.simple_api.page import InvalidPackageNameError, normalize_name
from packslip.texts import brief

#: Files of requirements that one names another one in, at most.
_DEEPEST = 20

_NOT_READ = "files that cannot be read here are not looked at"


class InvalidWishError(InvalidError):
    """An argument is no name and no requirement."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(f"{brief(text)!r} {why}.")


class UnreadableFileError(InvalidError):
    """A file cannot be read."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} cannot be read: {why}.")


@dataclass
class Wanted:
    """What was asked for."""

    environments: Sequence[Environment]
    #: Whether all releases that fit are wanted, instead of the newest.
    every: bool = False
    roots: list[Ask] = field(default_factory=list)
    constraints: dict[str, SpecifierSet] = field(default_factory=dict)
    skipped: list[Unread] = field(default_factory=list)

    def add_requirement(self, text: str) -> None:
        """Ask for what an argument says (PEP 508).

        Raises:
            InvalidWishError: it says nothing that an index could have.
        """
        try:
            requirement = Requirement(text)
            normalize_name(requirement.name)
        except (InvalidRequirement, InvalidPackageNameError, ValueError, RecursionError):
            raise InvalidWishError(text, "is no name and no requirement") from None
        if requirement.url is not None:
            raise InvalidWishError(text, "does not come from an index")
        self._add(requirement, "the command line", ())

    def add_requirements(self, path: Path) -> None:
        """Ask for what a file of requirements says, and the files that it names.

        Raises:
            BrokenLockError: a line is neither a requirement nor an option.
            LockTooLargeError: it is larger than what is read.
            UnreadableFileError: it, or one that it names, cannot be read.
        """
        self._read(path, set(), is_constraint=False)

    def add_lock(self, path: Path) -> None:
        """Ask for the pins of a lock file, and nothing beside them.

        Raises:
            BrokenLockError: it is none that can be read.
            LockTooLargeError: it is larger than what is read.
            UnreadableFileError: it cannot be read.
        """
        lock = read_lock(str(path), _content(path))
        self._skip(path, lock.skipped)
        for pin in lock.pins:
            where = self._where(pin.marker, ())
            if where:
                self.roots.append(_pinned(pin, f"{path.name}:{pin.line}", where))

    def _read(self, path: Path, above: set[Path], *, is_constraint: bool) -> None:
        place = path.resolve()
        if place in above:
            # It names itself.
            return
        if len(above) > _DEEPEST:
            raise UnreadableFileError(path, "too many files name one another")
        for entry in read_lines(str(path), read_text(str(path), _content(path))):
            if isinstance(entry, Skipped):
                self._skip(path, [entry])
            elif isinstance(entry, OtherFile):
                self._follow(path, entry, above | {place}, is_constraint=is_constraint)
            elif is_constraint:
                self._constrain(entry)
            else:
                by = f"{path.name}:{entry.line}"
                self._add(entry.requirement, by, _fixed(entry.files))

    def _follow(
        self, path: Path, entry: OtherFile, above: set[Path], *, is_constraint: bool
    ) -> None:
        if "://" in entry.path:
            self._skip(path, [Skipped(entry.text, _NOT_READ, entry.line)])
            return
        other = path.parent / entry.path
        self._read(other, above, is_constraint=is_constraint or entry.is_constraint)

    def _constrain(self, entry: RequirementLine) -> None:
        requirement = entry.requirement
        marker = None if requirement.marker is None else str(requirement.marker)
        if not self._where(marker, ()):
            return
        name = canonicalize_name(requirement.name)
        before = self.constraints.get(name, SpecifierSet())
        self.constraints[name] = before & requirement.specifier

    def _add(self, requirement: Requirement, by: str, files: tuple[FixedFile, ...]) -> None:
        marker = None if requirement.marker is None else str(requirement.marker)
        where = self._where(marker, ())
        if where:
            self.roots.append(
                Ask(
                    name=canonicalize_name(requirement.name),
                    by=by,
                    specifier=requirement.specifier,
                    extras=frozenset(canonicalize_name(extra) for extra in requirement.extras),
                    environments=where,
                    files=files,
                    every=self.every,
                )
            )

    def _where(self, marker: str | None, extras: Iterable[str]) -> frozenset[int]:
        return frozenset(
            index
            for index, environment in enumerate(self.environments)
            if environment.may_hold(marker, tuple(extras))
        )

    def _skip(self, path: Path, skipped: Iterable[Skipped]) -> None:
        self.skipped += [Unread(str(path), one.line, one.what, one.why) for one in skipped]


def _pinned(pin: Pin, by: str, where: frozenset[int]) -> Ask:
    return Ask(
        name=pin.name,
        by=by,
        environments=where,
        version=pin.version,
        files=_fixed(pin.files),
    )


def _fixed(files: Iterable[LockedFile]) -> tuple[FixedFile, ...]:
    return tuple(FixedFile(file.algorithm, file.digest, file.filename) for file in files)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            # One byte more than is allowed, so that the reader tells the limit.
            return file.read(MAX_SIZE + 1)
    except OSError as error:
        raise UnreadableFileError(path, error.strerror or "it is not there") from None
