"""What it means when the database fails, whichever it is."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFreeError

from packslip.errors import PackslipError

#: PostgreSQL's read_only_sql_transaction.
READ_ONLY = "25006"

_FAILURES = (OperationalError, InterfaceError, NoConnectionFreeError)


class DataFolderError(PackslipError):
    """Nothing can be written to the data folder. It is told on the server alone."""

    def __init__(self, folder: Path, error: OSError) -> None:
        super().__init__(f"the data folder {folder} cannot be written to: {error.strerror}")


def failure_of(error: BaseException) -> str | None:
    """What is wrong with the database itself, in its own words; None for all other errors.

    It is away, none of its connections came free, its disk fails, or its file is damaged.
    """
    # The last one is what SQLite raises for damaged files; its subclasses tell of statements.
    if isinstance(error, _FAILURES) or type(error) is DatabaseError:
        return str(getattr(error, "orig", None) or error)
    return None


def is_busy(error: BaseException) -> bool:
    """Whether another process holds what was to be locked."""
    # PostgreSQL's words depend on its language; this is lock_not_available.
    return "database is locked" in str(error) or _state(error) == "55P03"


def is_full(error: BaseException) -> bool:
    """Whether there is no room left on its disk."""
    # This is disk_full.
    return "database or disk is full" in str(error) or _state(error) == "53100"


def is_read_only(error: BaseException) -> bool:
    """Whether SQLite's file can only be read, or what was PostgreSQL's primary is a replica now."""
    return "readonly database" in str(error) or _state(error) == READ_ONLY


def _state(error: BaseException) -> str | None:
    state: str | None = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state
