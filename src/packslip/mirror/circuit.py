"""A circuit breaker for each upstream, for all processes: one that is down costs nobody anything.

Once asking an upstream has failed, with all that is tried again, nobody asks it for a while. Then
one does, and the others go on when it got an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import structlog
from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from packslip.db import add_if_new, db, write_transaction
from packslip.mirror.errors import (
    BrokenUpstreamError,
    UpstreamAnswerError,
    UpstreamFailedError,
    UpstreamSlowError,
)
from packslip.mirror.models import MirrorUpstream
from packslip.mirror.upstreams import Upstream
from packslip.web.metrics import current_metrics

#: For how long nobody asks after the first failure; twice as long after each further one.
FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(minutes=2)

#: How long the one that asks first has for it.
_PROBE = timedelta(seconds=20)

#: How often it is written down that all is well.
_NOTED = timedelta(minutes=1)

log = structlog.get_logger(__name__)


@contextmanager
def asking(upstream: Upstream) -> Iterator[None]:
    """Ask the upstream in the block; how that ended is noted for everybody.

    No transaction is open meanwhile. An answer that only does not help in this case counts as one.

    Raises:
        BrokenUpstreamError: it failed a moment ago.
    """
    metrics = current_metrics()
    requests = partial(metrics.upstream_requests.labels, upstream.name)
    try:
        row = _enter(upstream)
    except BrokenUpstreamError:
        requests("not asked").inc()
        raise
    try:
        with metrics.upstream_seconds.labels(upstream.name).time():
            yield
    except UpstreamAnswerError:
        requests("answered").inc()
        _note_answer(upstream, row)
        raise
    except (UpstreamFailedError, UpstreamSlowError) as error:
        requests("failed").inc()
        _note_failure(upstream, row, error.problem)
        raise
    requests("answered").inc()
    _note_answer(upstream, row)


def is_broken(upstream: Upstream) -> bool:
    """Whether nobody asks the upstream at the moment, or only to see whether it is there again."""
    with Session(db.engine) as session:
        row = session.get(MirrorUpstream, upstream.name)
        return row is not None and row.broken_until is not None


def _enter(upstream: Upstream) -> MirrorUpstream | None:
    now = datetime.now(UTC)
    with Session(db.engine, expire_on_commit=False) as session:
        row = session.get(MirrorUpstream, upstream.name)
        if row is None or row.broken_until is None:
            return row
        if row.broken_until > now or not _may_probe(session, row, now):
            raise BrokenUpstreamError(
                upstream.name, f"{row.failure}; it failed a moment ago and is not asked again yet"
            )
        return row


def _may_probe(session: Session, row: MirrorUpstream, now: datetime) -> bool:
    """Whether this is the one that asks whether the upstream is there again."""
    seen = row.broken_until
    with write_transaction(session):
        taken = session.execute(
            update(MirrorUpstream)
            .where(MirrorUpstream.name == row.name, MirrorUpstream.broken_until == seen)
            .values(broken_until=now + _PROBE)
        )
    return bool(cast("CursorResult[Any]", taken).rowcount)


def _note_answer(upstream: Upstream, before: MirrorUpstream | None) -> None:
    now = datetime.now(UTC)
    is_noted = (
        before is not None
        and before.broken_until is None
        and before.answered_at is not None
        and now - before.answered_at < _NOTED
    )
    if is_noted:
        return
    with Session(db.engine) as session, write_transaction(session):
        row = _row(session, upstream)
        row.answered_at = now
        row.failures = 0
        row.broken_until = None


def _note_failure(upstream: Upstream, before: MirrorUpstream | None, problem: str) -> None:
    now = datetime.now(UTC)
    with Session(db.engine) as session, write_transaction(session):
        row = _row(session, upstream)
        row.failed_at, row.failure = now, problem
        # Of many that asked at once, one counts.
        if row.failures == (0 if before is None else before.failures):
            row.failures += 1
            row.broken_until = now + min(
                FIRST_PAUSE * 2 ** min(row.failures - 1, 10), LONGEST_PAUSE
            )
    log.warning("upstream is not asked for a while", upstream=upstream.name, reason=problem)


def _row(session: Session, upstream: Upstream) -> MirrorUpstream:
    row = session.get(MirrorUpstream, upstream.name, with_for_update=True)
    if row is None:
        add_if_new(session, MirrorUpstream(name=upstream.name, failures=0))
        row = session.get_one(MirrorUpstream, upstream.name, with_for_update=True)
    return row
