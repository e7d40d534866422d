"""Changes to packages: yanks, and who looks after them."""

from __future__ import annotations

from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.errors import InvalidError
from packslip.events.models import Action, Event
from packslip.events.operations import Actor, record
from packslip.packages import queries
from packslip.packages.latest import refresh_texts
from packslip.packages.models import Maintainer, MaintainerRole, Package, Release
from packslip.packages.search_index import index_packages
from packslip.texts import one_line

MAX_REASON = 200


class LastOwnerError(InvalidError):
    """A package must not be left without an owner."""

    def __init__(self, package_id: str, username: str) -> None:
        super().__init__(f"{username!r} is the only owner of the package {package_id!r}.")
        self.package_id = package_id
        self.username = username


def touch(session: Session, package: Package, event: Event) -> None:
    """Note that what the index says about the package changed with this event."""
    package.serial = event.id
    session.flush()


def yank_release(session: Session, actor: Actor, release: Release, reason: str = "") -> None:
    """Mark the release as yanked (PEP 592); a second time, give it another reason.

    Raises:
        InvalidError: the reason is not one line, or has more than 200 characters.
    """
    text = one_line(reason, "The reason", MAX_REASON) or None
    if release.yanked and release.yanked_reason == text:
        return
    before = _yank_state(release)
    release.yanked, release.yanked_reason = True, text
    _record_yank(session, actor, Action.RELEASE_YANK, release, before)


def unyank_release(session: Session, actor: Actor, release: Release) -> None:
    """Take the yank back. Nothing happens to a release that is not yanked."""
    if not release.yanked:
        return
    before = _yank_state(release)
    release.yanked, release.yanked_reason = False, None
    _record_yank(session, actor, Action.RELEASE_UNYANK, release, before)


def _yank_state(release: Release) -> dict[str, object]:
    return {"yanked": release.yanked, "reason": release.yanked_reason}


def _record_yank(
    session: Session, actor: Actor, action: Action, release: Release, before: dict[str, object]
) -> None:
    data = {"version": release.version, "before": before, "after": _yank_state(release)}
    event = record(session, actor, action, package_id=release.package_id, data=data)
    touch(session, release.package, event)
    refresh_texts(session, release.package)


def set_maintainer(
    session: Session, actor: Actor, package: Package, user: User, role: MaintainerRole
) -> None:
    """Make the user an owner or maintainer of the package, or change which of them they are.

    Raises:
        LastOwnerError: the package's only owner would become a maintainer.
    """
    maintainer = queries.find_maintainer(session, package.id, user)
    if maintainer is not None and maintainer.role == role:
        return
    data = {"username": user.username, "role": role}
    if maintainer is None:
        session.add(Maintainer(user=user, package=package, role=role))
        action = Action.MAINTAINER_ADD
    else:
        _keep_an_owner(session, maintainer)
        data["before"] = maintainer.role
        maintainer.role = role
        action = Action.MAINTAINER_CHANGE
    event = record(session, actor, action, package_id=package.id, subject_id=user.id, data=data)
    touch(session, package, event)
    index_packages(session, [package.id])


def remove_maintainer(session: Session, actor: Actor, maintainer: Maintainer) -> None:
    """End the user's part in the package.

    Raises:
        LastOwnerError: it would have no owner any more.
    """
    _keep_an_owner(session, maintainer)
    package, user = maintainer.package, maintainer.user
    data = {"username": user.username, "role": maintainer.role}
    session.delete(maintainer)
    event = record(
        session,
        actor,
        Action.MAINTAINER_REMOVE,
        package_id=package.id,
        subject_id=user.id,
        data=data,
    )
    touch(session, package, event)
    session.expire(package, ["maintainers"])
    index_packages(session, [package.id])


def _keep_an_owner(session: Session, maintainer: Maintainer) -> None:
    # Owners who leave at the same moment wait for each other, and the last one stays.
    session.refresh(maintainer.package, with_for_update=True)
    if queries.is_only_owner(session, maintainer):
        raise LastOwnerError(maintainer.package_id, maintainer.user.username)
