"""What the index says about a package and its releases: by what acts on it, and by upstream.

Whoever reads it reads columns: `Release.yanked`, `yanked_reason`, `held_reason`, `Package.status`,
`status_reason`, `acts_until`. They are worked out here, in the transaction of the change: after
each change of acts, of releases and of what upstream says. See ADR 12.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from packslip.events.models import Event
from packslip.packages.latest import refresh_texts
from packslip.packages.models import Act, Package, Release, StandingAct
from packslip.packages.version_ranges import covers

#: Characters of one reason, with the number of its note.
MAX_REASON = 200

#: The acts that yank, the strongest first.
YANKING = (Act.HOLD, Act.YANK)

#: The acts that give a package a status (PEP 792), the strongest first.
STATUSES = {
    Act.QUARANTINE: "quarantined",
    Act.ARCHIVE: "archived",
    Act.DEPRECATE: "deprecated",
}

#: The statuses from strongest to weakest.
_STRENGTH = (*STATUSES.values(), "active")


@dataclass(frozen=True)
class ReleaseEffect:
    """What is said about a release."""

    yanked: bool = False
    #: None for a yank without a reason.
    yanked_reason: str | None = None
    #: The whole sentence with which its bytes are refused; None when they are not.
    held_reason: str | None = None


@dataclass(frozen=True)
class PackageEffect:
    """What is said about a package."""

    status: str = "active"
    status_reason: str | None = None
    #: When the first of its acts expires.
    acts_until: datetime | None = None


def list_acts(session: Session, package_id: str) -> Sequence[StandingAct]:
    """What acts on the package now, the oldest note first."""
    statement = select(StandingAct).where(StandingAct.package_id == package_id)
    # Not those that were read before somebody else changed them.
    statement = statement.execution_options(populate_existing=True)
    return session.scalars(statement.order_by(StandingAct.note_id)).all()


def reason_of(title: str, note_id: int) -> str | None:
    """`TITLE (note 42)`, of at most 200 characters; None without a title."""
    if not title:
        return None
    number = f" (note {note_id})"
    room = MAX_REASON - len(number)
    return (title if len(title) <= room else f"{title[: room - 1].rstrip()}…") + number


def release_effect(acts: Iterable[StandingAct], release: Release) -> ReleaseEffect:
    """What these acts and upstream say together about the release."""
    yanks = [
        act
        for kind in YANKING
        for act in acts
        if act.act == kind and covers(act.version_range, release.version)
    ]
    reasons = [reason_of(act.title, act.note_id) for act in yanks]
    held = [
        f"On hold by {act.username}: {reason}"
        for act, reason in zip(yanks, reasons, strict=True)
        if act.act == Act.HOLD
    ]
    if release.upstream_yanked:
        reasons.append(release.upstream_yanked_reason)
    return ReleaseEffect(
        yanked=bool(yanks) or bool(release.upstream_yanked),
        yanked_reason=_joined(reasons),
        held_reason=_joined(held),
    )


def package_effect(acts: Sequence[StandingAct], package: Package) -> PackageEffect:
    """What these acts and upstream say together about the package."""
    said = [
        (status, reason_of(act.title, act.note_id))
        for kind, status in STATUSES.items()
        for act in acts
        if act.act == kind
    ]
    if package.upstream_status not in {None, "active"}:
        said.append((package.upstream_status, package.upstream_status_reason))
    statuses = [status for status, _ in said]
    ends = [act.expires_at for act in acts if act.expires_at is not None]
    return PackageEffect(
        status=min(statuses, key=_STRENGTH.index, default="active"),
        status_reason=_joined([reason for _, reason in said]),
        acts_until=min(ends, default=None),
    )


def apply_acts(
    session: Session, package: Package, releases: Iterable[Release] | None = None
) -> bool:
    """Bring what is said about the package and its releases up to date.

    Call it with the package locked. Without `releases` it looks at all of them; give those that
    are new or of which upstream says something else, when nothing else changed. The caller
    records the event, and refreshes the package's texts: another release may speak for it.

    Returns:
        Whether anything of what is said has changed.
    """
    session.flush()
    acts = list_acts(session, package.id)
    said = package_effect(acts, package)
    changed = _set(package, said)
    if releases is None:
        releases = session.scalars(
            select(Release)
            .where(Release.package_id == package.id)
            .options(defer(Release.core_metadata))
        ).all()
    for release in releases:
        changed |= _set(release, release_effect(acts, release))
    session.flush()
    return changed


def take_effect(session: Session, package: Package, event: Event) -> None:
    """Let what acts on the package now be seen, since the event says that it changed.

    Its serial is the event's number from then on. Call it with the package locked.
    """
    if apply_acts(session, package):
        refresh_texts(session, package)
    package.serial = event.id
    session.flush()


def are_past(acts_until: datetime | None) -> bool:
    """Whether an act of the package has expired, so that what is said of it is out of date."""
    return acts_until is not None and acts_until <= datetime.now(UTC)


def _set(row: Package | Release, effect: PackageEffect | ReleaseEffect) -> bool:
    changed = False
    for name, value in vars(effect).items():
        if getattr(row, name) != value:
            setattr(row, name, value)
            changed = True
    return changed


def _joined(reasons: Iterable[str | None]) -> str | None:
    return "; ".join(reason for reason in reasons if reason) or None
