"""Which pages are shown, and how each comes about."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from playwright.sync_api import Page
from tests.helpers.pages import log_in
from tests.helpers.prepared import PASSWORD
from tests.helpers.routing import rules_for_people
from werkzeug.routing import Map, Rule


class Index(Enum):
    """The index of which a page is shown."""

    #: As in use (`tools.showcase`).
    FULL = "full"
    #: Set up, and nothing else; people may log in through a provider.
    EMPTY = "empty"
    #: Nobody can log in yet.
    NEW = "new"


@dataclass(frozen=True)
class Shot:
    """One page, as one person sees it."""

    name: str
    #: What stands in braces is what the showcase made.
    path: str
    #: Nobody in particular when empty.
    person: str = ""
    #: Also kept for the README, cut at the height of a screen.
    in_readme: bool = False
    #: Also kept for the other documentation, smaller, and in light alone.
    in_docs: bool = False
    index: Index = Index.FULL
    #: What is done on the page before it is shown.
    steps: Callable[[Page], None] | None = None
    #: The endpoint of the page that is shown then, if it is not the one of the path.
    endpoint: str = ""


def _half_logged_in(page: Page) -> None:
    log_in(page, "margaret", PASSWORD)
    page.get_by_label("Code").wait_for()


def _add_an_authenticator(page: Page) -> None:
    page.get_by_role("button", name="Add an authenticator").click()
    page.get_by_label("Code").wait_for()


def _make_a_token(page: Page) -> None:
    page.get_by_label("Name", exact=True).fill("ci of acme-orders")
    page.get_by_role("button", name="Create the token").click()
    page.locator("#secret").wait_for()


def _fail_to_log_in(page: Page) -> None:
    log_in(page, "ada", "a wrong password")
    page.get_by_role("alert").wait_for()


def _ask_for_a_preview(page: Page) -> None:
    page.get_by_role("region", name="Preview").get_by_role("heading").first.wait_for()


SHOTS = (
    Shot("home", "/", "ada", in_readme=True),
    Shot("home-of-nobody", "/"),
    Shot("home-empty", "/", "root", index=Index.EMPTY),
    Shot("search", "/search/?q=acme", in_readme=True),
    Shot("search-notes", "/search/?q=currency"),
    Shot("search-nothing", "/search/?q=acme-ordres"),
    Shot("search-empty", "/search/", index=Index.EMPTY),
    Shot("package", "/project/acme-orders/", in_readme=True),
    Shot("package-deprecated", "/project/acme-labels/", "ada"),
    Shot("package-archived", "/project/acme-legacy-export/"),
    Shot("package-notes", "/project/acme-orders/notes/"),
    Shot("acts-release", "/project/acme-orders/1.1/", "grace", in_docs=True),
    Shot("acts-notes", "/project/acme-orders/notes/", "ada", in_docs=True),
    Shot("release", "/project/acme-orders/1.2/"),
    Shot("release-notes", "/project/acme-orders/1.2/notes/"),
    Shot("files-on-hold", "/project/acme-orders/1.1/files/", "grace"),
    Shot("releases", "/project/acme-orders/releases/"),
    Shot("releases-of-an-owner", "/project/acme-orders/releases/", "ada"),
    Shot("files", "/project/acme-orders/files/"),
    Shot("dependencies", "/project/acme-money/dependencies/"),
    Shot("downloads", "/project/acme-orders/downloads/"),
    Shot("package-settings", "/project/acme-orders/settings/", "ada"),
    Shot("package-teams", "/project/acme-orders/settings/teams/", "ada"),
    Shot("publishing", "/project/acme-orders/settings/publishing/", "ada"),
    Shot("removal", "/project/acme-money/settings/removal/", "grace"),
    Shot(
        "removal-file",
        "/project/acme-money/settings/removal/file?filename=acme_money-1.0.tar.gz",
        "grace",
    ),
    Shot("removal-release", "/project/acme-money/settings/removal/release?version=1.0", "grace"),
    Shot("removal-package", "/project/acme-money/settings/removal/package", "grace"),
    Shot("notes", "/notes/", "ada"),
    Shot("notes-none", "/notes/", "root", index=Index.EMPTY),
    Shot("note", "/notes/{note}", "ada"),
    Shot("note-that-acts", "/notes/{acting}", "grace"),
    Shot("note-lift", "/notes/{acting}/lift", "grace"),
    Shot("note-resume", "/notes/{lifted}/resume", "grace"),
    Shot("notes-log", "/notes/log", "ada"),
    Shot("package-log", "/project/acme-orders/log/", "ada"),
    Shot("impact", "/project/acme-money/impact/", "grace"),
    Shot("note-new", "/notes/new", "ada"),
    Shot("note-edit", "/notes/{note}/edit", "ada", steps=_ask_for_a_preview),
    Shot("note-revisions", "/notes/{note}/revisions/", "ada"),
    Shot("note-revision", "/notes/{note}/revisions/1", "ada"),
    Shot("note-comment-edit", "/notes/{note}/comments/{comment}/edit", "grace"),
    Shot("package-mirrored", "/project/urllib3/", "ada"),
    Shot("mirror", "/mirror/", "ada"),
    Shot("mirror-alarms", "/mirror/", "grace"),
    Shot("mirror-ask", "/mirror/ask/urllib3?version=2.0", "ada"),
    Shot("mirror-request", "/mirror/requests/{request}", "grace"),
    Shot("mirror-exception", "/mirror/exceptions/new", "grace"),
    Shot("mirror-exception-end", "/mirror/exceptions/{exception}/end", "grace"),
    Shot("admin-mirror", "/admin/mirror/", "grace"),
    Shot("admin-mirror-claim", "/admin/mirror/claim?name=urllib3", "grace"),
    Shot("admin-mirror-rule", "/admin/mirror/{rule}/", "grace"),
    Shot("admin-mirror-rule-remove", "/admin/mirror/{rule}/remove", "grace"),
    Shot("statistics", "/stats/"),
    Shot("browse", "/browse/"),
    Shot("browse-languages", "/browse/languages/"),
    Shot("browse-language", "/browse/languages/Python/"),
    Shot("browse-licenses", "/browse/licenses/"),
    Shot("browse-license", "/browse/licenses/MIT/"),
    Shot("user", "/user/ada/"),
    Shot("user-not-found", "/user/margret/", "ada"),
    Shot("user-downloads", "/user/ada/downloads/"),
    Shot("teams", "/teams/", "ada"),
    Shot("team", "/teams/shop/", "ada", in_docs=True),
    Shot("team-for-admins", "/teams/platform/", "grace"),
    Shot("upload", "/upload", "ada"),
    Shot("upload-preview", "/upload/{upload}", "ada"),
    Shot("check", "/check/"),
    Shot("appearance", "/appearance"),
    Shot("not-found", "/project/acme-order/"),
    Shot("not-allowed", "/admin/", "ada"),
    Shot("set-up", "/setup", index=Index.NEW),
    Shot("first-steps", "/account/first-steps", "root", index=Index.EMPTY),
    Shot("log-in", "/account/login"),
    Shot("log-in-failed", "/account/login", steps=_fail_to_log_in),
    Shot(
        "log-in-second-factor",
        "/account/login",
        steps=_half_logged_in,
        endpoint="second_factor.ask",
    ),
    Shot("log-out", "/account/logout", "ada"),
    Shot("register", "/account/register?invitation={invitation}"),
    Shot("confirm", "/account/confirm/{confirm}", "ada"),
    Shot("reset", "/account/reset"),
    Shot("reset-sent", "/account/reset/sent"),
    Shot("reset-password", "/account/reset/{reset}"),
    Shot("account", "/account/", "ada"),
    Shot("profile", "/account/profile", "ada"),
    Shot("tokens", "/account/tokens/", "ada"),
    Shot("token-made", "/account/tokens/", "linus", steps=_make_a_token),
    Shot("account-publishing", "/account/publishing/", "ada"),
    Shot("watches", "/account/watches/", "ada"),
    Shot("unsubscribe", "/account/unsubscribe/{unsubscribe}"),
    Shot("sessions", "/account/sessions/", "ada"),
    Shot("second-factor", "/account/second-factor/", "ada"),
    Shot("authenticator", "/account/second-factor/", "linus", steps=_add_an_authenticator),
    Shot("admin", "/admin/", "grace"),
    Shot("login-sso", "/account/login", index=Index.EMPTY),
    Shot("single-sign-on", "/account/single-sign-on/", "root", index=Index.EMPTY),
    Shot("admin-users", "/admin/users/", "grace"),
    Shot("admin-user", "/admin/users/ada/", "grace"),
    Shot("admin-invitations", "/admin/invitations/", "grace"),
    Shot("admin-events", "/admin/events", "grace"),
    Shot("admin-webhooks", "/admin/webhooks/", "grace"),
    Shot("admin-webhook", "/admin/webhooks/{webhook}/", "grace"),
    Shot("admin-settings", "/admin/settings/", "grace"),
)

#: Becomes a number, which fits wherever it stands.
_IN_BRACES = re.compile(r"\{\w+\}")

#: Pages that lead elsewhere, or that are shown with another.
_NO_PAGES = {
    "profile.email",
    "profile.password",
    "second_factor.back",
    "sso.begin",
    "sso.callback",
    "sso.leave",
}


def pages_not_shown(addresses: Map) -> list[Rule]:
    """The pages of which there is no picture.

    Raises:
        werkzeug.exceptions.HTTPException: a picture is of an address that is not there.
    """
    bound = addresses.bind("localhost")
    shown = {
        shot.endpoint or bound.match(_IN_BRACES.sub("1", shot.path.partition("?")[0]))[0]
        for shot in SHOTS
    }
    return [rule for rule in rules_for_people(addresses) if rule.endpoint not in shown | _NO_PAGES]
