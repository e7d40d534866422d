"""The first of the admin pages: how much there is, and what needs an admin."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from flask import render_template, request

from packslip import db
from packslip.settings import Settings
from packslip.site.admin_queries import AdminCounts, admin_counts
from packslip.site.routes.admin.shared import blueprint
from packslip.upgrading import schema_fault, schema_revisions
from packslip.web.context import current_settings
from packslip.web.urls import base_url

_PORTS = {"http": 80, "https": 443}


@blueprint.get("/")
def overview() -> str:
    """Show how much there is, what to see to, and on what it runs."""
    counts, settings = admin_counts(db.session()), current_settings()
    revision, newest = schema_revisions()
    warnings = [
        *_about_addresses(f"{request.scheme}://{request.host}/"),
        *_about_mail(settings, counts),
        *_about_admins(counts),
    ]
    if schema_fault() is not None:
        warnings.append(
            f"The database is at revision {revision}, and this version needs {newest}:"
            " run “packslip db upgrade”."
        )
    return render_template(
        "site/admin_overview.html",
        counts=counts,
        warnings=warnings,
        database=db.db.engine.dialect.name,
        revision=revision,
        data=settings.data,
    )


def _about_addresses(browsed: str) -> Iterator[str]:
    ours = base_url()
    if _origin(browsed) != _origin(ours):
        # Without the address that was asked for, which is whatever the client wrote.
        yield (
            f"Your browser reaches this index at another address than {ours}, to which its links"
            " lead. If that is not right, set PACKSLIP_BASE_URL, and PACKSLIP_TRUSTED_PROXIES"
            " behind a proxy."
        )
    if urlsplit(ours).scheme == "http" and not _is_here(urlsplit(ours).hostname or ""):
        yield (
            f"Passwords and tokens travel to {ours} unencrypted. Put a proxy with HTTPS in front"
            " and set PACKSLIP_BASE_URL."
        )


def _about_mail(settings: Settings, counts: AdminCounts) -> Iterator[str]:
    if not settings.smtp_url:
        asked = "" if settings.contact else ", and nobody is told whom to ask (PACKSLIP_CONTACT)"
        yield (
            "No mail server is set (PACKSLIP_SMTP_URL): people cannot recover their accounts by"
            f" themselves{asked}."
        )
    if counts.late_mails:
        yield (
            f"{counts.late_mails} mail{'s' if counts.late_mails > 1 else ''} could not be sent yet:"
            " the log says why."
        )


def _about_admins(counts: AdminCounts) -> Iterator[str]:
    if counts.bare_admins:
        yield f"Admins without a second factor: {counts.bare_admins} of {counts.admins}."


def _origin(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
