"""Names that upstream has: nobody may take one here without an admin's word.

An installer that is given two packages of one name takes the wrong one sooner or later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from packaging.utils import NormalizedName
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from packslip.accounts.models import Role, User
from packslip.db import add_if_new, write_transaction
from packslip.errors import ConflictError, InvalidError, NotAllowedError
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.mirror.alarm_models import MirrorAlarm
from packslip.mirror.current import current_mirror
from packslip.mirror.models import MirrorPage, PageState
from packslip.mirror.release_rows import forget_releases
from packslip.packages.effects import apply_acts
from packslip.packages.free_names import require_unreserved_name
from packslip.packages.latest import refresh_texts
from packslip.packages.models import File, Maintainer, MaintainerRole, Origin, Package
from packslip.packages.operations import touch
from packslip.simple_api.page import normalize_name
from packslip.storage.protocol import Storage, metadata_key


class UpstreamNameError(NotAllowedError):
    """The name is that of a package of an upstream."""

    def __init__(self, package_id: str, upstream: str) -> None:
        super().__init__(
            f"The name {package_id!r} belongs to a package of {upstream}, which is mirrored here."
            " Only an admin can take it over."
        )
        self.package_id = package_id
        self.upstream = upstream


class ClaimedNameError(ConflictError):
    """A hosted package has the name already."""

    def __init__(self, package_id: str) -> None:
        super().__init__(f"The package {package_id!r} is hosted here already.")
        self.package_id = package_id


class DisabledOwnerError(InvalidError):
    """The account is disabled."""

    field = "owner"

    def __init__(self, username: str) -> None:
        super().__init__(f"{username!r} is disabled and can own no package.")


def upstream_that_has(session: Session, package_id: str) -> str | None:
    """The upstream that has a package of that normalised name, as far as is known here.

    No upstream is asked: that would tell it the names of what is hosted.
    """
    mirror = current_mirror()
    if not mirror or mirror.is_reserved(package_id):
        return None
    page = session.get(MirrorPage, package_id)
    if page is not None and page.state == PageState.FOUND:
        return page.upstream
    for upstream in mirror.upstreams_for(NormalizedName(package_id)):
        if package_id in mirror.names_of(upstream):
            return upstream.name
    return None


def upstream_of_name(session: Session, package_id: str) -> str | None:
    """Whose the normalised name is, for who would upload under it; None when it is free or hosted.

    What was mirrored before is upstream's whatever is mirrored now.
    """
    package = session.get(Package, package_id)
    if package is not None and package.origin == Origin.HOSTED:
        return None
    upstream = upstream_that_has(session, package_id)
    return upstream if package is None else upstream or "an upstream"


def take_name(session: Session, user: User, actor: Actor, package_id: str) -> Sequence[str]:
    """Let the user upload under a name, as far as upstream is concerned.

    Nothing happens when the package is hosted or its name free. An admin takes over a name that
    upstream has, and owns the package from then on. Call it inside of the transaction that
    publishes.

    Returns:
        The keys of bytes that nothing names any more.

    Raises:
        UpstreamNameError: upstream has the name, and the user is no admin.
    """
    package = session.get(Package, package_id, with_for_update=True)
    upstream = upstream_of_name(session, package_id)
    if upstream is None:
        return ()
    if user.role != Role.ADMIN:
        raise UpstreamNameError(package_id, upstream)
    return [] if package is None else claim(session, actor, package, user)


def claim(session: Session, actor: Actor, package: Package, owner: User) -> Sequence[str]:
    """Make a mirrored package a hosted one without releases, which the user owns.

    Upstream is never asked for it again, and none of its files stays.

    Returns:
        The keys of bytes that nothing names any more.
    """
    keys = forget_releases(session, package.id)
    session.execute(delete(MirrorPage).where(MirrorPage.package_id == package.id))
    session.execute(delete(MirrorAlarm).where(MirrorAlarm.package_id == package.id))
    package.origin = Origin.HOSTED
    package.upstream_status, package.upstream_status_reason = "active", None
    session.add(Maintainer(user_id=owner.id, package_id=package.id, role=MaintainerRole.OWNER))
    event = record(session, actor, Action.MIRROR_CLAIM, package_id=package.id, subject_id=owner.id)
    touch(session, package, event)
    apply_acts(session, package)
    refresh_texts(session, package)
    return keys


def claim_name(
    session: Session, actor: Actor, owner: User, spelled: str
) -> tuple[Package, Sequence[str]]:
    """Make a name that of a hosted package without releases, which the user owns.

    It may be that of a mirrored package, or of none that is known here. The caller sees to it that
    an admin wants it.

    Returns:
        The package, and the keys of bytes that nothing names any more.

    Raises:
        InvalidPackageNameError: it cannot be the name of a package.
        ReservedNameError: nobody can have it.
        ClaimedNameError: a hosted package has it.
        DisabledOwnerError: the user can do nothing any more.
    """
    package_id = normalize_name(spelled)
    require_unreserved_name(package_id, spelled)
    if owner.disabled_at is not None:
        raise DisabledOwnerError(owner.username)
    package = session.get(Package, package_id, with_for_update=True)
    if package is None:
        address = f"/project/{package_id}/"
        package = Package(id=package_id, name=spelled, package_url=address, origin=Origin.MIRRORED)
        if not add_if_new(session, package):
            package = session.get_one(Package, package_id, with_for_update=True)
    if package.origin == Origin.HOSTED:
        raise ClaimedNameError(package_id)
    return package, claim(session, actor, package, owner)


def discard_unnamed(session: Session, storage: Storage, keys: Iterable[str]) -> None:
    """Remove bytes, and their metadata, that no file has any more; each under the write lock.

    Whoever publishes the same bytes right now has named them before, or stores them afterwards.
    """
    for key in keys:
        with write_transaction(session):
            named = select(File.id).where(File.storage_key == key).limit(1)
            if session.scalar(named) is None:
                storage.delete(metadata_key(key))
                storage.delete(key)
