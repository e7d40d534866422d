"""What upstream says of releases and of the package, and recording what has changed in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.mirror.alarms import raise_alarm
from packslip.mirror.differences import Changes
from packslip.mirror.upstream_pages import UpstreamFile, UpstreamPage
from packslip.packages.models import Package, Release
from packslip.packages.operations import touch
from packslip.packages.versions import canonical
from packslip.subscriptions.announcements import announce

#: Who does it; no username holds a space.
MIRROR = Actor("the mirror")

#: Names that an event gives at most.
_MOST_NAMES = 50


def take_yanks(session: Session, package: Package, page: UpstreamPage) -> dict[str, Any]:
    """Note which releases upstream yanked; what changed is for `tell`.

    A release is yanked when all of its files are. Where only some are, these alone are told so.
    """
    files: dict[str, list[UpstreamFile]] = defaultdict(list)
    for file in page.files:
        files[canonical(file.version)].append(file)
    releases = session.scalars(
        select(Release)
        .where(Release.package_id == package.id)
        .options(defer(Release.core_metadata))
    )
    yanked: list[str] = []
    unyanked: list[str] = []
    for release in releases:
        of_release = files.get(release.canonical_version)
        if of_release is None:
            continue
        is_yanked = all(file.yanked is not None for file in of_release)
        reason = next((file.yanked for file in of_release if file.yanked), None)
        if is_yanked != release.upstream_yanked:
            (yanked if is_yanked else unyanked).append(release.version)
        release.upstream_yanked = is_yanked
        release.upstream_yanked_reason = reason if is_yanked else None
    said: dict[str, Any] = {}
    if yanked:
        said["yanked"] = yanked[:_MOST_NAMES]
    if unyanked:
        said["unyanked"] = unyanked[:_MOST_NAMES]
    return said


def take_status(package: Package, page: UpstreamPage) -> dict[str, Any]:
    """Note the status that upstream gives the package (PEP 792); what changed is for `tell`."""
    before = (package.upstream_status or "active", package.upstream_status_reason)
    package.upstream_status = page.status
    package.upstream_status_reason = page.status_reason
    if before[0] == page.status:
        return {}
    return {"status": {"before": before[0], "after": page.status}}


def tell(
    session: Session,
    package: Package,
    changes: Changes,
    said: Mapping[str, Any],
    *,
    is_new: bool,
) -> None:
    """Record what has changed. The number of the last event becomes the package's serial."""
    events: list[tuple[Action, dict[str, Any]]] = []
    if is_new:
        events.append((Action.MIRROR_ADD, {"files": len(changes.new)}))
    else:
        events += _told(changes, said)
    if changes.vanished:
        events.append((Action.MIRROR_MISS, {"filenames": changes.vanished[:_MOST_NAMES]}))
    if changes.altered:
        events.append((Action.MIRROR_ALTER, {"filenames": changes.altered[:_MOST_NAMES]}))
    if not events and changes.changed:
        events.append((Action.MIRROR_UPDATE, {}))
    for action, data in events:
        event = record(session, MIRROR, action, package_id=package.id, data=data)
        touch(session, package, event)
        raise_alarm(session, event)
        if action == Action.MIRROR_RELEASE:
            announce(session, event)


def _told(changes: Changes, said: Mapping[str, Any]) -> Iterator[tuple[Action, dict[str, Any]]]:
    if changes.new:
        action = Action.MIRROR_RELEASE if changes.released else Action.MIRROR_UPDATE
        versions = changes.released or list(dict.fromkeys(file.version for file in changes.new))
        yield action, {"files": len(changes.new), "versions": versions[:_MOST_NAMES]}
    for key, action in (("yanked", Action.MIRROR_YANK), ("unyanked", Action.MIRROR_UNYANK)):
        if key in said:
            yield action, {"versions": said[key]}
    if "status" in said:
        yield Action.MIRROR_CHANGE_STATUS, said["status"]
