"""Who must have a second factor, which may hang on what they own."""

from __future__ import annotations

from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.accounts.policies import SecondFactorPolicy, second_factor_policy
from packslip.accounts.second_factors import has_second_factor
from packslip.errors import NotAllowedError
from packslip.packages.models import MaintainerRole
from packslip.packages.roles import packages_of


class SecondFactorMissingError(NotAllowedError):
    """The user must have a second factor, has none, and shows no token either."""

    def __init__(self, username: str) -> None:
        super().__init__(
            f"This index requires a second factor of the user {username!r}. Add one on its pages,"
            " or upload with a token."
        )
        self.username = username


def must_have_second_factor(session: Session, user: User) -> bool:
    """Whether the policy requires a second factor of this user, who may have one or not."""
    policy = second_factor_policy(session)
    if policy is SecondFactorPolicy.OWNERS:
        owned = packages_of(user.id, role=MaintainerRole.OWNER)
        return session.scalar(owned.limit(1)) is not None
    return policy is SecondFactorPolicy.ALL


def lacks_second_factor(session: Session, user: User) -> bool:
    """Whether the policy requires a second factor of this user, and they have none."""
    return must_have_second_factor(session, user) and not has_second_factor(session, user)
