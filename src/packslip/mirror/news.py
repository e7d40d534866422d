"""Asking upstream for packages of which somebody wants to hear when there is something new.

Others are asked for when clients want them, and only then.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog
from packaging.utils import NormalizedName
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from packslip.errors import PackslipError
from packslip.mirror.models import MirrorPage, PageState
from packslip.mirror.refreshing import make_current
from packslip.subscriptions.queries import packages_to_tell_of

#: How old what is known of such a package may be.
NEWS_AFTER = timedelta(hours=1)

#: After a failure it is asked for again.
_AGAIN = timedelta(minutes=10)

#: Packages that are asked for by one call; the others wait for the next one.
_AT_ONCE = 20

log = structlog.get_logger(__name__)


def look_for_news(session: Session) -> int:
    """Ask for those packages that have waited longest, if that is due; tell how many there were."""
    names = packages_to_tell_of(session)
    now = datetime.now(UTC)
    due = (
        select(MirrorPage.package_id)
        .where(
            MirrorPage.package_id.in_(names),
            MirrorPage.state != PageState.UNKNOWN,
            MirrorPage.checked_at < now - NEWS_AFTER,
            or_(MirrorPage.failed_at.is_(None), MirrorPage.failed_at < now - _AGAIN),
        )
        .order_by(MirrorPage.checked_at)
        .limit(_AT_ONCE)
    )
    found = session.scalars(due).all() if names else ()
    session.rollback()
    for package_id in found:
        try:
            make_current(session, NormalizedName(package_id))
        except PackslipError as error:
            log.info("no news of a package", package=package_id, reason=str(error))
        session.rollback()
    return len(found)
