"""Adding and removing publishers, and giving tokens to identities."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from packaging.utils import InvalidName, canonicalize_name
from sqlalchemy import delete
from sqlalchemy.orm import Session

from packslip.accounts.models import Scope, User
from packslip.accounts.operations import (
    MAX_PACKAGE_NAME,
    MAX_TOKEN_NAME,
    create_token,
    revoke_token,
)
from packslip.accounts.queries import is_valid
from packslip.db import add_if_new
from packslip.errors import ConflictError, InvalidError
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.packages.access import NotMaintainerError, require_open_prefix
from packslip.packages.models import Package
from packslip.packages.roles import find_role
from packslip.publishers.issuers import LEEWAY
from packslip.publishers.kinds import ISSUERS, Claims, Conditions, Kind, owner_id, subject
from packslip.publishers.models import MintedToken, Publisher, UsedIdentity
from packslip.publishers.queries import (
    count_of_user,
    list_publishers,
    publishers_for,
    tokens_of,
)

#: For how long a token is valid that an identity was exchanged for.
TOKEN_LIFETIME = timedelta(minutes=15)

#: Publishers that may use a user's rights.
MOST_OF_USER = 200


class UntrustedIssuerError(InvalidError):
    """Identities of that issuer do not count here."""

    field = "issuer"

    def __init__(self, issuer: str) -> None:
        super().__init__(f"{issuer} is not trusted here; PACKSLIP_OIDC_ISSUERS says who is.")


class OtherIssuerError(InvalidError):
    """The issuer is that of another kind of publishers."""

    field = "issuer"

    def __init__(self, issuer: str) -> None:
        super().__init__(f"{issuer} issues identities of another kind.")


class PublishedNameError(InvalidError):
    """It cannot be a package's name."""

    field = "package"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name[:MAX_PACKAGE_NAME]!r} cannot be a package's name.")


class SamePublisherError(ConflictError):
    """The package has that publisher already, or somebody else wants to begin it so."""

    def __init__(self) -> None:
        super().__init__("The package has that publisher already, yours or somebody else's.")


class TooManyPublishersError(ConflictError):
    """The user has as many publishers as one may have."""

    def __init__(self) -> None:
        super().__init__(f"You have {MOST_OF_USER} publishers; remove some first.")


class ReusedIdentityError(InvalidError):
    """An identity is worth one token."""

    def __init__(self) -> None:
        super().__init__("This identity was used already.")


class NoPublisherError(InvalidError):
    """No package trusts the identity."""

    def __init__(self, claims: Claims) -> None:
        named = ", ".join(
            f"{name} {claims[name]!r}"
            for name in ("sub", "job_workflow_ref", "ci_config_ref_uri", "environment")
            if claims.get(name)
        )
        super().__init__(f"No package here trusts this identity: {named}.")


def package_id_of(name: str) -> str:
    """The normalised name of a package, which need not be there.

    Raises:
        PublishedNameError: it cannot be one.
    """
    if len(name) > MAX_PACKAGE_NAME:
        raise PublishedNameError(name)
    try:
        return canonicalize_name(name, validate=True)
    except InvalidName as error:
        raise PublishedNameError(name) from error


