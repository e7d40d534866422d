"""What the index knows about the pins of a lock file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

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
from packslip.packages.models import File, Package, Release
from packslip.packages.versions import canonical, is_prerelease, sort_key

_PinKey = tuple[str, str]


def check_lock(session: Session, lock: Lock, viewer: Viewer) -> CheckedLock:
    """Tell what the index and the notes that the viewer may see say about each pin.

    The number of statements is the same however many pins there are.
    """
    facts = _facts(session, lock.pins, viewer)
    return CheckedLock(
        lock, [CheckedPin(pin, findings_of(pin, facts[pin.name, pin.version])) for pin in lock.pins]
    )


def _facts(session: Session, pins: Sequence[Pin], viewer: Viewer) -> Mapping[_PinKey, Facts]:
    names = {pin.name for pin in pins}
    if viewer.packages is not None:
        # As if there were no others.
        names &= set(viewer.packages)
    packages = _packages(session, names)
    releases = _releases(session, [pin for pin in pins if pin.name in packages])
    highest = _highest(session, {pin.name for pin in pins if is_prerelease(pin.version)} & names)
    notes = _notes(session, names, viewer)
    found = {}
    for pin in pins:
        package = packages.get(pin.name)
        if package is None:
            found[pin.name, pin.version] = Facts()
            continue
        newer = highest.get(pin.name) if is_prerelease(pin.version) else _latest(package)
        found[pin.name, pin.version] = Facts(
            known=True,
            upstream_status=package.upstream_status,
            upstream_status_reason=package.upstream_status_reason,
            release=releases.get((pin.name, canonical(pin.version))),
            newer=newer if newer and sort_key(newer) > sort_key(pin.version) else None,
            notes=[fact for fact, covers in notes[pin.name] if covers(pin.version)],
        )
    return found
