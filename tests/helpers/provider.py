"""An OpenID Connect provider on loopback, which lets in and signs whatever a test wants."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT_ID = "packslip"
CLIENT_SECRET = "hush & keep"


@dataclass
class Provider:
    """Its address, its keys, who is logged in there, and how often it was asked for what."""

    address: str = ""
    keys: list[RSAKey] = field(default_factory=list)
    #: What it says of whoever is logged in there; nobody is when it is empty.
    person: dict[str, Any] = field(default_factory=dict)
    #: What its ID tokens say otherwise than they should; None leaves a claim out.
    lies: dict[str, Any] = field(default_factory=dict)
    #: Writes the ID token, when the provider's own way will not do.
    forge: Callable[[dict[str, Any]], str] | None = None
    #: What it says of itself otherwise than it should; None leaves it out.
    about: dict[str, Any] = field(default_factory=dict)
    #: What only its second address tells.
    user_info: dict[str, Any] = field(default_factory=dict)
    #: Answers in place of everything, when it is set.
    broken: bytes | None = None
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def rotate(self) -> None:
        """Sign with a new key, which those who know the old one must ask for."""
        self.keys = [RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"})]

    def settings(self, **more: str) -> dict[str, str]:
        """The settings of an index whose people log in here."""
        return {
            "PACKSLIP_SSO_ISSUER": self.address,
            "PACKSLIP_SSO_CLIENT_ID": CLIENT_ID,
            "PACKSLIP_SSO_CLIENT_SECRET": CLIENT_SECRET,
            "PACKSLIP_SSO_NAME": "Acme ID",
            **more,
        }

    def answer(self, address: str) -> str:
        """Where a browser that came to this address is sent back to, once it is logged in."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        assert {"state", "nonce", "code_challenge"} <= asked.keys()
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        told = {"state": asked["state"], "iss": self.address}
        told |= {"code": code} if self.person else {"error": "access_denied"}
        return f"{asked['redirect_uri']}?{urlencode(told)}"

    def id_token(self, nonce: str) -> str:
        """What it says of whoever is logged in, for the log-in with that nonce."""
        now = int(time.time())
        usual = {
            "iss": self.address,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            **self.person,
        }
        claims = {name: one for name, one in (usual | self.lies).items() if one is not None}
        if self.forge is not None:
            return self.forge(claims)
        return jwt.encode({"alg": "RS256", "kid": self.keys[0].kid or ""}, claims, self.keys[0])

    def describe(self) -> dict[str, Any]:
        usual = {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
            "userinfo_endpoint": f"{self.address}/user",
            "end_session_endpoint": f"{self.address}/leave",
            "authorization_response_iss_parameter_supported": True,
        }
        return {name: one for name, one in (usual | self.about).items() if one is not None}

    def exchange(self, header: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """What a code is exchanged for, once, by whoever has the verifier and the secret."""
        own = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if header != f"Basic {own}":
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != form.get("redirect_uri")
        ):
            return 400, {"error": "invalid_grant"}
        told = {"access_token": "for you", "token_type": "Bearer"}
        return 200, {**told, "id_token": self.id_token(asked["nonce"])}


class _Handler(BaseHTTPRequestHandler):
    #: A subclass says which.
    provider: Provider

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.provider.asked.append(path)
        if path == "/.well-known/openid-configuration":
            self._answer(200, self.provider.describe())
        elif path == "/keys":
            self._answer(200, KeySet(list(self.provider.keys)).as_dict(private=False))
        elif path == "/user" and self.headers["Authorization"] == "Bearer for you":
            self._answer(200, {"sub": self.provider.person["sub"], **self.provider.user_info})
        elif path == "/authorize":
            self._send_on(self.provider.answer(self.path))
        elif path == "/leave":
            self._send_on(parse_qs(urlsplit(self.path).query)["post_logout_redirect_uri"][0])
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        self.provider.asked.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        header = unquote(self.headers.get("Authorization", ""))
        self._answer(*self.provider.exchange(header, dict(parse_qsl(body))))

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = (
            json.dumps(content).encode() if self.provider.broken is None else self.provider.broken
        )
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send_on(self, address: str) -> None:
        self.send_response(302)
        self.send_header("Location", address)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def providing() -> Iterator[Provider]:
    """A provider for the block."""
    provider = Provider()
    provider.rotate()

    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), type("Handler", (_Handler,), {"provider": provider})
    )
    provider.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
