"""The page to drop a lock file on."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from packslip.accounts.readers import guard_pages
from packslip.check.findings import Severity
from packslip.check.queries import check_lock
from packslip.check.readers.locks import MAX_SIZE, LockKind
from packslip.check.readers.reading import read_lock
from packslip.check.viewers import current_viewer
from packslip.db import session
from packslip.errors import InvalidError, TooLargeError
from packslip.web.urls import base_url

blueprint = Blueprint("check", __name__, template_folder="../templates")
guard_pages(blueprint)


@blueprint.get("/check/")
def index() -> str:
    """Ask for a lock file."""
    return _page()


@blueprint.post("/check/")
def check() -> str | tuple[str, int]:
    """Tell what there is to know about its pins. The file is not stored."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return _page(fault="Choose a lock file."), 400
    content = sent.read()
    sent.close()
    try:
        lock = read_lock(sent.filename, content)
    except (InvalidError, TooLargeError) as error:
        return _page(fault=error.reason), 400
    return _page(checked=check_lock(session(), lock, current_viewer()))


def _page(**values: object) -> str:
    return render_template(
        "check/index.html",
        kinds=list(LockKind),
        severities=list(Severity),
        base_url=base_url(),
        megabytes=MAX_SIZE // 10**6,
        **values,
    )
