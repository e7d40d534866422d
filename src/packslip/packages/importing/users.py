"""From the people whom a document names to users and maintainers."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.accounts.operations import create_user
from packslip.errors import InvalidError
from packslip.events.models import Action
from packslip.events.operations import Actor, record
from packslip.packages.importing.people import is_same_name, username_for
from packslip.packages.importing.report import Changes, Kind, Outcome, Skip
from packslip.packages.models import Maintainer, MaintainerRole, Package
from packslip.packages.people import Person


def add_people(
    session: Session,
    actor: Actor,
    package: Package,
    people: Sequence[tuple[Person, MaintainerRole]],
    changes: Changes,
) -> list[Maintainer]:
    """Make people maintainers of the package, as users without a password where they are new.

    An e-mail address tells who somebody is. A name alone does so only among those who look after
    the same package: equal names in two packages make two users. Nobody is added to a package
    that somebody looks after who can log in. Roles that are there stay, and nobody goes.
    """
    by_email = _users_by_email(session, [person for person, _ in people])
    users = [maintainer.user for maintainer in package.maintainers]
    is_looked_after = any(user.hashed_password is not None for user in users)
    added = []
    for person, role in people:
        key = person.email or f"{package.id} {person.name}"
        user = by_email.get(person.email) or _namesake(users, person)
        if user is None and not is_looked_after:
            user = _create(session, actor, person)
            changes.note(Kind.USER, key, Outcome.ADDED if user else Outcome.SKIPPED)
        elif user is not None:
            changes.note(Kind.USER, key, _complete(session, actor, user, person))
        if user in users:
            changes.note(Kind.MAINTAINER, f"{package.id} {key}", Outcome.PRESENT)
        elif user is None or is_looked_after:
            reason = (
                "others look after the package"
                if is_looked_after
                else "not a user's name or address"
            )
            changes.skips.append(Skip(Kind.MAINTAINER, person.name or key, reason))
        else:
            added.append(_maintain(session, package, user, role))
            users.append(user)
            changes.note(Kind.MAINTAINER, f"{package.id} {key}", Outcome.ADDED)
    return added


def add_owner(session: Session, package: Package, owner: User) -> list[Maintainer]:
    """Make the user an owner of a package that is new."""
    for maintainer in package.maintainers:
        if maintainer.user is owner:
            maintainer.role = MaintainerRole.OWNER
            return []
    return [_maintain(session, package, owner, MaintainerRole.OWNER)]


def _maintain(session: Session, package: Package, user: User, role: MaintainerRole) -> Maintainer:
    maintainer = Maintainer(user=user, package=package, role=role)
    session.add(maintainer)
    return maintainer


def _users_by_email(session: Session, people: Iterable[Person]) -> dict[str | None, User]:
    emails = {person.email for person in people if person.email is not None}
    if not emails:
        return {}
    users = session.scalars(select(User).where(User.email.in_(emails)))
    return {user.email: user for user in users}


def _namesake(users: Iterable[User], person: Person) -> User | None:
    return next(
        (
            user
            for user in users
            if is_same_name(person.name, user.name) and (person.email is None or user.email is None)
        ),
        None,
    )


def _complete(session: Session, actor: Actor, user: User, person: Person) -> Outcome:
    """Add the name or address that was not known, for a user who cannot log in to do so."""
    if user.hashed_password is not None:
        return Outcome.PRESENT
    before = {"name": user.name, "email": user.email}
    after = {"name": user.name or person.name or "", "email": user.email or person.email}
    if before == after:
        return Outcome.PRESENT
    user.name, user.email = after["name"] or "", after["email"]
    data = {"username": user.username, "before": before, "after": after}
    record(session, actor, Action.USER_CHANGE, subject_id=user.id, data=data)
    return Outcome.CHANGED


def _create(session: Session, actor: Actor, person: Person) -> User | None:
    try:
        return create_user(
            session,
            actor,
            username=_free_username(session, username_for(person)),
            email=person.email,
            name=person.name or "",
        )
    except InvalidError:
        return None


def _free_username(session: Session, wanted: str) -> str:
    similar = select(User.username).where(
        or_(User.username == wanted, User.username.startswith(f"{wanted}-", autoescape=True))
    )
    taken = set(session.scalars(similar))
    if wanted not in taken:
        return wanted
    candidates = (f"{wanted}-{number}" for number in itertools.count(2))
    return next(candidate for candidate in candidates if candidate not in taken)
