"""entry_points.txt of a wheel: what installers make commands of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from packslip.packages.archives.members import InvalidArchiveError, is_printable
from packslip.texts import brief

#: Bytes that the file may have; the largest known ones have some tens of thousands.
LARGEST_ENTRY_POINTS = 1024**2

#: Characters that one name and one reference may have.
LONGEST = 1000

#: Groups of which installers make programs, whose names are those of files.
_PROGRAMS = {"console_scripts", "gui_scripts"}

_REFERENCE = re.compile(
    r"[^\W\d]\w*(\.[^\W\d]\w*)*\s*:\s*[^\W\d]\w*(\.[^\W\d]\w*)*\s*(\[[\w\s.,-]*\])?\s*"
)
_DRIVE = re.compile(r"[A-Za-z]:")


class InvalidEntryPointsError(InvalidArchiveError):
    """entry_points.txt cannot be read, or would make programs of no sane names."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"The wheel's entry_points.txt {fault}")


def check_entry_points(data: bytes) -> None:
    """Check the file as the entry points specification describes it.

    Raises:
        InvalidEntryPointsError: It is not as it should be.

    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise InvalidEntryPointsError("is not UTF-8") from None
    for group, name, value in _entries(text):
        if not is_printable(group + name + value):
            raise InvalidEntryPointsError(f"has a name that is not printable: {brief(name)}")
        if group in _PROGRAMS:
            _check_program(name, value)


def _entries(text: str) -> Iterator[tuple[str, str, str]]:
    """Give group, name and reference of each line, as installers read them.

    `configparser` is not used: it takes an indented line for part of the one before, and installers
    for one of its own. It also needs the square of the time for lines that it cannot read.
    """
    group = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        name, equals, value = (part.strip() for part in line.partition("="))
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
        elif line and not line.startswith("#") and (equals or not line.startswith(";")):
            if group is None or not equals or name.startswith("[") or len(line) > LONGEST:
                raise InvalidEntryPointsError(
                    "is not in the form of groups in brackets and lines `name = module:object`:"
                    f" see line {number}"
                )
            yield group, name, value


def _check_program(name: str, value: str) -> None:
    if name in {"", ".", ".."} or "/" in name or "\\" in name or _DRIVE.match(name):
        raise InvalidEntryPointsError(f"would make a program {brief(name)} outside of its folder")
    if not _REFERENCE.fullmatch(value):
        raise InvalidEntryPointsError(
            f"names no object of a module for the program {brief(name)}: {brief(value)}"
        )
