"""The settings in force, and the rules that admins set while the index runs."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import RadioField

from packslip import db
from packslip.accounts.policies import (
    SecondFactorPolicy,
    second_factor_policy,
    set_second_factor_policy,
)
from packslip.errors import InvalidError
from packslip.site.routes.admin.shared import admin_transaction, blueprint
from packslip.site.settings_in_force import settings_in_force
from packslip.web.context import current_settings
from packslip.web.forms import Form, is_sent, read_form


class PolicyForm(Form):
    """The rules for the whole site."""

    second_factor = RadioField(
        "A second factor is required of",
        choices={
            SecondFactorPolicy.NOBODY.value: "nobody",
            SecondFactorPolicy.OWNERS.value: "everybody who owns a package",
            SecondFactorPolicy.ALL.value: "everybody",
        },
    )


@blueprint.route("/settings/", methods=["GET", "POST"])
def settings() -> ResponseReturnValue:
    """Show every setting without its secrets; change the rules."""
    form = read_form(PolicyForm, second_factor=second_factor_policy(db.session()))
    if is_sent(form):
        try:
            with admin_transaction() as (session, actor):
                value = SecondFactorPolicy(form.second_factor.data)
                set_second_factor_policy(session, actor, value)
        except InvalidError as error:
            form.fail(error)
        else:
            flash("The rule is in force.")
            return redirect(url_for(".settings"), code=303)
    page = render_template(
        "site/admin_settings.html", form=form, settings=settings_in_force(current_settings())
    )
    return page, 400 if request.method == "POST" else 200
