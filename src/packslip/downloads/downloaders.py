"""Who downloaded a package lately: users and tokens where they are known, else addresses."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, null, select
from sqlalchemy.orm import Session

from packslip.downloads.models import Download
from packslip.downloads.queries import LOOKED_AT


@dataclass(frozen=True)
class Downloader:
    """Downloads that have user, token, address and tool in common."""

    user_id: int | None
    token_id: int | None
    #: None where the user is known, and where addresses are not kept.
    ip_address: str | None
    #: The installer's name; None for what is none, such as a browser.
    tool: str | None
    downloads: int
    last_at: datetime


@dataclass(frozen=True)
class Found:
    """The downloaders of a package, in no order."""

    downloaders: Sequence[Downloader]
    #: False when there were more downloads of the package than were looked at.
    is_all: bool


def list_downloaders(
    session: Session,
    package_id: str,
    since: datetime,
    *,
    release_ids: Collection[int] | None = None,
) -> Found:
    """Who downloaded the package since then, or some of its releases.

    Only the package's latest downloads are looked at, `LOOKED_AT` of them.
    """
    latest = (
        select(
            Download.user_id,
            Download.token_id,
            case((Download.user_id.is_(None), Download.ip_address), else_=null()).label("address"),
            Download.installer,
            Download.release_id,
            Download.created_at,
        )
        .where(Download.package_id == package_id, Download.created_at >= since)
        .order_by(Download.created_at.desc())
        .limit(LOOKED_AT)
        .subquery()
    )
    found = latest.c
    who = (found.user_id, found.token_id, found.address, found.installer)
    query = select(
        *who,
        found.release_id,
        func.count(),
        func.max(found.created_at, type_=Download.created_at.type),
    ).group_by(*who, found.release_id)
    rows = session.execute(query).all()
    # Filtered here: of the releases there may be more than a statement takes values.
    wanted = None if release_ids is None else set(release_ids)
    return Found(
        [
            Downloader(row[0], row[1], row[2], row[3], int(row[5]), row[6])
            for row in rows
            if wanted is None or row[4] in wanted
        ],
        sum(row[5] for row in rows) < LOOKED_AT,
    )
