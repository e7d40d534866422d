"""Taking a name over from upstream."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from packslip import db
from packslip.accounts.queries import get_user
from packslip.errors import ConflictError, InvalidError, NotFoundError
from packslip.mirror.claiming import claim_name, discard_unnamed, upstream_that_has
from packslip.packages.models import Package
from packslip.simple_api.page import normalize_name
from packslip.site.mirror_forms import ClaimForm
from packslip.site.routes.admin.shared import admin_transaction, blueprint
from packslip.web.context import current_storage
from packslip.web.forms import is_sent, read_form


@blueprint.route("/mirror/claim", methods=["GET", "POST"])
def claim() -> ResponseReturnValue:
    """Ask for a name and its owner, show what becomes of it, and do it once that is confirmed."""
    form = read_form(ClaimForm, name=request.args.get("name", "")[:200])
    if is_sent(form):
        try:
            if request.form.get("do") != "claim":
                return _confirm(form)
            return _claim(form)
        except (ConflictError, InvalidError, NotFoundError) as error:
            form.fail(error)
    page = render_template("site/admin_claim.html", form=form)
    return page, 400 if request.method == "POST" else 200


def _confirm(form: ClaimForm) -> str:
    session = db.session()
    owner = get_user(session, (form.owner.data or "").strip())
    package_id = normalize_name((form.name.data or "").strip())
    return render_template(
        "site/admin_claim_confirm.html",
        form=form,
        owner=owner,
        package_id=package_id,
        package=session.get(Package, package_id),
        upstream=upstream_that_has(session, package_id),
    )


def _claim(form: ClaimForm) -> ResponseReturnValue:
    with admin_transaction() as (session, actor):
        owner = get_user(session, (form.owner.data or "").strip())
        package, keys = claim_name(session, actor, owner, (form.name.data or "").strip())
        package_id = package.id
    discard_unnamed(session, current_storage(), keys)
    flash(f"{package_id} is hosted here now.")
    return redirect(url_for("site.package", name=package_id), code=303)
