"""Who reads the index, as a request tells."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, Response, request
from packaging.utils import canonicalize_name

from packslip.accounts.access import require_reader
from packslip.accounts.current import current_user, require_user
from packslip.accounts.identity import Identity, WrongCredentialsError, identify
from packslip.accounts.models import User
from packslip.accounts.token_use import note_reading
from packslip.db import session
from packslip.setting_choices import Read
from packslip.web.context import current_settings

_READER = "packslip.reader"

_FOR_TOOLS: set[str] = set()


def guard_reading(blueprint: Blueprint) -> None:
    """Let only those who may read the index reach the blueprint's addresses, which tools read.

    An address that has a `name` in it is about that package.
    """
    _FOR_TOOLS.add(blueprint.name)
    blueprint.before_request(_require_reader)
    blueprint.after_request(_keep_from_shared_caches)


def is_for_tools(blueprint: str | None) -> bool:
    """Whether tools read what the blueprint of that name serves, see `guard_reading`."""
    return blueprint in _FOR_TOOLS


def guard_pages(blueprint: Blueprint) -> None:
    """The same for pages: whoever may not read the index is sent to the log-in page."""
    blueprint.before_request(_require_reader_or_login)
    blueprint.after_request(_keep_from_shared_caches)


def current_reader() -> Identity | None:
    """Who sends this request, if they say so.

    That is the Authorization header, else who is logged in. On a public index only tokens are
    looked at, and wrong ones are ignored: installers send what they have for a host to every
    address on it, and checking a password takes long.

    Raises:
        WrongCredentialsError: the index is for members, and the credentials are wrong.
    """
    if _READER not in request.environ:
        request.environ[_READER] = _identify(current_settings().read)
    return cast("Identity | None", request.environ[_READER])


def current_reading_user() -> User | None:
    """The user of `current_reader`."""
    reader = current_reader()
    return None if reader is None else reader.user


def _identify(read: Read) -> Identity | None:
    header = request.headers.get("Authorization")
    if read is Read.MEMBERS:
        return _by_header(header) or _logged_in()
    try:
        return _by_header(header, passwords=False)
    except WrongCredentialsError:
        return None


def _by_header(header: str | None, *, passwords: bool = True) -> Identity | None:
    address = request.remote_addr
    identity = identify(session(), header, ip_address=address, passwords=passwords)
    if identity is None or identity.token is None:
        return identity
    agent = request.headers.get("User-Agent", "")
    if note_reading(session(), identity.token, address, agent):
        return identify(session(), header, ip_address=address, passwords=passwords)
    return identity


def _logged_in() -> Identity | None:
    user = current_user()
    return None if user is None else Identity(user)


def _require_reader_or_login() -> None:
    if current_settings().read is Read.MEMBERS and not request.authorization:
        require_user()
    _require_reader()


def _require_reader() -> None:
    name = (request.view_args or {}).get("name")
    package_id = None if name is None else canonicalize_name(name)
    require_reader(current_reader(), current_settings().read, package_id)


def _keep_from_shared_caches(response: Response) -> Response:
    # A cache in front of the index would hand what a member may read to everybody. Caches know
    # that of answers to an Authorization header alone, not of those to a session's cookie.
    if current_settings().read is Read.MEMBERS and "Cache-Control" not in response.headers:
        response.cache_control.private = True
    return response
