"""Forms: read from the request, shown again with what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from flask import request
from wtforms import Form as WTForm

from packslip.errors import InvalidError, PackslipError

F = TypeVar("F", bound="Form")


class Form(WTForm):
    """A form of a page. Fields say what they need; operations say what is wrong with it."""

    def fail(self, error: PackslipError) -> None:
        """Show the error's reason: at the field that it is about, else above the form."""
        name = error.field if isinstance(error, InvalidError) else None
        if name is not None and name in self:
            # Before a form is validated its errors are an empty tuple.
            self[name].errors = [*self[name].errors, error.reason]
        else:
            self.form_errors.append(error.reason)

    @property
    def faults(self) -> Sequence[tuple[str | None, str]]:
        """Every fault with the name of its field, those of the whole form first."""
        whole: list[tuple[str | None, str]] = [(None, str(text)) for text in self.form_errors]
        return whole + [(field.name, str(text)) for field in self for text in field.errors]


def read_form(kind: type[F], /, **defaults: Any) -> F:
    """The form as it was sent, or with `defaults` where nothing was sent."""
    return kind(request.form if request.method == "POST" else None, data=defaults)


def is_sent(form: Form) -> bool:
    """Whether the form was sent, and its fields hold what they need."""
    return request.method == "POST" and form.validate()
