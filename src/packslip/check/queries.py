"""What the index knows about the pins of a lock file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, and_, func, select, tuple_
from sqlalchemy.orm import Session

from packslip.check.asking import ask_upstream
from packslip.check.findings import (
    CheckedLock,
    CheckedPin,
    Facts,
    HeldFile,
    Kind,
    NoteFact,
    ReleaseFacts,
    findings_of,
)
from packslip.check.readers.locks import Lock, Pin
from packslip.check.viewers import Viewer
from packslip.mirror.given import files_given
from packslip.mirror.models import MirrorFile
from packslip.mirror.rules import Rule
from packslip.mirror.verdict import rules_about, rules_in_force
from packslip.notes.about import NoteAbout, notes_about
from packslip.packages.models import Act, File, Origin, Package, Release
from packslip.packages.versions import canonical, is_prerelease, sort_key

_PinKey = tuple[str, str]
_Row = Row[*tuple[Any, ...]]


def check_lock(session: Session, lock: Lock, viewer: Viewer) -> CheckedLock:
    """Tell what the index and the notes that the viewer may see say about each pin.

    The number of statements is the same however many pins there are, unless rules of the mirror may
    withhold what is newer. Of packages that are not known here upstream is asked before.
    """
    names = {pin.name for pin in lock.pins}
    if viewer.packages is not None:
        # As if there were no others.
        names &= set(viewer.packages)
    facts = _facts(session, lock.pins, names, viewer, ask_upstream(session, names))
    return CheckedLock(
        lock, [CheckedPin(pin, findings_of(pin, facts[pin.name, pin.version])) for pin in lock.pins]
    )


def _facts(
    session: Session,
    pins: Sequence[Pin],
    names: Collection[str],
    viewer: Viewer,
    unasked: Mapping[str, str],
) -> Mapping[_PinKey, Facts]:
    packages = _packages(session, names)
    releases = _releases(session, [pin for pin in pins if pin.name in packages])
    files = _files(session, releases.values())
    highest = _highest(session, [p.name for p in pins if is_prerelease(p.version)])
    notes = _notes(session, packages, viewer)
    is_any_mirrored = any(one.origin == Origin.MIRRORED for one in packages.values())
    rules = rules_in_force(session) if is_any_mirrored else ()
    found = {}
    for pin in pins:
        package = packages.get(pin.name)
        if package is None:
            found[pin.name, pin.version] = Facts(unasked=unasked.get(pin.name))
            continue
        release = releases.get((pin.name, canonical(pin.version)))
        newer = highest.get(pin.name) if is_prerelease(pin.version) else _latest(package)
        found[pin.name, pin.version] = Facts(
            known=True,
            upstream_status=package.upstream_status,
            upstream_status_reason=package.upstream_status_reason,
            release=None if release is None else _release_facts(release, files[release.id]),
            newer=_newer(session, package, pin, newer, rules),
            notes=[_note_fact(note) for note in notes[pin.name] if note.covers(pin.version)],
        )
    return found


def _packages(session: Session, names: Collection[str]) -> dict[str, _Row]:
    rows = session.execute(
        select(
            Package.id,
            Package.upstream_status,
            Package.upstream_status_reason,
            Package.latest_version,
            Package.latest_yanked,
            Package.origin,
        ).where(Package.id.in_(sorted(names)), Package.latest_version.is_not(None))
    )
    return {row.id: row for row in rows}


def _latest(package: _Row) -> str | None:
    """The latest release, unless only pre-releases or yanked ones are left."""
    latest: str = package.latest_version
    return None if package.latest_yanked or is_prerelease(latest) else latest


def _newer(
    session: Session, package: _Row, pin: Pin, newest: str | None, rules: Sequence[Rule]
) -> str | None:
    """The newest release, if it is newer than the pin and installers can have it.

    Of a mirrored package it is the newest one that no rule withholds.
    """
    if newest is None or sort_key(newest) <= sort_key(pin.version):
        return None
    if package.origin != Origin.MIRRORED or not rules_about(session, package.id, rules):
        return newest
    given = files_given(session, package.id, datetime.now(UTC))
    rows = session.execute(
        select(Release.version, File.filename)
        .join(File, File.release_id == Release.id)
        .where(Release.package_id == package.id, Release.yanked.is_(False))
    )
    takes_prereleases = is_prerelease(pin.version)
    versions = {
        version
        for version, filename in rows
        if filename in given and (takes_prereleases or not is_prerelease(version))
    }
    found = max(versions, key=sort_key, default=pin.version)
    return found if sort_key(found) > sort_key(pin.version) else None


def _releases(session: Session, pins: Iterable[Pin]) -> dict[tuple[str, str], _Row]:
    keys = sorted({(pin.name, canonical(pin.version)) for pin in pins})
    rows = session.execute(
        select(
            Release.id,
            Release.package_id,
            Release.canonical_version,
            Release.upstream_yanked,
            Release.upstream_yanked_reason,
        ).where(tuple_(Release.package_id, Release.canonical_version).in_(keys))
    )
    return {(row.package_id, row.canonical_version): row for row in rows}


def _files(session: Session, releases: Iterable[_Row]) -> Mapping[int, list[HeldFile]]:
    rows = session.execute(
        select(
            File.release_id,
            File.filename,
            File.sha256,
            File.md5,
            File.blake2_256,
            MirrorFile.digests,
        )
        .outerjoin(MirrorFile, MirrorFile.file_id == File.id)
        .where(
            File.release_id.in_([release.id for release in releases]),
            File.storage_key.is_not(None) | MirrorFile.file_id.is_not(None),
        )
    )
    found: dict[int, list[HeldFile]] = defaultdict(list)
    for row in rows:
        digests = {"sha256": row.sha256, "md5": row.md5, "blake2b": row.blake2_256}
        known = {name: digest for name, digest in digests.items() if digest}
        known = {**(row.digests or {}), **known}
        found[row.release_id].append(HeldFile(row.filename, known))
    return found


def _highest(session: Session, names: Collection[str]) -> dict[str, str]:
    """The highest release of each package that is not yanked, pre-releases included."""
    highest = (
        select(Release.package_id, func.max(Release.sort_key).label("sort_key"))
        .where(Release.package_id.in_(sorted(set(names))), Release.yanked.is_(False))
        .group_by(Release.package_id)
        .subquery()
    )
    same = and_(Release.package_id == highest.c.package_id, Release.sort_key == highest.c.sort_key)
    rows = session.execute(select(Release.package_id, Release.version).join(highest, same))
    return {row.package_id: row.version for row in rows}


def _notes(
    session: Session, names: Collection[str], viewer: Viewer
) -> Mapping[str, list[NoteAbout]]:
    found: dict[str, list[NoteAbout]] = defaultdict(list)
    about = notes_about(
        session,
        names,
        viewer.user,
        is_team=viewer.is_operator,
        with_own=True,
        with_acts=True,
    )
    for note in about:
        found[note.package_id].append(note)
    return found


def _release_facts(release: _Row, files: Sequence[HeldFile]) -> ReleaseFacts:
    return ReleaseFacts(release.upstream_yanked, release.upstream_yanked_reason, files)


def _note_fact(note: NoteAbout) -> NoteFact:
    kind = Kind.NOTE if note.act == Act.NONE else Kind(note.act)
    return NoteFact(note.id, note.title or "Without a reason.", kind)
