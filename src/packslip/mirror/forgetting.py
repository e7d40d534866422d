"""Forgetting what came of a package from upstream."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from packslip.errors import ConflictError, InvalidError
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.mirror.models import MirrorPage
from packslip.mirror.release_rows import forget_releases
from packslip.packages.models import File, Origin, Package, Release, StandingAct
from packslip.packages.queries import UnknownPackageError


class HostedPackageError(InvalidError):
    """The package did not come from upstream."""

    def __init__(self, package_id: str) -> None:
        super().__init__(f"The package {package_id!r} is hosted here, not mirrored.")
        self.package_id = package_id


class ActingNoteError(ConflictError):
    """A note acts on the package, and would do so no more when it comes again."""

    def __init__(self, package_id: str, note_id: int) -> None:
        super().__init__(
            f"Note {note_id} acts on the package {package_id!r}, and would do nothing when upstream"
            " is asked for it again. Lift it first."
        )
        self.package_id = package_id
        self.note_id = note_id


class BeingAskedError(ConflictError):
    """Somebody asks upstream for the package."""

    def __init__(self, package_id: str) -> None:
        super().__init__(f"Upstream is just being asked for {package_id!r}. Please try again.")
        self.package_id = package_id


def forget(session: Session, actor: Actor, package_id: str) -> Sequence[str]:
    """Forget a name as if nobody had ever asked for it: rows and bytes.

    Notes on the package stay, on none. It comes again when somebody asks for it.

    Returns:
        The keys of bytes that nothing names once the transaction ends.

    Raises:
        UnknownPackageError: nothing is known of the name.
        HostedPackageError: the package is hosted.
        ActingNoteError: a note acts on it.
        BeingAskedError: upstream is being asked for it.
    """
    package = session.get(Package, package_id, with_for_update=True)
    page = session.get(MirrorPage, package_id, with_for_update=True)
    if package is not None and package.origin != Origin.MIRRORED:
        raise HostedPackageError(package_id)
    if page is None and package is None:
        raise UnknownPackageError(package_id)
    if page is not None and page.lease_until is not None and page.lease_until > datetime.now(UTC):
        raise BeingAskedError(package_id)
    keys: Sequence[str] = ()
    if package is not None:
        acting = select(StandingAct.note_id).where(StandingAct.package_id == package_id)
        note_id = session.scalar(acting.order_by(StandingAct.note_id).limit(1))
        if note_id is not None:
            raise ActingNoteError(package_id, note_id)
        data = {"files": _count_files(session, package_id)}
        keys = forget_releases(session, package_id)
        session.delete(session.get_one(Package, package_id))
        record(session, actor, Action.MIRROR_FORGET, package_id=package_id, data=data)
    if page is not None:
        session.delete(session.get_one(MirrorPage, package_id))
    session.flush()
    return keys


def _count_files(session: Session, package_id: str) -> int:
    files = select(func.count()).select_from(File).join(File.release)
    return session.scalar(files.where(Release.package_id == package_id)) or 0
