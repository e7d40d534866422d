"""Who may publish under a name."""

from __future__ import annotations

from sqlalchemy.orm import Session

from packslip.accounts.access import require_upload_scope
from packslip.accounts.identity import Identity, confirm
from packslip.errors import NotAllowedError
from packslip.packages import queries
from packslip.packages.models import Package
from packslip.packages.second_factor import SecondFactorMissingError, lacks_second_factor


class NotMaintainerError(NotAllowedError):
    """The package belongs to others."""

    def __init__(self, username: str, package_id: str) -> None:
        super().__init__(
            f"The user {username!r} may not upload to the package {package_id!r}:"
            " only its owners and maintainers may."
        )
        self.username = username
        self.package_id = package_id


def require_uploader(session: Session, identity: Identity | None, package_id: str) -> None:
    """Allow uploading to the package of that normalised name, which may be a new one.

    Its owners and maintainers may, and everybody to a name that nobody has. Being admin gives no
    right to upload: bytes come from those whose names stand on the package, and an admin who must
    can add themselves as a maintainer first, which is on record. A token can only narrow this.

    Call it inside of the write transaction that adds the file: only there does what it says hold,
    and rights that ended during a long upload end it.

    Raises:
        CredentialsNeededError: nobody is known.
        WrongCredentialsError: the user is gone, or the token revoked or expired by now.
        TokenScopeError: the token is for reading.
        TokenPackagesError: the token is limited to other packages.
        NotMaintainerError: the package belongs to others.
        SecondFactorMissingError: a password is not enough for this user.
    """
    identity = require_upload_scope(identity, package_id)
    confirm(session, identity)
    if identity.token is None and lacks_second_factor(session, identity.user):
        raise SecondFactorMissingError(identity.user.username)
    if session.get(Package, package_id) is None:
        return
    if queries.find_maintainer(session, package_id, identity.user) is None:
        raise NotMaintainerError(identity.user.username, package_id)
