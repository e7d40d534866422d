"""Finding publishers."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from packslip.accounts.access import TokenPackagesError
from packslip.accounts.identity import Identity
from packslip.accounts.models import Token, User
from packslip.errors import NotFoundError
from packslip.packages.models import Package
from packslip.packages.roles import find_role
from packslip.publishers.kinds import Claims, Kind, fits, owner_id
from packslip.publishers.models import MintedToken, Publisher


class UnknownPublisherError(NotFoundError):
    """There is no publisher of that number, or it is somebody else's."""

    def __init__(self) -> None:
        super().__init__("There is no such publisher.")


def list_publishers(session: Session, package_id: str) -> Sequence[Publisher]:
    """Those of a package, in the order in which they were added."""
    return session.scalars(
        select(Publisher)
        .where(Publisher.package_id == package_id)
        .options(joinedload(Publisher.user))
        .order_by(Publisher.id)
    ).all()


def list_pending(session: Session, user: User) -> Sequence[Publisher]:
    """The user's publishers of packages that are not there yet."""
    return session.scalars(
        select(Publisher)
        .outerjoin(Package, Package.id == Publisher.package_id)
        .where(Publisher.user_id == user.id, Package.id.is_(None))
        .order_by(Publisher.id)
    ).all()


def get_publisher(session: Session, publisher_id: int, package_id: str) -> Publisher:
    """Return the package's publisher of that number.

    Raises:
        UnknownPublisherError: there is none.
    """
    found = session.get(Publisher, publisher_id)
    if found is None or found.package_id != package_id:
        raise UnknownPublisherError
    return found


def count_of_user(session: Session, user: User) -> int:
    """How many publishers use the user's rights."""
    query = select(func.count()).select_from(Publisher).where(Publisher.user_id == user.id)
    return session.scalar(query) or 0


def publishers_for(session: Session, claims: Claims) -> dict[str, Publisher]:
    """The publishers that an identity with these claims stands for, by package.

    A repository whose owner is another one than at the first use is not the same any more. Of
    several that a package has, it is one whose user may upload: the one that was used before, else
    the first.
    """
    candidates = session.scalars(
        select(Publisher)
        .where(Publisher.issuer == claims["iss"])
        .options(joinedload(Publisher.user))
        .order_by(Publisher.last_used_at.is_(None), Publisher.id)
    )
    found: dict[str, Publisher] = {}
    for one in candidates:
        kind = Kind(one.kind)
        if (
            one.package_id not in found
            and fits(kind, one.conditions, claims)
            and one.owner_id in {None, owner_id(kind, claims)}
            and _may_upload(session, one)
        ):
            found[one.package_id] = one
    return found


def publisher_for(session: Session, identity: Identity, package_id: str) -> Publisher | None:
    """The trusted publisher that uploads to the package, None if a user does.

    The upload uses the rights of the publisher's user.

    Raises:
        TokenPackagesError: no publisher got the token for this package.
    """
    if identity.token is None:
        return None
    minted = session.scalars(
        select(MintedToken)
        .where(MintedToken.token_id == identity.token.id)
        .options(joinedload(MintedToken.publisher).joinedload(Publisher.user))
    ).all()
    if not minted:
        return None
    for one in minted:
        if one.package_id == package_id:
            return one.publisher
    raise TokenPackagesError(package_id)


def tokens_of(session: Session, publisher: Publisher) -> Sequence[Token]:
    """The tokens that stand for the publisher, valid or not."""
    return session.scalars(
        select(Token)
        .join(MintedToken, MintedToken.token_id == Token.id)
        .where(MintedToken.publisher_id == publisher.id)
        .options(joinedload(Token.user))
        .order_by(Token.id)
    ).all()


def _may_upload(session: Session, publisher: Publisher) -> bool:
    if publisher.user.disabled_at is not None:
        return False
    if session.get(Package, publisher.package_id) is None:
        return True
    return find_role(session, publisher.package_id, publisher.user) is not None
