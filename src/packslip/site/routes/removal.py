"""Removing a file, a release or a whole package for good, by its owners and by admins."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from flask import Blueprint, flash, redirect, render_template, request, url_for
from packaging.utils import canonicalize_name
from sqlalchemy.orm import Session
from werkzeug import Response
from wtforms import PasswordField, StringField

from packslip import db
from packslip.accounts.current import confirm_login, current_actor, guard_users, require_user
from packslip.accounts.freshness import WrongPasswordError, is_fresh, prove
from packslip.errors import InvalidError
from packslip.packages import listings, removal
from packslip.packages.access import require_manager
from packslip.packages.heads import read_head
from packslip.packages.models import File, Package, Release
from packslip.packages.queries import get_file, get_package, get_release
from packslip.site.removals import is_last_file, loss_of
from packslip.web.context import current_storage
from packslip.web.errors import status_of
from packslip.web.forms import Form, read_form
from packslip.web.redirects import moved_permanently

log = structlog.get_logger(__name__)

blueprint = Blueprint(
    "removal",
    __name__,
    template_folder="../templates",
    url_prefix="/project/<name>/settings/removal",
)
guard_users(blueprint)

#: What is to be removed, found anew each time.
Find = Callable[[Session, Package], Package | Release | File]
#: A page or redirect, perhaps with a status.
Answer = str | Response | tuple[str, int]


class NotConfirmedError(InvalidError):
    """What was typed is not the name of what would be removed."""

    field = "typed"

    def __init__(self, expected: str) -> None:
        super().__init__(f"Nothing was removed. Type {expected} as it stands here.")


class PasswordNeededError(InvalidError):
    """It is too long ago that the user proved who they are."""

    field = "password"

    def __init__(self) -> None:
        super().__init__("Nothing was removed. Enter your password too.")


class RemovalForm(Form):
    """The name of what is to be removed, typed by hand."""

    typed = StringField("")
    password = PasswordField(
        "Current password",
        description="You logged in some time ago, so show that it is still you.",
    )


@blueprint.get("/")
def choose(name: str) -> Answer:
    """Choose what to remove."""
    if moved := _moved(name):
        return moved
    session, user = db.session(), require_user()
    package = get_package(session, name, without_texts=True)
    require_manager(session, user, package)
    head = read_head(session, user, package.id)
    pages = max(1, -(-head.releases // listings.PER_PAGE))
    page = min(max(request.args.get("page", 1, type=int), 1), pages)
    return render_template(
        "site/removal.html",
        head=head,
        listed=listings.list_releases(session, package.id, page),
        page=page,
        pages=pages,
    )


@blueprint.route("/package", methods=["GET", "POST"])
def package(name: str) -> Answer:
    """Remove the package."""
    return _moved(name) or _answer(name, lambda session, package: package)


@blueprint.route("/release", methods=["GET", "POST"])
def release(name: str) -> Answer:
    """Remove the release that `?version=` names."""
    version = request.args.get("version", "")
    return _moved(name) or _answer(
        name, lambda session, package: get_release(session, package, version, without_texts=True)
    )


@blueprint.route("/file", methods=["GET", "POST"])
def file(name: str) -> Answer:
    """Remove the file that `?filename=` names."""
    filename = request.args.get("filename", "").replace("\0", "?")
    return _moved(name) or _answer(
        name, lambda session, package: get_file(session, package, filename)
    )


def _answer(name: str, find: Find) -> Answer:
    form = read_form(RemovalForm)
    if request.method == "GET":
        return _page(name, find, form)
    try:
        _require_fresh_user(form.password.data or "")
        return _remove(name, find, (form.typed.data or "").strip())
    except (NotConfirmedError, PasswordNeededError, WrongPasswordError) as error:
        form.fail(error)
        return _page(name, find, form), status_of(error)


def _require_fresh_user(password: str) -> None:
    if is_fresh():
        return
    if not password:
        raise PasswordNeededError
    prove(require_user(), password)


def _page(name: str, find: Find, form: RemovalForm) -> str:
    session, user = db.session(), require_user()
    package = get_package(session, name, without_texts=True)
    require_manager(session, user, package)
    target = find(session, package)
    form.typed.label.text = f"Type {_name_of(target)} to confirm"
    release = target.release if isinstance(target, File) else target
    return render_template(
        "site/removal_target.html",
        head=read_head(session, user, package.id),
        form=form,
        fresh=is_fresh(),
        target=target,
        kind=_kind_of(target),
        what=_name_of(target),
        loss=loss_of(session, package, target),
        takes_release=isinstance(target, File) and is_last_file(session, target),
        release=release if isinstance(release, Release) else None,
        files=listings.list_files(session, target) if isinstance(target, Release) else [],
    )


def _remove(name: str, find: Find, typed: str) -> Response:
    user, actor = require_user(), current_actor()
    with db.write_transaction(db.session()) as session:
        package = get_package(session, name, lock=True)
        confirm_login(session)
        require_manager(session, user, package)
        target = find(session, package)
        what = _name_of(target)
        if not _is_named(target, typed):
            raise NotConfirmedError(what)
        done = f"{what if isinstance(target, File) else package.name} is removed."
        if isinstance(target, Package):
            keys, place = removal.remove_package(session, actor, target), url_for("site.home")
        else:
            place = url_for(".choose", name=package.id)
            if isinstance(target, Release):
                done = f"{package.name} {what} is removed."
                keys = removal.remove_release(session, actor, target)
            else:
                keys = removal.remove_file(session, actor, target)
    _delete_bytes(keys)
    flash(done)
    return redirect(place, code=303)


def _delete_bytes(keys: list[str]) -> None:
    storage = current_storage()
    for key in keys:
        try:
            storage.delete(key)
        except Exception as error:
            # They take up room and nobody can see them: what was asked for is done.
            log.warning("bytes without a row were left in the storage", key=key, exc_info=error)


def _name_of(target: Package | Release | File) -> str:
    if isinstance(target, Package):
        return target.name
    return target.version if isinstance(target, Release) else target.filename


def _kind_of(target: Package | Release | File) -> str:
    if isinstance(target, Package):
        return "package"
    return "release" if isinstance(target, Release) else "file"


def _is_named(target: Package | Release | File, typed: str) -> bool:
    if isinstance(target, Package):
        return canonicalize_name(typed) == target.id
    return typed == _name_of(target)


def _moved(name: str) -> Response | None:
    normalized = canonicalize_name(name)
    if normalized == name or request.endpoint is None or request.method != "GET":
        return None
    return moved_permanently(url_for(request.endpoint, name=normalized))
