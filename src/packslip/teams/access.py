"""Who may say what of a team."""

from __future__ import annotations

from sqlalchemy.orm import Session

from packslip.accounts.models import Role, User
from packslip.errors import NotAllowedError
from packslip.packages.team_models import Team, TeamRole
from packslip.teams.queries import find_member


class NotTeamManagerError(NotAllowedError):
    """Others decide about the team."""

    def __init__(self, team: str) -> None:
        super().__init__(f"Only managers of the team {team!r} and admins may do this.")
        self.team = team


def may_manage(session: Session, user: User | None, team: Team) -> bool:
    """Whether the user says who is in the team: its managers and admins do."""
    if user is None or user.disabled_at is not None:
        return False
    member = find_member(session, team, user)
    return user.role == Role.ADMIN or (member is not None and member.role is TeamRole.MANAGER)


def require_team_manager(session: Session, user: User, team: Team) -> None:
    """Allow saying who is in the team.

    Call it inside of the write transaction that relies on it, with the team locked.

    Raises:
        NotTeamManagerError: the user is no manager of it, and no admin.
    """
    session.refresh(user)
    if not may_manage(session, user, team):
        raise NotTeamManagerError(team.name)
