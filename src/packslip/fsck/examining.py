"""Running all checks, and mending what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import structlog
from sqlalchemy.exc import SQLAlchemyError

from packslip.errors import PackslipError
from packslip.fsck.database import check_database
from packslip.fsck.empties import check_empties
from packslip.fsck.files import check_files, count_held
from packslip.fsck.findings import Check, Finding, Outcome, Place
from packslip.fsck.leftovers import check_downloads, check_parts, check_staging, check_waiting
from packslip.fsck.orphans import check_orphans
from packslip.fsck.rows import (
    check_mirrored,
    check_names,
    check_packages,
    check_sizes,
)

#: In this order: what is back is put back before files are looked at, and what repair changes of
#: files is in their packages' rows by the time these are.
CHECKS: tuple[Check, ...] = (
    check_database,
    check_staging,
    check_waiting,
    check_parts,
    check_downloads,
    check_orphans,
    check_files,
    check_mirrored,
    check_names,
    check_empties,
    check_sizes,
    check_packages,
)

log = structlog.get_logger(__name__)


def count_steps(place: Place) -> int:
    """How often `examine` will say that it made progress."""
    steps = count_held(place.session) + len(CHECKS)
    place.session.rollback()
    return steps


def examine(place: Place, *, repair: bool, advance: Callable[[], None]) -> Iterator[Outcome]:
    """Give what is wrong, and with `repair` what was done about it.

    It can go on while the index is served. What was found is looked at again before it is mended,
    under the locks that whoever uploads takes too; what is in order by then is not given.
    """
    for check in CHECKS:
        for finding in check(place):
            if finding is None:
                advance()
                continue
            outcome = _mend(place, finding) if repair else Outcome(finding)
            if outcome is not None:
                yield outcome


def _mend(place: Place, finding: Finding) -> Outcome | None:
    if finding.mend is None:
        return Outcome(finding, failure="it takes a person")
    try:
        done = finding.mend()
    except PackslipError as error:
        return Outcome(finding, failure=error.reason)
    except (SQLAlchemyError, OSError) as error:
        log.exception("mending failed", what=finding.what)
        return Outcome(finding, failure=str(getattr(error, "orig", error)))
    finally:
        place.session.rollback()
    return None if done is None else Outcome(finding, done=done)
