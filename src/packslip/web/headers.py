"""Headers that every answer carries."""

from __future__ import annotations

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


def _refuse_impossible_paths() -> None:
    # Nothing has such a name, and PostgreSQL refuses to look for it.
    if "\0" in request.path:
        abort(404)


def _add_headers(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if base_url().startswith("https:"):
        # Other names under the same domain are not ours to speak for.
        response.headers["Strict-Transport-Security"] = f"max-age={_YEAR}"
    if response.mimetype == "text/html":
        response.headers.setdefault("Content-Security-Policy", _CONTENT_POLICY)
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", _PERMISSIONS_POLICY)
        if "Cache-Control" not in response.headers:
            # A browser that has a session is shown a page of its own: its user, its forms. What
            # says for itself how it is kept is left alone: asking alone makes it vary by cookie.
            response.headers["Cache-Control"] = "no-store" if session else "no-cache"
    return response


def init_app(app: Flask) -> None:
    """Refuse impossible paths and add the headers to each answer."""
    app.before_request(_refuse_impossible_paths)
    app.after_request(_add_headers)
