"""The right to take in what is said of a package: one at a time has it, over all processes."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, or_, update
from sqlalchemy.orm import Session

from packslip.db import add_if_new, write_transaction
from packslip.mirror.models import MirrorPage, PageState

#: Seconds after which somebody else may have it, in case that whoever had it has died.
LEASE = 45


def take_lease(session: Session, package_id: str) -> bool:
    """Take the right, unless somebody else has it. From then on the package has a row."""
    holder = f"{os.getpid()}-{secrets.token_hex(4)}"
    now = datetime.now(UTC)
    with write_transaction(session):
        add_if_new(session, MirrorPage(package_id=package_id, state=PageState.UNKNOWN))
        taken = session.execute(
            update(MirrorPage)
            .where(
                MirrorPage.package_id == package_id,
                or_(MirrorPage.lease_until.is_(None), MirrorPage.lease_until < now),
            )
            .values(lease_until=now + timedelta(seconds=LEASE), leased_by=holder)
        )
    return bool(cast("CursorResult[Any]", taken).rowcount)


def end_lease(session: Session, package_id: str, *, failure: str | None = None) -> None:
    """Give it back, with what went wrong if something did."""
    values: dict[str, Any] = {"lease_until": None, "leased_by": None}
    if failure is not None:
        values |= {"failed_at": datetime.now(UTC), "failure": failure}
    with write_transaction(session):
        session.execute(
            update(MirrorPage).where(MirrorPage.package_id == package_id).values(**values)
        )
