"""What all admin pages share: they are for admins, and what they change is changed by admins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, request
from sqlalchemy.orm import Session

from packslip import db
from packslip.accounts.current import AdminsOnlyError, confirm_login, guard_admins
from packslip.accounts.models import Role
from packslip.accounts.site_roles import lock_admins
from packslip.events.operations import Actor

blueprint = Blueprint("admin", __name__, template_folder="../../templates", url_prefix="/admin")
guard_admins(blueprint)


@contextmanager
def admin_transaction() -> Iterator[tuple[Session, Actor]]:
    """A write transaction, with who acts, who is an admin while it lasts.

    Admins act one after the other: whoever was demoted or disabled by another one meanwhile
    changes nothing any more.

    Raises:
        AdminsOnlyError: whoever is logged in is no admin any more.
    """
    with db.write_transaction(db.session()) as session:
        lock_admins(session)
        user = confirm_login(session).user
        if user.role != Role.ADMIN:
            raise AdminsOnlyError
        yield session, Actor(user.username, user_id=user.id, ip_address=request.remote_addr)
