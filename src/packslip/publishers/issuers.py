"""Who an identity was issued to, as far as its issuer's signature says so (OpenID Connect)."""

from __future__ import annotations

import base64
import binascii
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec
import urllib3
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from packslip.errors import InvalidError, UnavailableError
from packslip.publishers.kinds import Claims

#: Seconds for which an issuer's keys are kept, and after which an unknown key is asked for again.
KEPT = 3600.0
PAUSE = 60.0

#: Seconds for which an issuer that failed is not asked again.
AFTER_FAILURE = 10.0

#: Seconds by which the clocks may differ.
LEEWAY = 30

#: Bytes of an identity, and of what an issuer says of itself.
LARGEST_TOKEN = 16 * 1024
_LARGEST_ANSWER = 1024 * 1024

_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")

_TIMEOUT = urllib3.Timeout(connect=5, read=5)


class InvalidTokenError(InvalidError):
    """It is no identity that was issued for this index."""


class IssuerUnavailableError(UnavailableError):
    """The issuer does not say with which keys it signs."""

    def __init__(self, issuer: str, problem: str) -> None:
        super().__init__(f"{issuer} does not tell its keys: {problem}.")
        self.problem = problem


@dataclass
class _Known:
    keys: KeySet
    read_at: float


@dataclass(frozen=True)
class _Failed:
    problem: str
    at: float


class Issuers:
    """The issuers whose identities count. Threads may share it."""

    def __init__(self, trusted: Collection[str]) -> None:
        self.trusted = trusted
        self._known: dict[str, _Known] = {}
        self._failed: dict[str, _Failed] = {}
        self._locks = {issuer: threading.Lock() for issuer in trusted}
        self._pool = urllib3.PoolManager(retries=False, timeout=_TIMEOUT)

    def verify(self, token: str, audience: str) -> Claims:
        """What the identity says, once its issuer, signature, audience and times are right.

        Raises:
            InvalidTokenError: they are not.
            IssuerUnavailableError: the issuer's keys could not be had.
        """
        issuer = _claimed_issuer(token)
        if issuer not in self.trusted:
            raise InvalidTokenError("The identity is of an issuer that is not trusted here.")
        registry = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            iat={"essential": True},
            jti={"essential": True},
        )
        try:
            claims = self._decode(token, issuer)
            registry.validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            raise InvalidTokenError(f"The identity is not valid: {_told(error)}.") from error
        return claims

    def _decode(self, token: str, issuer: str) -> dict[str, Any]:
        known = self._keys(issuer, KEPT)
        try:
            return jwt.decode(token, known.keys, algorithms=list(_ALGORITHMS)).claims
        except (JoseError, ValueError):
            # It may be signed with a key that is newer than what is known.
            newer = self._keys(issuer, PAUSE)
            if newer is known:
                raise
            return jwt.decode(token, newer.keys, algorithms=list(_ALGORITHMS)).claims

    def _keys(self, issuer: str, age: float) -> _Known:
        """The issuer's keys, not older than so many seconds."""
        with self._locks[issuer]:
            known = self._known.get(issuer)
            if known is None or time.monotonic() - known.read_at > age:
                known = _Known(self._fetch_anew(issuer), time.monotonic())
                self._known[issuer] = known
            return known

    def _fetch_anew(self, issuer: str) -> KeySet:
        """Its keys, unless asking for them failed just now: that may have taken seconds."""
        failed = self._failed.get(issuer)
        if failed is not None and time.monotonic() - failed.at < AFTER_FAILURE:
            raise IssuerUnavailableError(issuer, failed.problem)
        try:
            return self._fetch(issuer)
        except IssuerUnavailableError as error:
            self._failed[issuer] = _Failed(error.problem, time.monotonic())
            raise

    def _fetch(self, issuer: str) -> KeySet:
        told = self._get(issuer, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        address = told.get("jwks_uri")
        if told.get("issuer") != issuer or not isinstance(address, str):
            raise IssuerUnavailableError(issuer, "it describes another one")
        if urlsplit(address).scheme != urlsplit(issuer).scheme:
            raise IssuerUnavailableError(issuer, "its keys are elsewhere")
        try:
            return KeySet.import_key_set(self._get(issuer, address))  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise IssuerUnavailableError(issuer, "its keys cannot be read") from error

    def _get(self, issuer: str, address: str) -> dict[str, Any]:
        try:
            answer = self._pool.request(
                "GET", address, redirect=False, preload_content=False, timeout=_TIMEOUT
            )
            try:
                body = answer.read(_LARGEST_ANSWER + 1)
            finally:
                answer.release_conn()
            if answer.status != 200 or len(body) > _LARGEST_ANSWER:
                raise IssuerUnavailableError(issuer, f"it answers {answer.status}")
            found = msgspec.json.decode(body)
        except (urllib3.exceptions.HTTPError, msgspec.DecodeError) as error:
            raise IssuerUnavailableError(issuer, "it does not answer as it should") from error
        if not isinstance(found, dict):
            raise IssuerUnavailableError(issuer, "it does not answer as it should")
        return found


def _claimed_issuer(token: str) -> str:
    """Who the token says that it is of; nothing of it is verified yet."""
    parts = token.split(".")
    if len(token) > LARGEST_TOKEN or len(parts) != 3:
        raise InvalidTokenError("What was sent is no identity.")
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        issuer = msgspec.json.decode(payload, type=dict[str, Any]).get("iss")
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise InvalidTokenError("What was sent is no identity.") from error
    return issuer if isinstance(issuer, str) else ""


def _told(error: Exception) -> str:
    return str(getattr(error, "description", None) or getattr(error, "error", None) or error)[:200]
