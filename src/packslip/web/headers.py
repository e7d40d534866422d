"""Headers that every answer carries."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, abort, request, session

from packslip.web.urls import base_url


def content_policy(images: str = "") -> str:
    """What pages may load: what this index serves, and images from further sources."""
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            "script-src 'self'",
            f"img-src 'self' data: {images}".rstrip(),
            "font-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


#: What pages may ask the browser for: security keys, and nothing else.
_PERMISSIONS_POLICY = ", ".join(
    (
        "publickey-credentials-create=(self)",
        "publickey-credentials-get=(self)",
        *(
            f"{feature}=()"
            for feature in (
                "accelerometer",
                "camera",
                "display-capture",
                "geolocation",
                "gyroscope",
                "magnetometer",
                "microphone",
                "midi",
                "payment",
                "usb",
            )
        ),
    )
)

_CONTENT_POLICY = content_policy()

#: Seconds for which browsers refuse to go back to plain HTTP.
_YEAR = 365 * 24 * 60 * 60


#: For what is no page, should a browser ever show it as one.
_NO_CONTENT_POLICY = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"


def _refuse_impossible_requests() -> None:
    # RFC 9112, 3.2: a request says which host it is for.
    if not (_names_host() if "Host" in request.headers else _is_old()):
        abort(400, "The Host header is missing or is no host.")
    # Nothing has such a name, and PostgreSQL refuses to look for it.
    if "\0" in request.path:
        abort(404)


def _names_host() -> bool:
    try:
        _ = urlsplit(f"//{request.host}").port
    except ValueError:
        return False
    # What holds other characters than a host gives none.
    return bool(request.host)


def _is_old() -> bool:
    return request.environ.get("SERVER_PROTOCOL") in {"HTTP/0.9", "HTTP/1.0"}


def _add_headers(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("X-Frame-Options", "DENY")
    if base_url().startswith("https:"):
        # Other names under the same domain are not ours to speak for.
        response.headers["Strict-Transport-Security"] = f"max-age={_YEAR}"
    if response.mimetype == "text/html":
        response.headers.setdefault("Content-Security-Policy", _CONTENT_POLICY)
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", _PERMISSIONS_POLICY)
        if "Cache-Control" not in response.headers:
            # A browser that has a session is shown a page of its own: its user, its forms. What
            # says for itself how it is kept is left alone: asking alone makes it vary by cookie.
            response.headers["Cache-Control"] = "no-store" if session else "no-cache"
    else:
        response.headers.setdefault("Content-Security-Policy", _NO_CONTENT_POLICY)
    return response


def init_app(app: Flask) -> None:
    """Refuse impossible requests and add the headers to each answer."""
    app.before_request(_refuse_impossible_requests)
    app.after_request(_add_headers)
