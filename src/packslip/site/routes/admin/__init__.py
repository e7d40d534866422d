"""Pages for admins."""

from packslip.site.routes.admin import (
    claims,
    events,
    invitations,
    mirror,
    overview,
    settings,
    users,
    webhooks,
)
from packslip.site.routes.admin.shared import blueprint

__all__ = [
    "blueprint",
    "claims",
    "events",
    "invitations",
    "mirror",
    "overview",
    "settings",
    "users",
    "webhooks",
]
