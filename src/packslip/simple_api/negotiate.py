"""Choose the form in which a page of the Simple API is answered (PEP 691, RFC 9110)."""

from __future__ import annotations

import re
from enum import IntEnum, StrEnum

from packslip.errors import NotAcceptableError


class Form(StrEnum):
    """A form of the Simple API by its content type, the best one first."""

    JSON = "application/vnd.pypi.simple.v1+json"
    HTML = "application/vnd.pypi.simple.v1+html"
    LEGACY_HTML = "text/html"


class _Specificity(IntEnum):
    """How closely a media range names a type."""

    ANYTHING = 0
    SUBTYPES = 1
    EXACT = 2


#: What may be asked for; `latest` is answered with the version that it now means.
_REQUESTABLE: dict[str, Form] = {
    **{form.value: form for form in Form},
    "application/vnd.pypi.simple.latest+json": Form.JSON,
    "application/vnd.pypi.simple.latest+html": Form.HTML,
}

# Java's HTTP client leaves out the zero: `*; q=.2`.
_QUALITY = re.compile(r"0?\.\d+|0\.?|1(\.0*)?", re.ASCII)


class NoAcceptableFormError(NotAcceptableError):
    """The client accepts, or asks for, none of the forms of the Simple API."""

    def __init__(self) -> None:
        super().__init__(f"This page is offered only as {', '.join(Form)}.")
        self.offered = tuple(Form)


def negotiate(accept: str | None, requested: str | None = None) -> Form:
    """Return the form to answer with.

    The highest quality wins. Among equals, what the client names comes before what only a
    wildcard covers; then the order of `Form` decides. Where only `*/*` speaks for the best, or
    the client says nothing, it is a browser or does not know this API, and gets `text/html`.

    Args:
        accept: the `Accept` header, or None without one.
        requested: the value of `?format=`, which overrides the header; None without one.

    Raises:
        NoAcceptableFormError: no form fits.
    """
    if requested is not None:
        return _requested_form(requested)
    qualities = _parse(accept or "")
    matches = {form: _match(form, qualities) for form in Form}
    best_quality, specificity = best = max(matches.values())
    if best_quality == 0:
        raise NoAcceptableFormError
    if specificity is _Specificity.ANYTHING and matches[Form.LEGACY_HTML] == best:
        return Form.LEGACY_HTML
    return next(form for form in Form if matches[form] == best)


def _requested_form(requested: str) -> Form:
    # In a query a bare `+` stands for a space, and people write the type as it is.
    form = _REQUESTABLE.get(requested.strip().replace(" ", "+").lower())
    if form is None:
        raise NoAcceptableFormError
    return form


def _parse(accept: str) -> dict[str, float]:
    """Return the quality of each media range; what cannot be understood is left out."""
    if not accept.strip(" \t,"):
        return {"*/*": 1.0}
    qualities: dict[str, float] = {}
    for item in accept.split(","):
        media_range, *parameters = (part.strip().lower() for part in item.split(";"))
        quality = _quality(parameters)
        if quality is None:
            continue
        if media_range == "*":
            media_range = "*/*"
        key = _REQUESTABLE.get(media_range, media_range)
        qualities[key] = max(quality, qualities.get(key, 0.0))
    return qualities


def _quality(parameters: list[str]) -> float | None:
    """Return the quality among the parameters of a media range, None if it is malformed.

    Other parameters do not count: each form has only one variant.
    """
    for parameter in parameters:
        name, _, value = (part.strip() for part in parameter.partition("="))
        if name == "q":
            return float(value) if _QUALITY.fullmatch(value) else None
    return 1.0


def _match(form: Form, qualities: dict[str, float]) -> tuple[float, _Specificity]:
    """Return the quality of a form, by the media range that names it most closely."""
    ranges = {
        _Specificity.EXACT: form.value,
        _Specificity.SUBTYPES: form.partition("/")[0] + "/*",
        _Specificity.ANYTHING: "*/*",
    }
    for specificity, media_range in ranges.items():
        if media_range in qualities:
            return qualities[media_range], specificity
    return 0.0, _Specificity.ANYTHING
