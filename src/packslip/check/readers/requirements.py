"""Read `requirements.txt`: pins with hashes, as pip reads them (pip's requirements file format)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement

from packslip.check.readers.locks import (
    NOT_OF_AN_INDEX,
    NOT_PINNED,
    BrokenLockError,
    Lock,
    LockBuilder,
    LockedFile,
    LockKind,
    Skipped,
    locked_file,
    shown,
)

#: Characters of a line, with all that continues it.
_LONGEST_LINE = 200_000

_COMMENT = re.compile(r"(?:^|\s)#.*\Z")
_OPTION = re.compile(r"\s--(?P<name>[a-z-]+)[=\s]\s*(?P<value>[^\s]+)")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://|git\+|file:", re.IGNORECASE)
_ARCHIVE = re.compile(r"\.(?:whl|zip|tar\.gz|tgz|tar\.bz2|tar\.xz)\Z", re.IGNORECASE)

_EDITABLE = ("-e", "--editable")
_OTHER_FILE = re.compile(
    r"(?P<option>--requirement|--constraint|-r|-c)(?:\s+|=\s*|(?<=-[rc]))(?P<path>\S.*)\Z"
)


@dataclass(frozen=True, slots=True)
class RequirementLine:
    """Something that is required of an index."""

    requirement: Requirement
    #: As it is written, without its options.
    text: str
    #: Those that its hashes allow.
    files: Sequence[LockedFile]
    line: int


@dataclass(frozen=True, slots=True)
class OtherFile:
    """Another file of requirements that belongs to this one."""

    #: As it is written: an address, or a path seen from this file.
    path: str
    is_constraint: bool
    #: The whole option.
    text: str
    line: int


def read_requirements(filename: str, text: str) -> Lock:
    """Read the pins of a requirements file; other files that it names are not read.

    Raises:
        BrokenLockError: a line is neither a requirement nor an option.
        LockTooLargeError: it has too many lines.
    """
    builder = LockBuilder(filename, LockKind.REQUIREMENTS)
    for entry in read_lines(filename, text):
        if isinstance(entry, Skipped):
            builder.skip(entry.what, entry.why, entry.line)
        elif isinstance(entry, OtherFile):
            builder.skip(
                entry.text, "other files are not read; check them by themselves", entry.line
            )
        else:
            _add(builder, entry)
    return builder.lock()


def read_lines(filename: str, text: str) -> Iterator[RequirementLine | OtherFile | Skipped]:
    """What stands in a requirements file, line by line.

    Raises:
        BrokenLockError: a line is neither a requirement nor an option.
    """
    for number, line in _logical_lines(text):
        if len(line) > _LONGEST_LINE:
            raise BrokenLockError(filename, number, "the line is too long.")
        if line.startswith("-"):
            yield _read_option(line, number)
        else:
            yield _read_requirement(filename, line, number)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments, with those that a backslash continues, by the number of the first."""
    parts: list[str] = []
    first = 1
    for number, line in enumerate(text.splitlines(), 1):
        if not parts:
            first = number
        is_comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not is_comment:
            parts.append(line[:-1])
            continue
        # A comment ends a continued line, and is a comment there too.
        parts.append(f" {line}" if is_comment else line)
        if joined := _COMMENT.sub("", "".join(parts)).strip():
            yield first, joined
        parts = []
    if joined := _COMMENT.sub("", "".join(parts)).strip():
        yield first, joined


def _read_option(line: str, number: int) -> OtherFile | Skipped:
    name = re.split(r"[\s=]", line, maxsplit=1)[0]
    if name.startswith(_EDITABLE):
        return Skipped(shown(line), NOT_OF_AN_INDEX, number)
    other = _OTHER_FILE.match(line)
    if other is not None:
        path = other["path"].strip().strip("'\"")
        return OtherFile(path, other["option"] in {"-c", "--constraint"}, line, number)
    return Skipped(shown(name), "options of pip are not looked at", number)


def _read_requirement(filename: str, line: str, number: int) -> RequirementLine | Skipped:
    option = _OPTION.search(line)
    asked, options = (
        (line, "") if option is None else (line[: option.start()], line[option.start() :])
    )
    asked = asked.strip()
    if _is_elsewhere(asked):
        return Skipped(shown(asked), NOT_OF_AN_INDEX, number)
    try:
        requirement = Requirement(asked)
    except (InvalidRequirement, ValueError, RecursionError):
        raise BrokenLockError(filename, number, f"{shown(asked)!r} is no requirement.") from None
    if requirement.url is not None:
        return Skipped(shown(asked), NOT_OF_AN_INDEX, number)
    hashes = [match["value"] for match in _OPTION.finditer(options) if match["name"] == "hash"]
    files = (locked_file(text) for text in hashes)
    return RequirementLine(requirement, asked, [file for file in files if file is not None], number)


def _add(builder: LockBuilder, entry: RequirementLine) -> None:
    requirement = entry.requirement
    version = _pinned(requirement)
    if version is None:
        builder.skip(entry.text, NOT_PINNED, entry.line)
        return
    marker = None if requirement.marker is None else str(requirement.marker)
    builder.add(requirement.name, version, entry.line, entry.files, marker)


def _is_elsewhere(asked: str) -> bool:
    head = asked.partition(" ")[0]
    return (
        _URL.match(head) is not None
        or head.startswith((".", "/", "~"))
        or _ARCHIVE.search(head) is not None
        # A path of Windows, or with folders in it.
        or re.match(r"[A-Za-z]:[\\/]", head) is not None
        or ("/" in head and "@" not in head and ";" not in head)
    )


def _pinned(requirement: Requirement) -> str | None:
    specifiers = list(requirement.specifier)
    if len(specifiers) != 1:
        return None
    (one,) = specifiers
    is_pin = one.operator in {"==", "==="} and not one.version.endswith(".*")
    return one.version if is_pin else None
