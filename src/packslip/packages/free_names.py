"""Which names a new package may have."""

from __future__ import annotations

import sys

from packaging.utils import canonicalize_name
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from packslip.db import is_postgresql
from packslip.errors import InvalidError
from packslip.packages.lookalikes import looking_the_same

#: Modules that the standard library of another Python has than the one that the server runs on:
#: whether a name is free must not depend on that.
_OF_OTHER_PYTHONS = {
    "annotationlib", "asynchat", "asyncore", "audioop", "binhex", "cgi", "cgitb", "chunk",
    "compression", "crypt", "distutils", "formatter", "imghdr", "imp", "lib2to3", "macpath",
    "mailcap", "msilib", "nis", "nntplib", "ossaudiodev", "parser", "pipes", "smtpd", "sndhdr",
    "spwd", "sunau", "symbol", "telnetlib", "tomllib", "uu", "xdrlib",
}  # fmt: skip

#: Packages of these names would stand in the way of the standard library's modules.
STANDARD_LIBRARY = frozenset(
    canonicalize_name(name) for name in sys.stdlib_module_names | _OF_OTHER_PYTHONS
)

#: The advisory lock of PostgreSQL that whoever takes a new name holds.
_LOCK = 0x5041434B


class ReservedNameError(InvalidError):
    """The name is that of a module of the standard library."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The package name {name!r} is not free: it is that of a module of Python's"
            " standard library."
        )
        self.name = name


class LookalikeNameError(InvalidError):
    """The name cannot be told from that of another package in many typefaces."""

    def __init__(self, name: str, other: str) -> None:
        super().__init__(
            f"The package name {name!r} is not free: it looks like {other!r}, which is here."
            " The signs 0 and o are taken for one another, and so are 1, l and i."
        )
        self.name = name
        self.other = other


def require_unreserved_name(package_id: str, name: str) -> None:
    """Allow a package of that normalised name, whoever wants it.

    Raises:
        ReservedNameError: it is that of a module of the standard library.
    """
    if package_id in STANDARD_LIBRARY:
        raise ReservedNameError(name)


def require_free_name(session: Session, package_id: str, name: str) -> None:
    """Allow a new package of that normalised name.

    Raises:
        ReservedNameError: it is that of a module of the standard library.
        LookalikeNameError: it looks the same as that of another package.
    """
    require_unreserved_name(package_id, name)
    if (other := looking_the_same(session, package_id)) is not None:
        raise LookalikeNameError(name, other)


def take_turns(session: Session) -> None:
    """Wait until nobody else is just taking a new name: two may look like one another.

    It holds until the transaction ends. SQLite has one writer at a time anyhow.
    """
    if is_postgresql(session):
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
