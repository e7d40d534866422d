"""The forms of the pages about second factors."""

from __future__ import annotations

from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired

from packslip.web.forms import Form


class PasswordForm(Form):
    """Shows that it is still the same person."""

    password = PasswordField("Current password", [InputRequired("Enter your password.")])


class CodeForm(Form):
    """Shows that an authenticator has the secret."""

    code = StringField("Code", [InputRequired("Enter the code that is shown now.")])


class KeyForm(Form):
    """A key that the browser made."""

    name = StringField(
        "Name",
        [InputRequired("Give the key a name by which you will know it.")],
        description="Such as “blue key” or “phone”.",
    )
    credential = HiddenField()


class AskForm(Form):
    """What is given after the password: a code, or what a key signed."""

    code = StringField("Code")
    credential = HiddenField()
