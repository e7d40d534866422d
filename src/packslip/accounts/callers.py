"""Who calls an address of the API, and what they may do there.

Somebody who is known by an Authorization header, else by a browser's session. A browser sends the
latter by itself, so what changes something then has to show that it is no other site's doing.
"""

from __future__ import annotations

from typing import cast

from flask import Blueprint, request
from sqlalchemy.orm import Session

from packslip.accounts.access import CredentialsNeededError, TokenPackagesError, TokenScopeError
from packslip.accounts.current import current_user
from packslip.accounts.identity import Identity, confirm, identify
from packslip.accounts.models import Scope
from packslip.accounts.readers import guard_reading
from packslip.accounts.token_use import note_reading, note_use
from packslip.db import session
from packslip.errors import NotAllowedError
from packslip.web.forgery import require_own_page, takes_no_cookies

_CALLER = "packslip.caller"

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class PackageNeededError(NotAllowedError):
    """The token is limited to packages, and this belongs to none."""

    def __init__(self) -> None:
        super().__init__("This token is limited to packages, and this is about none of them.")


def guard_callers(blueprint: Blueprint) -> None:
    """Let whoever may read the index reach the blueprint's addresses.

    Those that change something must ask `require_caller`, which refuses forged requests.
    """
    takes_no_cookies(blueprint)
    guard_reading(blueprint)


def current_caller() -> Identity | None:
    """Who sends this request; None for nobody.

    Raises:
        WrongCredentialsError: there is a header, and nobody has these credentials.
    """
    if _CALLER not in request.environ:
        request.environ[_CALLER] = _identify()
    return cast("Identity | None", request.environ[_CALLER])


def require_caller(scope: Scope) -> Identity:
    """Who sends this request to change something, by a token that is for that if by any.

    Raises:
        CredentialsNeededError: nobody is known.
        TokenScopeError: the token is for something else.
    """
    caller = current_caller()
    if caller is None:
        raise CredentialsNeededError("This")
    if caller.token is not None and caller.token.scope != scope:
        raise TokenScopeError(caller.token.scope)
    return caller


def confirm_caller(transaction: Session, caller: Identity) -> None:
    """Read user and token again within the write transaction that relies on them.

    Raises:
        WrongCredentialsError: they are not valid any more.
    """
    confirm(transaction, caller)
    if caller.token is not None:
        agent = request.headers.get("User-Agent", "")
        note_use(transaction, caller.token, request.remote_addr, agent)


def require_packages(caller: Identity, *package_ids: str | None) -> None:
    """Allow what concerns these packages, as far as the token goes; None stands for no package.

    Raises:
        PackageNeededError: the token is limited to packages.
        TokenPackagesError: it is limited to others.
    """
    if caller.token is None or caller.token.packages is None:
        return
    for package_id in package_ids:
        if package_id is None:
            raise PackageNeededError
        if package_id not in caller.token.packages:
            raise TokenPackagesError(package_id)


def _identify() -> Identity | None:
    header, address = request.headers.get("Authorization"), request.remote_addr
    caller = identify(session(), header, ip_address=address)
    if caller is None:
        return _by_session()
    if caller.token is not None and request.method in _SAFE_METHODS:
        agent = request.headers.get("User-Agent", "")
        if note_reading(session(), caller.token, address, agent):
            return identify(session(), header, ip_address=address)
    return caller


def _by_session() -> Identity | None:
    user = current_user()
    if user is None:
        return None
    if request.method not in _SAFE_METHODS:
        require_own_page()
    return Identity(user)
