"""Records that become rows, many in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.downloads.models import Download, DownloadSpool
from packslip.downloads.rollups import sum_up
from packslip.downloads.spool import Batch, DownloadRecord
from packslip.downloads.user_agent import parse_user_agent
from packslip.many_rows import add_rows

#: Records after which rows are made of them. The more there are, the fewer sums change for each:
#: of 3,000 downloads most are the first of their package and client, of 20,000 few are.
ENOUGH = 20_000


@dataclass
class Drained:
    """What a drain did."""

    records: int = 0
    #: Lines that were no records, and were passed over.
    malformed: int = 0


@dataclass
class _Stretch:
    """Bytes of a spool."""

    start: int
    end: int


class Intake:
    """Gathers what was read of spools and makes rows of it.

    The rows and the positions up to which the spools were read are committed together.
    """

    def __init__(self, session: Session) -> None:
        self.drained = Drained()
        self._session = session
        self._records: list[DownloadRecord] = []
        self._stretches: dict[str, _Stretch] = {}

    def position(self, spool: str) -> int:
        """Up to which byte a spool was taken in."""
        # A transaction that the caller began may not see what another process drained since.
        self._session.rollback()
        query = select(DownloadSpool.position).where(DownloadSpool.id == spool)
        return self._session.scalar(query) or 0

    def add(self, spool: str, start: int, batch: Batch) -> None:
        """Take what was read of a spool from `start` on, where the batch before ended.

        Raises:
            UnavailableError: the database was held by another process for too long.
        """
        self._stretches.setdefault(spool, _Stretch(start, start)).end = batch.end
        self._records += batch.records
        self.drained.malformed += batch.malformed
        if len(self._records) >= ENOUGH:
            self.commit()

    def commit(self) -> None:
        """Make rows of all that was given and is none yet.

        Raises:
            UnavailableError: the database was held by another process for too long.
        """
        if not self._stretches:
            return
        # Neighbours in the indexes are faster to add than rows from all over them.
        self._records.sort(key=attrgetter("package", "release"))
        rows = [_row(record) for record in self._records]
        with write_transaction(self._session):
            for spool, stretch in self._stretches.items():
                _advance(self._session, spool, stretch)
            if rows:
                add_rows(self._session, Download, rows)
                sum_up(self._session, rows)
        self.drained.records += len(rows)
        self._records.clear()
        self._stretches.clear()


def _advance(session: Session, spool: str, stretch: _Stretch) -> None:
    entry = session.get(DownloadSpool, spool, with_for_update=True)
    if entry is None:
        entry = DownloadSpool(id=spool, position=0)
        session.add(entry)
    if entry.position != stretch.start:
        raise RuntimeError(f"{spool} was drained by somebody else meanwhile")
    entry.position = stretch.end


def _row(record: DownloadRecord) -> dict[str, Any]:
    # PostgreSQL refuses texts with NUL.
    user_agent = record.user_agent.replace("\0", "")
    return {
        "created_at": record.at,
        "package_id": record.package,
        "release_id": record.release,
        "file": record.file,
        "ip_address": record.address,
        "user_agent": user_agent,
        "user_id": record.user,
        "token_id": record.token,
        **_told_by(user_agent),
    }


@lru_cache(maxsize=1024)
def _told_by(user_agent: str) -> Mapping[str, Any]:
    """The columns that a `User-Agent` fills."""
    return asdict(parse_user_agent(user_agent))
