"""Where to go after something was done, as `?next=` says: to a page of this index or nowhere."""

from __future__ import annotations

import re

from flask import redirect, request
from werkzeug import Response

# One slash and then no second one, nor a backslash, which browsers read as one; and none of the
# control characters that they leave out before they read.
_PATH = re.compile(r"/(?![/\\])[^\x00-\x20\x7f\\]*")


def safe_next(default: str) -> str:
    """The path that `next` names in the form or the address if it is one of this index."""
    wanted = request.form.get("next") or request.args.get("next") or ""
    return wanted if _PATH.fullmatch(wanted) else default


def go_next(default: str) -> Response:
    """Send the browser on with a GET (303)."""
    return redirect(safe_next(default), code=303)
