"""The decision log of a package and of the whole index."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from packaging.utils import canonicalize_name
from wtforms import SelectField, StringField

from packslip import db
from packslip.accounts.current import current_user, keep_private
from packslip.accounts.readers import guard_pages
from packslip.errors import InvalidError, NotFoundError
from packslip.notes.decision_exports import FORMATS
from packslip.notes.decisions import (
    MOST,
    PAGE,
    Decision,
    DecisionFilter,
    list_decisions,
    read_decision_filter,
)
from packslip.notes.routes.shared import request_reader
from packslip.packages.heads import Head, read_head
from packslip.packages.models import Act
from packslip.web.forms import Form
from packslip.web.redirects import moved_permanently
from packslip.web.urls import base_url

blueprint = Blueprint("decisions", __name__, template_folder="../templates")
guard_pages(blueprint)
blueprint.after_request(keep_private)

_MAX_ID = 2**63 - 1


class UnknownFormatError(NotFoundError):
    """The log is not written in such a way."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The log is not written as {name!r}, only as {', '.join(FORMATS)}.")


class PackageLogForm(Form):
    """Which entries of a package's log are wanted."""

    act = SelectField(
        "Act", choices={"": "anything"} | {one.value: one.value for one in Act if one != Act.NONE}
    )
    since = StringField("From", description="Such as 2026-01-31, in UTC.")

    @property
    def given(self) -> dict[str, str]:
        """What was filled in."""
        texts = {field.name: (field.data or "").strip() for field in self}
        return {name: text for name, text in texts.items() if text}


class LogForm(PackageLogForm):
    """Which entries of the whole log are wanted."""

    package = StringField("Package")


@blueprint.get("/notes/log")
def team() -> ResponseReturnValue:
    """Show what happened to all packages, as far as the reader may know."""
    return _answer(LogForm(request.args), "Decision log", "decisions.html", "decisions")


@blueprint.get("/project/<name>/log/")
def package(name: str) -> ResponseReturnValue:
    """Show what happened to one package."""
    normalized = canonicalize_name(name)
    if normalized != name:
        return moved_permanently(url_for(".package", name=normalized))
    head = read_head(db.session(), current_user(), name)
    heading = f"Decision log of {head.package.name}"
    filename = f"{head.package.id}-decisions"
    return _answer(PackageLogForm(request.args), heading, "package_decisions.html", filename, head)


def _answer(
    form: PackageLogForm, heading: str, template: str, filename: str, head: Head | None = None
) -> ResponseReturnValue:
    texts = form.given if head is None else {**form.given, "package": head.package.id}
    wanted_format = request.args.get("format")
    try:
        wanted = read_decision_filter(**texts)
    except InvalidError as error:
        if wanted_format is not None:
            raise
        form.fail(error)
        page = render_template(f"notes/{template}", form=form, head=head, shown=None)
        return page, 400
    if wanted_format is not None:
        return _export(wanted, wanted_format, heading, filename)
    before = _asked_before()
    found = list_decisions(db.session(), request_reader(), wanted, before=before, limit=PAGE + 1)
    shown = found[:PAGE]
    return render_template(
        f"notes/{template}",
        form=form,
        head=head,
        shown=shown,
        days=_by_day(shown),
        older=_address(form, before=shown[-1].id) if len(found) > PAGE else None,
        newest=None if before is None else _address(form),
        formats={name: _address(form, format=name) for name in FORMATS},
    )


def _export(wanted: DecisionFilter, name: str, heading: str, filename: str) -> Response:
    if name not in FORMATS:
        raise UnknownFormatError(name)
    write, kind = FORMATS[name]
    found = list_decisions(db.session(), request_reader(), wanted, limit=MOST)
    response = Response(write(found, heading, base_url()), mimetype=kind)
    disposition = f'attachment; filename="{filename}.{name}"'
    response.headers["Content-Disposition"] = disposition
    return response


def _by_day(decisions: Sequence[Decision]) -> dict[str, list[Decision]]:
    days: dict[str, list[Decision]] = {}
    for one in decisions:
        days.setdefault(f"{one.at:%Y-%m-%d}", []).append(one)
    return days


def _asked_before() -> int | None:
    before = request.args.get("before", type=int)
    return before if before is not None and 0 < before <= _MAX_ID else None


def _address(form: PackageLogForm, **more: object) -> str:
    query = urlencode({**form.given, **more})
    return f"{request.path}?{query}" if query else request.path
