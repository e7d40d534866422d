"""Who may come in by what this index itself knows, where a provider of identities is set."""

from __future__ import annotations

from packslip.accounts.models import Role, User
from packslip.errors import NotAllowedError
from packslip.setting_choices import Registration, SsoOnly
from packslip.web.context import current_settings


class ProviderOnlyError(NotAllowedError):
    """Whoever is no admin logs in through the provider of identities alone."""

    def __init__(self, name: str) -> None:
        super().__init__(f"On this index people log in through {name}, and tools use tokens.")


def require_local_login(user: User) -> None:
    """Allow the user to come in by what this index itself knows: password, passkey.

    Raises:
        ProviderOnlyError: that is for admins alone here.
    """
    settings = current_settings()
    if settings.sso_only is SsoOnly.YES and user.role != Role.ADMIN:
        raise ProviderOnlyError(settings.sso_shown_name)


def registration_in_force() -> Registration:
    """Who may make an account with a password."""
    settings = current_settings()
    # A password that is taken nowhere helps nobody.
    return Registration.CLOSED if settings.sso_only is SsoOnly.YES else settings.registration
