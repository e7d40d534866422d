"""Members of archives: what they are, which are refused, and how much may come out of them."""

from __future__ import annotations

import errno
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

from packslip.errors import InvalidError, PackslipError
from packslip.packages.archives.links import LinkMap
from packslip.texts import brief

#: Bytes read or expanded at once.
PIECE = 256 * 1024

#: Members that one archive may hold.
MOST_MEMBERS = 100_000

#: Bytes that METADATA or PKG-INFO may have, the description in it included.
LARGEST_METADATA = 4 * 1024**2

#: Characters that the name of a member may have, and that all names and links have together.
LONGEST_NAME = 4096
MOST_NAMES = 32 * 1024**2

#: Bytes that every archive may expand to, however small it is.
FREE_EXPANSION = 64 * 1024**2

#: How many times its own size an archive may expand to beyond that; deflate could reach 1032.
LARGEST_RATIO = 100

#: Bytes that no archive may expand to, however large it is.
LARGEST_EXPANSION = 16 * 1024**3

_DRIVE = re.compile(r"[A-Za-z]:")

#: Kinds of characters that cannot be seen: controls, separators of lines, and what turns the
#: direction of text. Halves of characters stand for bytes that are not UTF-8, in old archives.
_UNSEEN = {"Cc", "Zl", "Zp", "Cf"}
#: What joins letters and the parts of signs, and is seen by that.
_JOINERS = "\u200c\u200d"


class InvalidArchiveError(InvalidError):
    """A distribution is not the archive that it should be."""


class DamagedArchiveError(InvalidArchiveError):
    """The archive, or one member of it, cannot be read to its end."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is damaged or cut short")
        self.what = what


class RefusedMemberError(InvalidArchiveError):
    """The archive holds a member that a distribution may not have."""

    def __init__(self, member: str, fault: str) -> None:
        super().__init__(f"The archive's member {brief(member)} {fault}")
        self.member = member
        self.fault = fault


class MissingMemberError(InvalidArchiveError):
    """The archive lacks a member that a distribution must have."""

    def __init__(self, member: str) -> None:
        super().__init__(f"The archive holds no {brief(member)}")
        self.member = member


class TooMuchInsideError(InvalidArchiveError):
    """The archive expands to more than is reasonable."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"The archive {fault}")


class Kind(Enum):
    """What a member is. Anything else is refused by the walker that meets it."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an archive, while the archive is walked."""

    #: As in the archive; from `checked`, the place in the archive that it means.
    name: str
    kind: Kind
    #: What is in it. May be left unread; ends with the step to the next member.
    pieces: Iterator[bytes]
    #: Where a link points to: as in the archive for a symbolic one, else the name of a member.
    target: str | None = None
    is_symbolic: bool = False


class Budget:
    """Counts what comes out of an archive, whatever sizes the archive declares.

    Args:
        size: The size of the archive itself, in bytes.

    """

    def __init__(self, size: int) -> None:
        self._left = min(max(FREE_EXPANSION, size * LARGEST_RATIO), LARGEST_EXPANSION)

    def spend(self, count: int) -> None:
        """Note that this many bytes came out.

        Raises:
            TooMuchInsideError: All that this archive may expand to is used up.

        """
        self._left -= count
        if self._left < 0:
            raise TooMuchInsideError("expands to many times its size")


def checked(members: Iterator[Member]) -> Iterator[Member]:
    """Give the members on, while each has a safe name that is new.

    Raises:
        RefusedMemberError: One is outside of the archive, in the way of another, or there twice.
        TooMuchInsideError: There are too many, or their names are too long together.

    """
    files: set[str] = set()
    folders: set[str] = set()
    links = LinkMap()
    left = MOST_NAMES
    for count, member in enumerate(members):
        left -= len(member.name) + len(member.target or "")
        if count >= MOST_MEMBERS or left < 0:
            raise TooMuchInsideError(f"holds more than {MOST_MEMBERS} members, or too long names")
        place = _place_of(member)
        if member.kind is Kind.FOLDER:
            # Folders are listed twice by some tools, which harms nobody.
            folders.add(place)
        elif place in files:
            raise RefusedMemberError(member.name, "is there twice")
        else:
            if member.kind is Kind.LINK:
                _check_link(links, place, member, files)
            files.add(place)
        yield replace(member, name=place)
    _check_folders(files, folders)
    if (leaving := links.leaving()) is not None:
        raise RefusedMemberError(leaving, "is a link that leads out of the archive")