def add_publisher(
    session: Session,
    actor: Actor,
    user: User,
    package: str,
    *,
    kind: Kind,
    issuer: str,
    conditions: Conditions,
    trusted: Collection[str],
) -> Publisher:
    """Let identities that fulfil the conditions upload the package with the user's rights.

    The package need not exist yet: the first upload makes it, as one of the user's.

    Raises:
        UntrustedIssuerError: the issuer is not among those trusted.
        OtherIssuerError: it issues no identities of this kind.
        SamePublisherError: the package has it already.
        NotMaintainerError: the package is there, and the user may not upload to it.
        TakenPrefixError: it is not there, and names that begin so are for teams of others.
        TooManyPublishersError: the user has very many.
        InvalidError: the package's name is none.
    """
    if issuer not in trusted:
        raise UntrustedIssuerError(issuer)
    if kind is not Kind.OTHER and issuer in ISSUERS.values() and issuer != ISSUERS.get(kind):
        raise OtherIssuerError(issuer)
    package_id = package_id_of(package)
    if count_of_user(session, user) >= MOST_OF_USER:
        raise TooManyPublishersError
    is_new = session.get(Package, package_id) is None
    if is_new:
        require_open_prefix(session, user, package_id)
    elif find_role(session, package_id, user) is None:
        raise NotMaintainerError(user.username, package_id)
    for known in list_publishers(session, package_id):
        same = (known.kind, known.issuer, known.conditions) == (kind, issuer, conditions)
        # Whose a new package becomes must not depend on who named the repository first.
        if same or (is_new and known.user_id != user.id and _repeats(known, issuer, conditions)):
            raise SamePublisherError
    publisher = Publisher(
        package_id=package_id, user=user, kind=kind, issuer=issuer, conditions=conditions
    )
    session.add(publisher)
    session.flush()
    _record(session, actor, Action.PUBLISHER_ADD, publisher)
    return publisher


def remove_publisher(session: Session, actor: Actor, publisher: Publisher) -> None:
    """Trust it no more, and end the tokens that it got."""
    _record(session, actor, Action.PUBLISHER_REMOVE, publisher)
    for token in tokens_of(session, publisher):
        if is_valid(token):
            revoke_token(session, actor, token)
    session.delete(publisher)
    session.flush()


def mint_token(session: Session, actor: Actor, claims: Claims) -> tuple[str, datetime]:
    """Exchange a verified identity for a token's secret; and until when that is valid.

    The token uploads the packages whose publisher the identity is, each with the rights of that
    publisher's user. It stands among the tokens of one of them.

    Raises:
        ReusedIdentityError: it was exchanged before.
        NoPublisherError: no package trusts it.
    """
    now = datetime.now(UTC)
    found = publishers_for(session, claims)
    if not found:
        raise NoPublisherError(claims)
    _use(session, claims, now)
    expires_at = (now + TOKEN_LIFETIME).replace(microsecond=0)
    first = next(iter(found.values()))
    token, secret = create_token(
        session,
        actor,
        first.user,
        scope=Scope.UPLOAD,
        packages=sorted(found),
        name=f"Published by {subject(Kind(first.kind), first.conditions)}"[:MAX_TOKEN_NAME],
        expires_at=expires_at,
        is_limited=False,
    )
    for package_id, publisher in found.items():
        publisher.owner_id = owner_id(Kind(publisher.kind), claims)
        publisher.last_used_at = now
        session.add(
            MintedToken(token_id=token.id, package_id=package_id, publisher_id=publisher.id)
        )
    session.flush()
    return secret, expires_at


def _repeats(known: Publisher, issuer: str, conditions: Conditions) -> bool:
    """Whether both are of one repository, whatever else they ask for."""
    theirs, ours = (_source(one) for one in (known.conditions, conditions))
    return known.issuer == issuer and theirs == ours


def _source(conditions: Conditions) -> str:
    return (conditions.get("repository") or conditions["sub"]).lower()


def _use(session: Session, claims: Claims, now: datetime) -> None:
    session.execute(delete(UsedIdentity).where(UsedIdentity.expires_at < now))
    named = f"{claims['iss']}\0{claims['jti']}"
    expires_at = datetime.fromtimestamp(float(claims["exp"]), UTC) + timedelta(seconds=2 * LEEWAY)
    identity = UsedIdentity(id=hashlib.sha256(named.encode()).hexdigest(), expires_at=expires_at)
    if not add_if_new(session, identity):
        raise ReusedIdentityError


def _record(session: Session, actor: Actor, action: Action, publisher: Publisher) -> None:
    data = {
        "kind": publisher.kind,
        "issuer": publisher.issuer,
        "conditions": publisher.conditions,
        "publisher": subject(Kind(publisher.kind), publisher.conditions),
    }
    record(
        session,
        actor,
        action,
        package_id=publisher.package_id,
        subject_id=publisher.user_id,
        data=data,
    )
