"""Read `requirements.txt`: pins with hashes, as pip reads them (pip's requirements file format)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement

from packslip.check.readers.locks import (
    NOT_OF_AN_INDEX,
    NOT_PINNED,
    Lock,
    LockBuilder,
    LockKind,
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
_OTHER_FILE = ("-r", "--requirement", "-c", "--constraint")


def read_requirements(filename: str, text: str) -> Lock:
    """Read the pins of a requirements file; other files that it names are not read.

    Raises:
        BrokenLockError: a line is neither a requirement nor an option.
        LockTooLargeError: it has too many lines.
    """
    builder = LockBuilder(filename, LockKind.REQUIREMENTS)
    for number, line in _logical_lines(text):
        if len(line) > _LONGEST_LINE:
            raise builder.broken(number, "the line is too long.")
        if line.startswith("-"):
            _skip_option(builder, line, number)
        else:
            _read_requirement(builder, line, number)
    return builder.lock()


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


def _skip_option(builder: LockBuilder, line: str, number: int) -> None:
    name = re.split(r"[\s=]", line, maxsplit=1)[0]
    if name.startswith(_EDITABLE):
        builder.skip(line, NOT_OF_AN_INDEX, number)
    elif name.startswith(_OTHER_FILE):
        builder.skip(line, "other files are not read; check them by themselves", number)
    else:
        builder.skip(name, "options of pip are not looked at", number)


def _read_requirement(builder: LockBuilder, line: str, number: int) -> None:
    option = _OPTION.search(line)
    asked, options = (
        (line, "") if option is None else (line[: option.start()], line[option.start() :])
    )
    asked = asked.strip()
    if _is_elsewhere(asked):
        builder.skip(asked, NOT_OF_AN_INDEX, number)
        return
    try:
        requirement = Requirement(asked)
    except (InvalidRequirement, ValueError, RecursionError):
        raise builder.broken(number, f"{shown(asked)!r} is no requirement.") from None
    if requirement.url is not None:
        builder.skip(asked, NOT_OF_AN_INDEX, number)
        return
    version = _pinned(requirement)
    if version is None:
        builder.skip(asked, NOT_PINNED, number)
        return
    hashes = [match["value"] for match in _OPTION.finditer(options) if match["name"] == "hash"]
    files = (locked_file(text) for text in hashes)
    marker = None if requirement.marker is None else str(requirement.marker)
    builder.add(
        requirement.name, version, number, [file for file in files if file is not None], marker
    )


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
