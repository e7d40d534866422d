"""Pages for admins."""

from packslip.site.routes.admin import events, invitations, overview, settings, users, webhooks
from packslip.site.routes.admin.shared import blueprint

__all__ = ["blueprint", "events", "invitations", "overview", "settings", "users", "webhooks"]
