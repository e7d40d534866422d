"""The rules about what comes through the mirror."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from packslip import db
from packslip.accounts.current import require_admin
from packslip.errors import InvalidError
from packslip.mirror.rule_models import MirrorRule
from packslip.mirror.rule_operations import add_rule, change_rule, remove_rule
from packslip.mirror.rule_queries import UnknownRuleError, get_rule_row, list_rule_rows, rule_of
from packslip.mirror.rule_words import describe
from packslip.mirror.rules import Kind
from packslip.site.mirror_forms import RuleForm, values_of
from packslip.site.routes.admin.shared import admin_transaction, blueprint
from packslip.web.forms import is_sent, read_form


@blueprint.route("/mirror/", methods=["GET", "POST"])
def rules() -> ResponseReturnValue:
    """List the rules; add one."""
    form = read_form(RuleForm)
    if is_sent(form):
        try:
            with admin_transaction() as (session, actor):
                row = add_rule(session, actor, require_admin(), form.rule())
                said = describe(rule_of(row))
        except InvalidError as error:
            form.fail(error)
        else:
            flash(f"The rule is in force: {said}")
            return redirect(url_for(".rules"), code=303)
    rows = list_rule_rows(db.session(), [kind for kind in Kind if kind is not Kind.EXCEPTION])
    page = render_template(
        "site/admin_mirror.html", form=form, rules=[(row, describe(rule_of(row))) for row in rows]
    )
    return page, 400 if request.method == "POST" else 200


@blueprint.route("/mirror/<int:rule_id>/", methods=["GET", "POST"])
def rule(rule_id: int) -> ResponseReturnValue:
    """Change a rule."""
    row = _rule(db.session(), rule_id)
    form = read_form(RuleForm, **values_of(rule_of(row)))
    if is_sent(form):
        try:
            with admin_transaction() as (session, actor):
                _rule(session, rule_id)
                change_rule(session, actor, require_admin(), rule_id, form.rule())
        except InvalidError as error:
            form.fail(error)
        else:
            flash("The rule is changed, and in force.")
            return redirect(url_for(".rules"), code=303)
    row = _rule(db.session(), rule_id)
    page = render_template("site/admin_rule.html", form=form, row=row, text=describe(rule_of(row)))
    return page, 400 if request.method == "POST" else 200


@blueprint.route("/mirror/<int:rule_id>/remove", methods=["GET", "POST"])
def remove_rule_page(rule_id: int) -> ResponseReturnValue:
    """Remove a rule, once it is confirmed."""
    if request.method == "GET":
        row = _rule(db.session(), rule_id)
        return render_template("site/admin_rule_removal.html", row=row, text=describe(rule_of(row)))
    with admin_transaction() as (session, actor):
        _rule(session, rule_id)
        removed = remove_rule(session, actor, require_admin(), rule_id)
    flash(f"The rule is removed: {describe(removed)}")
    return redirect(url_for(".rules"), code=303)


def _rule(session: Session, rule_id: int) -> MirrorRule:
    """A rule that is no exception: those are on the page of the mirror."""
    row = get_rule_row(session, rule_id)
    if row.kind == Kind.EXCEPTION:
        raise UnknownRuleError(rule_id)
    return row
