"""The OpenID Connect provider: what it says of itself, its keys, and whom it vouches for.

It is asked with the authorization code flow (OpenID Connect Core 1.0, 3.1), PKCE (RFC 7636), state
and nonce; its answer must name it (RFC 9207) where it says that it does so.
"""

from __future__ import annotations

import hmac
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from packslip.sso.asking import Asked
from packslip.sso.errors import ProviderUnavailableError, RefusedAnswerError
from packslip.sso.fetching import Fetcher, FetchError
from packslip.sso_settings import SsoSettings

#: Seconds for which what the provider says of itself, and its keys, are kept; and for which they
#: serve longer while it does not answer.
KEPT = 3600.0
KEPT_AT_MOST = 24 * 3600.0

#: Seconds after which it is asked again that did not answer, or for a key that is not known.
PAUSE = 15.0
KEY_PAUSE = 60.0

#: Seconds by which the clocks may differ.
LEEWAY = 60

#: Characters of an ID token.
LARGEST_TOKEN = 64 * 1024

#: Those with two keys alone: a public key is no secret with which anybody else could not sign.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")

log = structlog.get_logger(__name__)


@dataclass
class _Known:
    about: dict[str, Any]
    keys: KeySet
    read_at: float
    keys_read_at: float


class Provider:
    """The provider that is set. Threads may share it; processes may not."""

    def __init__(self, settings: SsoSettings) -> None:
        self.issuer = settings.sso_issuer
        self.name = settings.sso_shown_name
        self._settings = settings
        self._fetcher = Fetcher()
        self._known: _Known | None = None
        self._failed_at: float | None = None
        self._lock = threading.Lock()

    @property
    def is_down(self) -> bool:
        """Whether it did not answer a moment ago, as far as this process knows."""
        return self._failed_at is not None and time.monotonic() - self._failed_at < 4 * PAUSE

    def require_answering(self) -> None:
        """Look whether it says where it is asked.

        Raises:
            ProviderUnavailableError: it does not.
        """
        self._about()

    def address_to_ask(self, asked: Asked, redirect_uri: str) -> str:
        """Where a browser is sent to log in.

        Raises:
            ProviderUnavailableError: the provider does not say where.
        """
        about = self._about()
        address, _ = self._client(about, redirect_uri).create_authorization_url(
            about["authorization_endpoint"],
            state=asked.state,
            nonce=asked.nonce,
            code_verifier=asked.verifier,
        )
        return str(address)

    def require_own_answer(self, issuer: str | None) -> None:
        """Look whether an answer is of this provider, by the `iss` that it brought (RFC 9207).

        Raises:
            RefusedAnswerError: it is another's, or none where there has to be one.
            ProviderUnavailableError: the provider does not say whether there has to be one.
        """
        is_told = self._about().get("authorization_response_iss_parameter_supported") is True
        if issuer is None and is_told:
            raise self._refused("the answer does not say whose it is")
        if issuer is not None and issuer != self.issuer:
            raise self._refused("the answer is another provider's")

    def claims(self, code: str, asked: Asked, redirect_uri: str) -> dict[str, Any]:
        """What the provider says of whoever brought this code.

        Raises:
            RefusedAnswerError: the code or what it was exchanged for is worth nothing.
            ProviderUnavailableError: the provider does not answer.
        """
        about = self._about()
        client = self._client(about, redirect_uri)
        try:
            token = client.fetch_token(
                about["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=asked.verifier,
                redirect_uri=redirect_uri,
            )
        except AuthlibBaseError as error:
            raise self._refused(f"the code was refused: {str(error.error)[:80]}") from error
        except (FetchError, ValueError) as error:
            raise ProviderUnavailableError(self.name, str(error)[:200]) from error
        claims = self._verified(token.get("id_token"), token.get("access_token"), asked)
        return self._with_user_info(about, claims, token.get("access_token"))

    def address_to_leave(self, return_to: str) -> str | None:
        """Where a browser is logged out of the provider too, if it has such an address.

        Raises:
            ProviderUnavailableError: the provider does not say.
        """
        address = self._about().get("end_session_endpoint")
        if not isinstance(address, str) or not self._is_safe(address):
            return None
        told = {"client_id": self._settings.sso_client_id, "post_logout_redirect_uri": return_to}
        return f"{address}{'&' if '?' in address else '?'}{urlencode(told)}"

    def _client(self, about: dict[str, Any], redirect_uri: str) -> OAuth2Client:
        ways = about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        way = "client_secret_basic" if "client_secret_basic" in ways else "client_secret_post"
        return OAuth2Client(
            self._fetcher,
            self._settings.sso_client_id,
            self._settings.sso_client_secret or None,
            token_endpoint_auth_method=way if self._settings.sso_client_secret else "none",
            scope=self._settings.sso_scopes,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
        )

    def _verified(self, token: object, access_token: object, asked: Asked) -> dict[str, Any]:
        if not isinstance(token, str) or len(token) > LARGEST_TOKEN:
            raise self._refused("there is no ID token")
        client_id = self._settings.sso_client_id
        try:
            decoded = self._decoded(token)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": self.issuer},
                    "aud": {"essential": True, "value": client_id},
                    "sub": {"essential": True},
                },
                {"nonce": asked.nonce, "client_id": client_id, "access_token": access_token},
            )
            claims.validate(leeway=LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise self._refused(f"the ID token is not valid: {_told(error)}") from error
        subject, nonce = claims.get("sub"), claims.get("nonce")
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise self._refused("the ID token names nobody")
        # Said once more and plainly, since everything else rests on it.
        if not isinstance(nonce, str) or not hmac.compare_digest(
            nonce.encode(), asked.nonce.encode()
        ):
            raise self._refused("the ID token is the answer to another question")
        return dict(claims)

    def _decoded(self, token: str) -> jwt.Token:
        known = self._keys(KEPT)
        try:
            return jwt.decode(token, known, algorithms=list(ALGORITHMS))
        except (JoseError, ValueError):
            # It may be signed with a key that is newer than what is known.
            newer = self._keys(KEY_PAUSE)
            if newer is known:
                raise
            return jwt.decode(token, newer, algorithms=list(ALGORITHMS))

    def _with_user_info(
        self, about: dict[str, Any], claims: dict[str, Any], access_token: object
    ) -> dict[str, Any]:
        """The claims with what only the provider's second address tells (Core 1.0, 5.3)."""
        address = about.get("userinfo_endpoint")
        needed = {"preferred_username", "name", "email"}
        if self._settings.sso_roles:
            needed.add(self._settings.sso_groups_claim)
        if needed <= claims.keys() or not isinstance(access_token, str):
            return claims
        if not isinstance(address, str) or not self._is_safe(address):
            return claims
        try:
            told = self._fetcher.get(address, {"Authorization": f"Bearer {access_token}"})
        except (FetchError, ValueError) as error:
            raise ProviderUnavailableError(self.name, str(error)[:200]) from error
        if told.get("sub") != claims["sub"]:
            raise self._refused("what it tells is about somebody else")
        if "email" in claims:
            # One address and whether it is confirmed belong together.
            told.pop("email_verified", None)
        # What is signed for this very log-in comes first.
        return {**told, **claims}

    def _about(self) -> dict[str, Any]:
        return self._current(KEPT).about

    def _keys(self, age: float) -> KeySet:
        """The provider's keys, not older than so many seconds if it answers."""
        known = self._current(KEPT)
        if time.monotonic() - known.keys_read_at <= age:
            return known.keys
        with self._lock:
            if time.monotonic() - known.keys_read_at > age:
                known.keys_read_at = time.monotonic()
                try:
                    known.keys = self._fetch_keys(known.about)
                except (FetchError, ValueError) as error:
                    log.warning("the provider's keys were not read anew", error=str(error)[:200])
        return known.keys

    def _current(self, age: float) -> _Known:
        """What is known of the provider; one thread asks, others wait for it that long."""
        with self._lock:
            known, now = self._known, time.monotonic()
            old = None if known is None else now - known.read_at
            if known is not None and old is not None and old <= age:
                return known
            failed = self._failed_at is not None and now - self._failed_at < PAUSE
            if not failed:
                try:
                    about = self._fetch_about()
                    keys = self._fetch_keys(about)
                except (FetchError, ValueError) as error:
                    self._failed_at = time.monotonic()
                    log.warning("the provider of identities fails", error=str(error)[:200])
                else:
                    self._failed_at = None
                    self._known = _Known(about, keys, time.monotonic(), time.monotonic())
                    return self._known
            if known is not None and old is not None and old <= KEPT_AT_MOST:
                return known
        raise ProviderUnavailableError(self.name, "it does not say where it is asked")

    def _fetch_about(self) -> dict[str, Any]:
        about = self._fetcher.get(get_well_known_url(self.issuer, external=True))
        if about.get("issuer") != self.issuer:
            raise FetchError("it calls itself something else than PACKSLIP_SSO_ISSUER")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not isinstance(about.get(name), str) or not self._is_safe(about[name]):
                raise FetchError(f"it tells no {name} that can be used")
        return about

    def _fetch_keys(self, about: dict[str, Any]) -> KeySet:
        told = self._fetcher.get(about["jwks_uri"]).get("keys")
        if not isinstance(told, list):
            raise FetchError("it tells no keys")
        # Kinds of keys that nobody here can read are for others.
        usable = [
            one
            for one in told
            if isinstance(one, dict)
            and one.get("kty") in {"RSA", "EC", "OKP"}
            and one.get("use", "sig") == "sig"
        ]
        try:
            return KeySet.import_key_set({"keys": usable})
        except (JoseError, KeyError, TypeError) as error:
            raise FetchError("its keys cannot be read") from error

    def _is_safe(self, address: str) -> bool:
        """Whether what goes there is as safe on its way as what goes to the issuer."""
        return urlsplit(address).scheme in {"https", urlsplit(self.issuer).scheme}

    def _refused(self, cause: str) -> RefusedAnswerError:
        return RefusedAnswerError(self.name, cause)


def _told(error: Exception) -> str:
    return str(getattr(error, "description", None) or error)[:120]
