"""entry_points.txt of a wheel: what installers make commands of."""

from __future__ import annotations

import configparser
import re

from packslip.packages.archives.members import InvalidArchiveError, is_printable
from packslip.texts import brief

#: Bytes that the file may have; the largest known ones have some tens of thousands.
LARGEST_ENTRY_POINTS = 1024**2

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
    parser = configparser.ConfigParser(
        delimiters=("=",), interpolation=None, default_section="", strict=False
    )
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    try:
        parser.read_string(text)
    except configparser.Error as fault:
        lines = [number for number, _ in getattr(fault, "errors", ())]
        line = getattr(fault, "lineno", None) or min(lines, default=None)
        raise InvalidEntryPointsError(
            "is not in the form of groups in brackets and lines `name = module:object`"
            + (f": see line {line}" if line else "")
        ) from None
    for group in parser.sections():
        for name, value in parser.items(group):
            _check(group, name, value)


def _check(group: str, name: str, value: str) -> None:
    if not is_printable(group + name):
        raise InvalidEntryPointsError(f"has a name that is not printable: {brief(name)}")
    if group not in _PROGRAMS:
        return
    if name in {"", ".", ".."} or "/" in name or "\\" in name or _DRIVE.match(name):
        raise InvalidEntryPointsError(f"would make a program {brief(name)} outside of its folder")
    if not _REFERENCE.fullmatch(value):
        raise InvalidEntryPointsError(
            f"names no object of a module for the program {brief(name)}: {brief(value)}"
        )
