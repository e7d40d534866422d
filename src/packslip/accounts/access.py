"""What an identity may do on the whole site: scopes of tokens, and who may read."""

from __future__ import annotations

from collections.abc import Collection

from packslip.accounts.identity import Identity
from packslip.accounts.models import Scope, Token
from packslip.errors import NotAllowedError, UnauthenticatedError
from packslip.setting_choices import Read


class CredentialsNeededError(UnauthenticatedError):
    """Nobody can do this without saying who they are."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} needs a username and password, or a token.")


class TokenScopeError(NotAllowedError):
    """The token is for something else."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This token is for another use: its scope is {scope!r}.")
        self.scope = scope


class TokenPackagesError(NotAllowedError):
    """The token is for other packages."""

    def __init__(self, package_id: str) -> None:
        super().__init__(f"This token is limited to other packages than {package_id!r}.")
        self.package_id = package_id


def may_read(identity: Identity | None, read: Read, package_id: str | None = None) -> bool:
    """Whether the package can be read, or without one what belongs to no single package."""
    try:
        require_reader(identity, read, package_id)
    except (UnauthenticatedError, NotAllowedError):
        return False
    return True


def readable_packages(identity: Identity | None, read: Read) -> Collection[str] | None:
    """The packages that can be read of those that are there; None stands for all of them."""
    if read == Read.PUBLIC:
        return None
    if identity is None:
        return frozenset()
    return None if identity.token is None else identity.token.packages


def require_reader(identity: Identity | None, read: Read, package_id: str | None = None) -> None:
    """Allow reading the package, or without one what belongs to no single package.

    A public index is read by everybody. In one for members every user and every token reads,
    a token that is limited to packages only those.

    Raises:
        CredentialsNeededError: nobody is known, and the index is for members.
        TokenPackagesError: the token is limited to other packages.
    """
    if read == Read.PUBLIC:
        return
    if identity is None:
        raise CredentialsNeededError("Reading this index")
    if identity.token is not None and package_id is not None:
        _require_package(identity.token, package_id)


def require_upload_scope(identity: Identity | None, package_id: str | None = None) -> Identity:
    """Allow uploading as far as scopes go: to the package, or without one to any at all.

    The latter can be asked before the body of an upload is read. Whether the user may is another
    question: see `packslip.packages.access`.

    Raises:
        CredentialsNeededError: nobody is known.
        TokenScopeError: the token is for reading.
        TokenPackagesError: the token is limited to other packages.
    """
    if identity is None:
        raise CredentialsNeededError("Uploading")
    token = identity.token
    if token is None:
        return identity
    if token.scope != Scope.UPLOAD:
        raise TokenScopeError(token.scope)
    if package_id is not None:
        _require_package(token, package_id)
    return identity


def _require_package(token: Token, package_id: str) -> None:
    if token.packages is not None and package_id not in token.packages:
        raise TokenPackagesError(package_id)
