from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from tests.helpers.issuer import AUDIENCE, Issuer, issuing

from packslip.publishers import issuers
from packslip.publishers.issuers import InvalidTokenError, Issuers, IssuerUnavailableError


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as issuer:
        yield issuer


def test_an_identity_of_a_trusted_issuer_is_read(issuer: Issuer) -> None:
    claims = Issuers([issuer.address]).verify(issuer.sign(sub="robot"), AUDIENCE)
    assert claims["sub"] == "robot"


def test_what_is_not_meant_for_this_index_or_not_now_is_refused(issuer: Issuer) -> None:
    trusted, now = Issuers([issuer.address]), int(time.time())
    for wrong in (
        {"aud": "other.example.com"},
        {"aud": None},
        {"exp": now - 60},
        {"exp": None},
        {"nbf": now + 600},
        {"iat": None},
        {"jti": None},
    ):
        with pytest.raises(InvalidTokenError):
            trusted.verify(issuer.sign(**wrong), AUDIENCE)
    assert trusted.verify(issuer.sign(aud=["x", AUDIENCE], exp=now - 5), AUDIENCE)


def test_a_signature_of_somebody_else_is_refused(issuer: Issuer) -> None:
    trusted = Issuers([issuer.address])
    other = RSAKey.generate_key(2048)
    with pytest.raises(InvalidTokenError):
        trusted.verify(issuer.sign(other), AUDIENCE)
    whole = issuer.sign(sub="robot")
    head, _, signature = whole.split(".")
    forged = issuer.sign(sub="admin").split(".")[1]
    with pytest.raises(InvalidTokenError):
        trusted.verify(f"{head}.{forged}.{signature}", AUDIENCE)


def test_no_algorithm_is_taken_that_needs_no_private_key(issuer: Issuer) -> None:
    trusted = Issuers([issuer.address])
    claims = {"iss": issuer.address, "aud": AUDIENCE, "exp": time.time() + 60, "jti": "1", "iat": 1}
    symmetric = jwt.encode({"alg": "HS256"}, claims, OctKey.generate_key(256))
    parts = symmetric.split(".")
    for token in (symmetric, f"eyJhbGciOiJub25lIn0.{parts[1]}."):
        with pytest.raises(InvalidTokenError):
            trusted.verify(token, AUDIENCE)


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "..", "x" * 20_000, "a.bm90IGpzb24.c"])
def test_what_is_no_identity_is_said_to_be_none(issuer: Issuer, token: str) -> None:
    with pytest.raises(InvalidTokenError):
        Issuers([issuer.address]).verify(token, AUDIENCE)


def test_an_issuer_that_is_not_trusted_is_never_asked(issuer: Issuer) -> None:
    with pytest.raises(InvalidTokenError, match="not trusted"):
        Issuers(["https://git.example.com"]).verify(issuer.sign(), AUDIENCE)
    assert issuer.asked == 0


def test_keys_are_kept_and_asked_for_anew_when_they_were_rotated(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = Issuers([issuer.address])
    for _ in range(3):
        trusted.verify(issuer.sign(), AUDIENCE)
    assert issuer.asked == 1
    issuer.rotate()
    with pytest.raises(InvalidTokenError):
        # Whoever sends rubbish cannot make the issuer be asked again and again.
        trusted.verify(issuer.sign(), AUDIENCE)
    monkeypatch.setattr(issuers, "PAUSE", 0)
    trusted.verify(issuer.sign(), AUDIENCE)
    assert issuer.asked == 2


def test_an_issuer_that_tells_nothing_is_no_fault_of_the_identity_and_left_alone_for_a_while(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = Issuers([issuer.address])
    issuer.broken = "<html>"
    for _ in range(3):
        with pytest.raises(IssuerUnavailableError, match="does not answer as it should"):
            trusted.verify(issuer.sign(), AUDIENCE)
    assert issuer.asked == 1
    issuer.broken = ""
    monkeypatch.setattr(issuers, "AFTER_FAILURE", 0)
    assert trusted.verify(issuer.sign(), AUDIENCE)
