"""An OpenID Connect issuer on loopback, which signs whatever a test wants."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

AUDIENCE = "packages.example.com"


@dataclass
class Issuer:
    """Its address, its keys, and how often these were asked for."""

    address: str = ""
    keys: list[RSAKey] = field(default_factory=list)
    asked: int = 0
    #: What it says of whoever asks it for an identity.
    runs: dict[str, Any] = field(default_factory=dict)
    #: Answers in place of the keys, when it is set.
    broken: str = ""

    def rotate(self) -> None:
        """Sign with a new key, which those who know the old one must ask for."""
        key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"})
        self.keys = [key]

    def sign(self, key: RSAKey | None = None, /, **claims: Any) -> str:
        """An identity with these claims beside the usual ones; None leaves one out."""
        now = int(time.time())
        usual = {
            "iss": self.address,
            "aud": AUDIENCE,
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "jti": secrets.token_hex(16),
        }
        told = {name: value for name, value in (usual | claims).items() if value is not None}
        key = key or self.keys[0]
        return jwt.encode({"alg": "RS256", "kid": self.keys[0].kid or ""}, told, key)


@contextmanager
def issuing() -> Iterator[Issuer]:
    """An issuer for the block."""
    issuer = Issuer()
    issuer.rotate()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/token?"):
                # As a runner of GitHub gives an identity to what runs on it.
                asked = parse_qs(urlsplit(self.path).query)
                told = {**issuer.runs, "aud": asked["audience"][-1]}
                self._answer(json.dumps({"value": issuer.sign(**told)}))
            elif self.path == "/.well-known/openid-configuration":
                body = {"issuer": issuer.address, "jwks_uri": f"{issuer.address}/keys"}
                self._answer(json.dumps(body))
            else:
                issuer.asked += 1
                public = KeySet(list(issuer.keys)).as_dict(private=False)
                self._answer(issuer.broken or json.dumps(public))

        def _answer(self, text: str) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def github(repository: str = "acme/widget", **claims: Any) -> dict[str, Any]:
    """What GitHub Actions says of a run."""
    workflow = f"{repository}/.github/workflows/release.yml@refs/tags/v1"
    return {
        "sub": f"repo:{repository}:ref:refs/tags/v1",
        "repository": repository,
        "repository_owner_id": "7",
        "job_workflow_ref": workflow,
        "workflow_ref": workflow,
        "environment": "release",
        **claims,
    }
