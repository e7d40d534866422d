"""How pages look to this browser, and whether single keys do something."""

from __future__ import annotations

from flask import (
    Blueprint,
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from wtforms import RadioField

from packslip.web.forms import Form, is_sent, read_form

blueprint = Blueprint("appearance", __name__, template_folder="../templates")

#: Seconds for which a browser remembers what was chosen.
LIFETIME = 365 * 24 * 3600

THEME = "packslip_theme"
SHORTCUTS = "packslip_shortcuts"


class AppearanceForm(Form):
    """What is kept in cookies of this browser, so that no page flashes in the wrong colours."""

    theme = RadioField(
        "Colours",
        choices={"auto": "As the system has them", "light": "Light", "dark": "Dark"},
    )
    shortcuts = RadioField("Keys", choices={"on": "On", "off": "Off"})


@blueprint.route("/appearance", methods=["GET", "POST"])
def appearance() -> Response:
    """Choose colours and keys."""
    cookies = request.cookies
    form = read_form(
        AppearanceForm,
        theme=cookies.get(THEME, "auto"),
        shortcuts=cookies.get(SHORTCUTS, "on"),
    )
    if not is_sent(form):
        status = 400 if request.method == "POST" else 200
        return make_response(render_template("site/appearance.html", form=form), status)
    flash("Kept in this browser.")
    response = make_response(redirect(url_for(".appearance"), code=303))
    for name, value in ((THEME, form.theme.data), (SHORTCUTS, form.shortcuts.data)):
        response.set_cookie(name, value, max_age=LIFETIME, samesite="Lax", secure=request.is_secure)
    return response