def _place_of(member: Member) -> str:
    if not is_printable(member.name):
        raise RefusedMemberError(member.name, "has a name that is not printable")
    if len(member.name) > LONGEST_NAME:
        raise RefusedMemberError(member.name, f"has a name of more than {LONGEST_NAME} characters")
    if member.kind is Kind.FILE and member.name.endswith("/"):
        raise RefusedMemberError(member.name, "is a file, and named as a folder")
    place = inside(member.name)
    if place is None or (not place and member.kind is not Kind.FOLDER):
        raise RefusedMemberError(member.name, "has a name that leads out of the archive")
    return place


def _check_link(links: LinkMap, place: str, member: Member, present: set[str]) -> None:
    target = member.target or ""
    if member.is_symbolic:
        if not links.add(place, target):
            raise RefusedMemberError(member.name, "is a link that leads out of the archive")
        return
    original = inside(target)
    if original is None:
        raise RefusedMemberError(member.name, "is a link that leads out of the archive")
    # A second name of a symbolic link would lead to another place.
    if original not in present or original in links:
        raise RefusedMemberError(member.name, "is a link to a file that is not before it")


def _check_folders(files: set[str], folders: set[str]) -> None:
    # Whatever lies below a name follows it at once in this order.
    places = sorted((place.replace("/", "\0"), place) for place in files | folders)
    for (_, place), (_, following) in pairwise(places):
        if place in files and following.startswith(f"{place}/"):
            raise RefusedMemberError(place, "is a folder for others, and is none")
    for place in files & folders:
        raise RefusedMemberError(place, "is a folder for others, and is none")


def is_printable(name: str) -> bool:
    """Whether all of a name can be seen."""
    return name.isprintable() or not any(
        unicodedata.category(sign) in _UNSEEN and sign not in _JOINERS for sign in name
    )


def inside(name: str) -> str | None:
    """Return the place in the archive that a name means, or None when there is no such place."""
    # Windows takes a backslash for a slash.
    path = name.replace("\\", "/")
    if not path or path.startswith("/") or _DRIVE.match(path):
        return None
    place: list[str] = []
    for part in path.split("/"):
        if part == "..":
            return None
        if part not in {"", "."}:
            place.append(part)
    return "/".join(place)


def read(member: Member, limit: int) -> bytes:
    """Return what is in a member.

    Raises:
        RefusedMemberError: It is no file, or holds more than `limit` bytes.

    """
    if member.kind is not Kind.FILE:
        raise RefusedMemberError(member.name, "is not a file")
    content = bytearray()
    for piece in member.pieces:
        content += piece
        if len(content) > limit:
            raise RefusedMemberError(member.name, f"is larger than {limit} bytes")
    return bytes(content)


@contextmanager
def faults_of(what: str) -> Iterator[None]:
    """Make every exception with which a parser answers to hostile bytes a refusal.

    Args:
        what: What is being read, for the sentence that the uploader gets.

    Raises:
        DamagedArchiveError: Instead of what the parser raises.

    """
    try:
        yield
    except (PackslipError, MemoryError):
        raise
    except OSError as fault:
        # Without a number, or with "invalid argument" for an absurd offset, the parser means the
        # archive; anything else is the disk's own fault.
        if fault.errno not in {None, errno.EINVAL}:
            raise
        raise DamagedArchiveError(what) from fault
    except Exception as fault:
        # The standard library's parsers raise nearly everything: zlib.error, struct.error,
        # EOFError, UnicodeDecodeError, OverflowError, RuntimeError, NotImplementedError, ...
        raise DamagedArchiveError(what) from fault
