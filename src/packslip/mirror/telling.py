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
from packslip.mirror.models import MirrorFile
from packslip.mirror.upstream_pages import UpstreamPage
from packslip.packages.models import File, Package, Release
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
    files = _yanks_in_rows(session, package) if page.is_part else _yanks_of(page)
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
        is_yanked = None not in of_release
        reason = next((reason for reason in of_release if reason), None)
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


def _yanks_of(page: UpstreamPage) -> Mapping[str, list[str | None]]:
    """Why each release's files are yanked, by canonical version; None for one that is not."""
    yanks = defaultdict(list)
    for file in page.files:
        yanks[canonical(file.version)].append(file.yanked)
    return yanks


def _yanks_in_rows(session: Session, package: Package) -> Mapping[str, list[str | None]]:
    """The same of all files that are known, for a page that does not list all of them."""
    rows = session.execute(
        select(Release.canonical_version, MirrorFile.yanked)
        .join(File, File.release_id == Release.id)
        .join(MirrorFile, MirrorFile.file_id == File.id)
        .where(Release.package_id == package.id, MirrorFile.vanished_at.is_(None))
    )
    yanks = defaultdict(list)
    for version, yanked in rows:
        yanks[version].append(yanked)
    return yanks


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
