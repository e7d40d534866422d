"""Who the client is, behind reverse proxies (`X-Forwarded-*`)."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from packslip.setting_values import Network

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def init_app(app: Flask, trusted: int | tuple[Network, ...]) -> None:
    """Believe that many proxies, or those in the networks; nobody else's headers count.

    What reaches the application as the client's address is one, or None.
    """
    app.wsgi_app = _OnlyAddresses(app.wsgi_app)  # type: ignore[method-assign]
    if isinstance(trusted, int):
        if trusted:
            fixed = ProxyFix(
                app.wsgi_app, x_for=trusted, x_proto=trusted, x_host=trusted, x_prefix=trusted
            )
            app.wsgi_app = fixed  # type: ignore[method-assign]
    else:
        app.wsgi_app = _TrustNetworks(app.wsgi_app, trusted)  # type: ignore[method-assign]


class _OnlyAddresses:
    """Leaves out what a proxy gave as the client's address and is none."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            environ["REMOTE_ADDR"] = str(ip_address(environ.get("REMOTE_ADDR", "")))
        except ValueError:
            environ.pop("REMOTE_ADDR", None)
        return self._application(environ, start_response)


class _TrustNetworks:
    def __init__(self, application: WSGIApplication, networks: tuple[Network, ...]) -> None:
        self._application = application
        self._networks = networks

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        application = self._application
        if hops := self._hops(environ):
            # The other headers hold what the nearest proxy was asked for.
            application = ProxyFix(application, x_for=hops, x_proto=1, x_host=1, x_prefix=1)
        return application(environ, start_response)

    def _hops(self, environ: WSGIEnvironment) -> int:
        """How many proxies the request came through, as far as they can be believed."""
        if not self._is_trusted(environ.get("REMOTE_ADDR", "")):
            return 0
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
        hops = 1
        # Each proxy adds the address that it was called from; the last one is the nearest.
        while hops < len(forwarded) and self._is_trusted(forwarded[-hops].strip()):
            hops += 1
        return hops

    def _is_trusted(self, text: str) -> bool:
        try:
            address = ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in self._networks)
