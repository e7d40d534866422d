"""Upstreams and how asking them went lately, for pages and commands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.mirror.models import MirrorUpstream
from packslip.mirror.upstreams import upstreams_of
from packslip.settings import Settings


@dataclass(frozen=True)
class UpstreamState:
    """An upstream, without its credentials."""

    name: str
    url: str
    #: Patterns of the names that it is asked for.
    packages: tuple[str, ...]
    answered_at: datetime | None
    #: When and how it failed since it last answered.
    failed_at: datetime | None
    failure: str | None
    #: Until when nobody asks it.
    broken_until: datetime | None


def upstream_states(session: Session, settings: Settings, now: datetime) -> list[UpstreamState]:
    """The upstreams in the order in which they are asked; none when nothing is mirrored."""
    rows = {row.name: row for row in session.scalars(select(MirrorUpstream))}
    found = []
    for one in upstreams_of(settings):
        row = rows.get(one.name, MirrorUpstream())
        has_failed = bool(row.failures)
        is_broken = row.broken_until is not None and row.broken_until > now
        found.append(
            UpstreamState(
                name=one.name,
                url=one.url,
                packages=one.packages,
                answered_at=row.answered_at,
                failed_at=row.failed_at if has_failed else None,
                failure=row.failure if has_failed else None,
                broken_until=row.broken_until if is_broken else None,
            )
        )
    return found
