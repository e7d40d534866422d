"""From somebody for whom the provider vouches to an account, and linking the two."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.accounts.models import LinkedIdentity, SecurityKey, User
from packslip.accounts.operations import (
    EmailError,
    EmailTakenError,
    UsernameTakenError,
    add_user,
)
from packslip.accounts.queries import find_user_by_email, lock_user
from packslip.accounts.registration import whom_to_ask
from packslip.accounts.site_roles import lock_admins
from packslip.db import add_if_new
from packslip.errors import InvalidError
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.setting_choices import SsoLinking, SsoRegistration
from packslip.settings import Settings
from packslip.sso.claims import Person
from packslip.sso.errors import NoAccountError
from packslip.sso.groups import apply_groups
from packslip.sso.queries import find_identity, find_identity_of

#: So many usernames are tried: `ada`, `ada-2`, …
_TRIES = 50


class LinkedElsewhereError(InvalidError):
    """The identity belongs to another account, or this account to another identity."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"It was not linked: what {name} knows you as is linked with another account here, or"
            " your account is linked with somebody else there."
        )


class OnlyWayInError(InvalidError):
    """Without the link nobody could log in to the account."""

    def __init__(self) -> None:
        super().__init__(
            "Without this link you could not log in any more."
            " Set a password or add a passkey first."
        )


def let_in(session: Session, settings: Settings, person: Person, ip_address: str | None) -> User:
    """The user who the person is, made if that is allowed, with the roles of their groups.

    An account is found by issuer and subject. By the e-mail address alone it is only where
    `sso_linking` says so, and both sides have confirmed the address.

    Raises:
        NoAccountError: there is none that can be used, and none may be made.
    """
    # Before any other row, as everybody does it who changes roles.
    lock_admins(session)
    identity = find_identity(session, person.issuer, person.subject)
    if identity is None:
        identity = _link_by_email(session, settings, person, ip_address)
    if identity is None:
        identity = _make(session, settings, person, ip_address)
    user = lock_user(session, identity.user_id)
    if user.disabled_at is not None:
        raise _no_account(settings, "the account is disabled")
    identity.last_used_at = datetime.now(UTC)
    identity.label = person.label
    apply_groups(session, _provider(ip_address), user, person.groups, settings.sso_roles)
    return user


def link(session: Session, actor: Actor, user: User, person: Person, name: str) -> LinkedIdentity:
    """Let the person log in to the user's account from now on.

    Raises:
        LinkedElsewhereError: the identity is another account's, or the user has another one.
    """
    user = lock_user(session, user.id)
    identity = LinkedIdentity(
        user_id=user.id,
        issuer=person.issuer,
        subject=person.subject,
        label=person.label,
    )
    if not add_if_new(session, identity):
        known = find_identity_of(session, user, person.issuer)
        if known is None or known.subject != person.subject:
            raise LinkedElsewhereError(name)
        return known
    data = {"username": user.username, "issuer": person.issuer, "name": person.label}
    record(session, actor, Action.IDENTITY_LINK, subject_id=user.id, data=data)
    return identity


def unlink(session: Session, actor: Actor, user: User, issuer: str) -> None:
    """Let nobody log in through the provider to the user's account; what groups gave goes too.

    Raises:
        OnlyWayInError: the user has neither password nor key.
    """
    lock_admins(session)
    user = lock_user(session, user.id)
    identity = find_identity_of(session, user, issuer)
    if identity is None:
        return
    has_key = session.scalar(select(SecurityKey.id).where(SecurityKey.user_id == user.id).limit(1))
    if user.hashed_password is None and has_key is None:
        raise OnlyWayInError
    data = {"username": user.username, "issuer": issuer, "name": identity.label}
    session.delete(identity)
    record(session, actor, Action.IDENTITY_UNLINK, subject_id=user.id, data=data)
    apply_groups(session, _provider(actor.ip_address), user, (), ())


def _link_by_email(
    session: Session, settings: Settings, person: Person, ip_address: str | None
) -> LinkedIdentity | None:
    if settings.sso_linking is not SsoLinking.EMAIL or person.email is None:
        return None
    user = find_user_by_email(session, person.email)
    # Anybody can type an address: whoever registered with this one may be somebody else.
    if user is None or user.email_confirmed_at is None or user.disabled_at is not None:
        return None
    if find_identity_of(session, user, person.issuer) is not None:
        return None
    return link(session, _provider(ip_address), user, person, settings.sso_shown_name)


def _make(
    session: Session, settings: Settings, person: Person, ip_address: str | None
) -> LinkedIdentity:
    wanted = settings.sso_registration
    if wanted is SsoRegistration.LINK:
        raise _no_account(settings, "nobody has linked it")
    if wanted is SsoRegistration.GROUPS and not any(
        rule.group in person.groups for rule in settings.sso_roles
    ):
        raise _no_account(settings, "no group of theirs is in PACKSLIP_SSO_ROLES")
    try:
        user = _add_user(session, person)
    except (EmailTakenError, EmailError, UsernameTakenError) as error:
        raise _no_account(settings, type(error).__name__) from error
    actor = Actor(user.username, user_id=user.id, ip_address=ip_address)
    data = {"username": user.username, "role": user.role, "issuer": person.issuer}
    record(session, actor, Action.USER_REGISTER, subject_id=user.id, data=data)
    return link(session, actor, user, person, settings.sso_shown_name)


def _add_user(session: Session, person: Person) -> User:
    for count in range(1, _TRIES + 1):
        # Every wish once, then the best of them with a number.
        if count <= len(person.usernames):
            username = person.usernames[count - 1]
        else:
            username = f"{person.usernames[0]}-{count - len(person.usernames) + 1}"
        try:
            return add_user(
                session,
                username=username,
                email=person.email,
                name=person.name,
                email_confirmed=True,
            )
        except UsernameTakenError:
            continue
    raise UsernameTakenError(person.usernames[0])


def _no_account(settings: Settings, cause: str) -> NoAccountError:
    return NoAccountError(settings.sso_shown_name, whom_to_ask(settings.contact), cause)


def _provider(ip_address: str | None) -> Actor:
    # No username holds a space.
    return Actor("single sign-on", ip_address=ip_address)
