"""What a user watches, and links that end that."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from packaging.utils import canonicalize_name
from sqlalchemy import select
from werkzeug import Response
from wtforms import StringField

from packslip import db
from packslip.accounts.current import confirm_login, guard_users, keep_private, require_user
from packslip.errors import InvalidError
from packslip.mail.operations import can_send
from packslip.packages.models import Origin, Package
from packslip.packages.queries import UnknownPackageError, get_package
from packslip.subscriptions.operations import unwatch, unwatch_all, watch, watch_releases
from packslip.subscriptions.queries import is_watching_by_id, list_watches
from packslip.subscriptions.unsubscribing import read_unsubscribe_link
from packslip.web.forms import Form, read_form
from packslip.web.next_page import go_next

blueprint = Blueprint(
    "watches", __name__, template_folder="../templates", url_prefix="/account/watches"
)
guard_users(blueprint)

unsubscribing = Blueprint(
    "unsubscribing", __name__, template_folder="../templates", url_prefix="/account/unsubscribe"
)
unsubscribing.after_request(keep_private)


class WatchForm(Form):
    """What to watch; empty for every note that acts."""

    package = StringField("Package", description="Its name; you need not look after it.")


@blueprint.get("/")
def index() -> str:
    """Show what the user watches."""
    return _page(read_form(WatchForm))


@blueprint.post("/add")
def add() -> Response | tuple[str, int]:
    """Watch a package, or every note that acts."""
    require_user()
    form = read_form(WatchForm)
    everything = request.form.get("everything") == "1"
    name = (form.package.data or "").strip()
    try:
        with db.write_transaction(db.session()) as session:
            user = confirm_login(session).user
            package_id = None if everything else _package(name)
            watch(session, user, package_id)
    except InvalidError as error:
        form.fail(error)
        return _page(form), 400
    flash(f"You watch {package_id or 'everything that acts'} now.")
    return go_next(url_for(".index"))


@blueprint.post("/remove")
def remove() -> Response:
    """End a watch."""
    package_id = request.form.get("package", "").replace("\0", "") or None
    with db.write_transaction(db.session()) as session:
        unwatch(session, confirm_login(session).user.id, package_id)
    flash(f"You do not watch {package_id or 'everything that acts'} any more.")
    return go_next(url_for(".index"))


@blueprint.post("/releases")
def releases() -> Response:
    """Be told of new upstream releases of a package, or no more."""
    is_wanted = request.form.get("wanted") == "1"
    with db.write_transaction(db.session()) as session:
        user = confirm_login(session).user
        package_id = _package(request.form.get("package", "").replace("\0", ""))
        watch_releases(session, user, package_id, wanted=is_wanted)
    told = "told of new releases of" if is_wanted else "not told any more of new releases of"
    flash(f"You are {told} {package_id}.")
    return go_next(url_for(".index"))


@unsubscribing.get("/<token>")
def ask(token: str) -> str:
    """Ask which watches shall end; a program that only looks at links ends none."""
    link, session = read_unsubscribe_link(token), db.session()
    return render_template(
        "notes/unsubscribe.html",
        package_id=link.package_id,
        watches_package=is_watching_by_id(session, link.user_id, link.package_id),
        watches_all=is_watching_by_id(session, link.user_id, None),
    )


@unsubscribing.post("/<token>")
def end(token: str) -> Response:
    """End the watches that were chosen."""
    link = read_unsubscribe_link(token)
    with db.write_transaction(db.session()) as session:
        match request.form.get("what"):
            case "package":
                unwatch(session, link.user_id, link.package_id)
            case "everything":
                unwatch(session, link.user_id, None)
            case _:
                unwatch_all(session, link.user_id)
    return redirect(url_for(".ask", token=token), code=303)


class UnknownWatchError(InvalidError):
    """There is no such package to watch."""

    field = "package"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no package {name!r}." if name else "Say which package.")


def _package(name: str) -> str:
    try:
        return get_package(db.session(), canonicalize_name(name)).id
    except UnknownPackageError:
        raise UnknownWatchError(name) from None


def _mirrored(package_ids: Iterable[str]) -> set[str]:
    wanted = Package.id.in_(list(package_ids)) & (Package.origin == Origin.MIRRORED)
    return set(db.session().scalars(select(Package.id).where(wanted)))


def _page(form: WatchForm) -> str:
    user = require_user()
    watches = list_watches(db.session(), user)
    return render_template(
        "notes/watches.html",
        form=form,
        person=user,
        packages=[one for one in watches if one.package_id is not None],
        mirrored=_mirrored(one.package_id for one in watches if one.package_id is not None),
        everything=any(one.package_id is None for one in watches),
        can_send=can_send(),
    )
