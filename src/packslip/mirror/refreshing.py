"""Asking upstreams for a package's page: when it is due, once however many want it.

Whoever asks holds a lease in the database, so that this is so over all processes. The others get
what is known, or wait for the first answer.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog
from packaging.utils import NormalizedName
from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from packslip.mirror.circuit import asking
from packslip.mirror.client import Answer, current_client
from packslip.mirror.current import Mirror, current_mirror
from packslip.mirror.errors import KnownFailureError, UpstreamFailedError, UpstreamSlowError
from packslip.mirror.keeper import current_keeper
from packslip.mirror.leases import end_lease, take_lease
from packslip.mirror.models import MirrorPage, PageState
from packslip.mirror.rule_queries import rules_token_column
from packslip.mirror.taking import (
    HostedNowError,
    Source,
    note_unchanged,
    take_missing,
    take_page,
)
from packslip.mirror.upstream_pages import ACCEPT, UnreadablePageError, read_page
from packslip.mirror.upstreams import Upstream
from packslip.mirror.verdict import RefusedByRuleError, refused_by_name
from packslip.mirror.waiting import a_place
from packslip.packages.models import Origin, Package
from packslip.packages.queries import UnknownPackageError
from packslip.web.metrics import current_metrics

#: Seconds in which all upstreams together have to answer.
PATIENCE = 12.0

#: Seconds for which "there is no such package" counts at most: somebody may be waiting for it.
MISSING_TTL = 60

#: Seconds after a failure in which a page is not asked for again.
PAUSE = 10

#: Bytes of a page; the largest that are known have some 30 MB.
LARGEST_PAGE = 128 * 1024 * 1024

#: Seconds between two looks at whether another one has the answer.
_LOOK = 0.05

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Freshness:
    """How current what is known of a mirrored package is."""

    #: The upstream's name; None for a package that is none's.
    upstream: str | None
    #: When upstream last said what is known now.
    checked_at: datetime | None
    #: Why it could not be asked since then.
    failure: str | None
    #: Until when nobody asks it again; None when somebody might do so now.
    until: datetime | None
    #: That of the rules in force; see `packslip.mirror.verdict.rules_of_token`.
    rules_token: str | None


@dataclass(frozen=True)
class _Known:
    rules_token: str | None
    origin: str | None
    state: str
    upstream: str | None
    etag: str | None
    last_modified: str | None
    checked_at: datetime | None
    failed_at: datetime | None
    failure: str | None
    lease_until: datetime | None

    def is_fresh(self, ttl: int, now: datetime) -> bool:
        if self.state == PageState.MISSING:
            ttl = min(ttl, MISSING_TTL)
        return self.checked_at is not None and now < self.checked_at + timedelta(seconds=ttl)

    def has_just_failed(self, now: datetime) -> bool:
        return self.failed_at is not None and now < self.failed_at + timedelta(seconds=PAUSE)


def make_current(session: Session, package_id: NormalizedName) -> Freshness | None:
    """Ask upstream for the package if that is due, before what is known of it is read.

    Returns:
        How current a mirrored package is then; None for a hosted one.

    Raises:
        UnknownPackageError: the name is reserved, and no package here has it.
        RefusedByRuleError: nothing is known of the package, and nothing of it would come through.
        UpstreamFailedError: nothing is known of the package, and no answer was to be had.
        UpstreamSlowError: the same, in the time that there is.
    """
    mirror = current_mirror()
    if not mirror:
        return None
    known = _read(session, package_id)
    if known.origin == Origin.HOSTED:
        return None
    if not mirror.upstreams_for(package_id):
        if known.origin is None or mirror.is_reserved(package_id):
            raise UnknownPackageError(package_id)
        return _freshness(known)
    now = datetime.now(UTC)
    if known.origin is None and (refusal := refused_by_name(session, package_id, now)) is not None:
        raise RefusedByRuleError(refusal)
    count = current_metrics().mirror_answers.labels
    if known.is_fresh(mirror.ttl, now):
        count("page", "kept").inc()
        return _freshness(known)
    outcome = "failed"
    try:
        if known.has_just_failed(now):
            return _stale(known)
        with a_place():
            found = _refresh(session, mirror, package_id)
        outcome = "failed" if found.failure else "fetched"
        return found
    finally:
        count("page", outcome).inc()


def _refresh(session: Session, mirror: Mirror, package_id: NormalizedName) -> Freshness:
    end = time.monotonic() + PATIENCE
    began = datetime.now(UTC)
    while True:
        leased = take_lease(session, package_id)
        known = _read(session, package_id)
        session.rollback()
        if leased:
            if known.is_fresh(mirror.ttl, datetime.now(UTC)):
                end_lease(session, package_id)
            else:
                _ask(session, mirror, package_id, known, end)
                known = _read(session, package_id)
            break
        if known.state != PageState.UNKNOWN:
            break
        if known.failed_at is not None and known.failed_at >= began:
            break
        if time.monotonic() > end:
            raise UpstreamSlowError(mirror.upstreams_for(package_id)[0].name, PATIENCE)
        time.sleep(_LOOK)
    return _stale(known) if known.failure else _freshness(known)


def _ask(
    session: Session, mirror: Mirror, package_id: NormalizedName, known: _Known, end: float
) -> None:
    try:
        for upstream in mirror.upstreams_for(package_id):
            if _ask_one(session, upstream, package_id, known, end):
                return
        take_missing(session, package_id)
    except HostedNowError:
        end_lease(session, package_id)
    except (UpstreamFailedError, UpstreamSlowError) as error:
        log.warning("upstream failed", package=package_id, problem=str(error))
        end_lease(session, package_id, failure=str(error))
        if known.origin is None:
            raise
    except BaseException:
        end_lease(session, package_id)
        raise


def _ask_one(
    session: Session, upstream: Upstream, package_id: NormalizedName, known: _Known, end: float
) -> bool:
    """Whether the upstream has the package; what it says is taken in then."""
    seconds = end - time.monotonic()
    if seconds <= 0:
        raise UpstreamSlowError(upstream.name, PATIENCE)
    headers = {"Accept": ACCEPT}
    if known.state == PageState.FOUND and known.upstream == upstream.name:
        headers |= _validators(known)
    address = upstream.page_address(package_id)
    with asking(upstream):
        answer = current_client().get(
            upstream, address, headers=headers, limit=LARGEST_PAGE, seconds=seconds
        )
    if answer.status == 304:
        note_unchanged(session, package_id)
        return True
    if answer.status != 200:
        return False
    _take(session, upstream, package_id, answer)
    return True


def _take(session: Session, upstream: Upstream, package_id: NormalizedName, answer: Answer) -> None:
    try:
        kind = answer.headers.get("Content-Type", "")
        page = read_page(package_id, answer.body, kind, answer.address)
    except UnreadablePageError as error:
        raise UpstreamFailedError(upstream.name, str(error)) from error
    source = Source(upstream.name, answer.headers.get("ETag"), answer.headers.get("Last-Modified"))
    take_page(session, package_id, page, source)
    current_keeper().describe_soon(package_id)


def _validators(known: _Known) -> dict[str, str]:
    if known.etag:
        return {"If-None-Match": known.etag}
    return {"If-Modified-Since": known.last_modified} if known.last_modified else {}


def _read(session: Session, package_id: str) -> _Known:
    name = select(literal(package_id).label("id")).subquery()
    page = MirrorPage
    row = session.execute(
        select(
            rules_token_column(),
            Package.origin,
            page.state,
            page.upstream,
            page.etag,
            page.last_modified,
            page.checked_at,
            page.failed_at,
            page.failure,
            page.lease_until,
        )
        .select_from(name)
        .outerjoin(Package, Package.id == name.c.id)
        .outerjoin(page, page.package_id == name.c.id)
    ).one()
    known = _Known(*tuple(row))
    return known if row.state is not None else replace(known, state=PageState.UNKNOWN)


def _stale(known: _Known) -> Freshness:
    # Not "there is none": nobody could say so, and an installer would go on to another index.
    if known.origin is None or known.state == PageState.UNKNOWN:
        raise KnownFailureError(known.failure or "")
    return _freshness(known)


def _freshness(known: _Known) -> Freshness:
    until = None
    if known.checked_at is not None and known.failure is None:
        until = known.checked_at + timedelta(seconds=current_mirror().ttl)
    return Freshness(known.upstream, known.checked_at, known.failure, until, known.rules_token)
