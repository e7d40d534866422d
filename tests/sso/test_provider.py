"""What is believed of a provider's answers: real HTTP, real signatures, hostile tokens."""

from __future__ import annotations

import base64
import hmac
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from tests.helpers.provider import Provider as Helper
from tests.helpers.provider import providing

from packslip.settings import load_settings
from packslip.sso import provider as module
from packslip.sso.asking import Asked
from packslip.sso.errors import ProviderUnavailableError, RefusedAnswerError
from packslip.sso.provider import Provider

BACK = "http://packages.example.com/account/login/sso/callback"
ASKED = Asked("the state", "the nonce", "a verifier that is as long as they have to be, or longer")
ADA = {
    "sub": "1",
    "name": "Ada",
    "preferred_username": "ada",
    "email": "ada@example.com",
    "groups": ["staff"],
}


@pytest.fixture(scope="module")
def running() -> Iterator[Helper]:
    with providing() as helper:
        yield helper


@pytest.fixture
def helper(running: Helper) -> Helper:
    running.person, running.lies, running.about, running.user_info = dict(ADA), {}, {}, {}
    running.forge, running.broken = None, None
    running.asked.clear()
    return running


def made(helper: Helper, **settings: str) -> Provider:
    return Provider(load_settings(helper.settings(**settings)))


def claims_of(provider: Provider, helper: Helper) -> dict[str, Any]:
    back = helper.answer(provider.address_to_ask(ASKED, BACK))
    code = dict(parse_qsl(urlsplit(back).query))["code"]
    return provider.claims(code, ASKED, BACK)


def test_a_code_is_exchanged_for_verified_claims(helper: Helper) -> None:
    claims = claims_of(made(helper), helper)
    assert {name: claims[name] for name in ADA} == ADA
    assert "/user" not in helper.asked


def test_what_it_says_of_itself_and_its_keys_are_asked_for_once(helper: Helper) -> None:
    provider = made(helper)
    for _ in range(3):
        claims_of(provider, helper)
    assert helper.asked.count("/keys") == 1
    assert helper.asked.count("/.well-known/openid-configuration") == 1


def test_a_new_key_is_asked_for_but_not_by_every_wrong_token(
    helper: Helper, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = made(helper)
    claims_of(provider, helper)
    helper.rotate()
    with pytest.raises(RefusedAnswerError):
        claims_of(provider, helper)
    assert helper.asked.count("/keys") == 1
    monkeypatch.setattr(module, "KEY_PAUSE", 0.0)
    assert claims_of(provider, helper)["sub"] == "1"
    assert helper.asked.count("/keys") == 2


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def unsigned(claims: dict[str, Any]) -> str:
    header = encoded(b'{"alg": "none"}')
    return f"{header}.{encoded(json.dumps(claims).encode())}."


def confused(helper: Helper) -> Callable[[dict[str, Any]], str]:
    """Signs with the public key as if it were a secret, which everybody could do."""
    secret = helper.keys[0].as_pem(private=False)

    def sign(claims: dict[str, Any]) -> str:
        header = {"alg": "HS256", "kid": helper.keys[0].kid}
        signed = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
        return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"

    return sign


def by_somebody_else(helper: Helper) -> Callable[[dict[str, Any]], str]:
    key = RSAKey.generate_key(2048)
    return lambda claims: jwt.encode({"alg": "RS256", "kid": helper.keys[0].kid}, claims, key)


@pytest.mark.parametrize(
    "lies",
    [
        {"aud": "another"},
        {"aud": ["packslip", "another"]},
        {"aud": ["packslip", "another"], "azp": "another"},
        {"azp": "another"},
        {"aud": None},
        {"iss": "https://id.example.com"},
        {"iss": None},
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": ["the nonce"]},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": 4_000_000_000},
        {"iat": None},
        {"nbf": 4_000_000_000},
        {"sub": None},
        {"sub": ""},
        {"sub": 1},
        {"sub": "x" * 256},
        {"at_hash": "of another token"},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_log_in_is_refused(
    helper: Helper, lies: dict[str, Any]
) -> None:
    helper.lies = lies
    with pytest.raises(RefusedAnswerError) as caught:
        claims_of(made(helper), helper)
    # Whoever tries learns nothing of what was wrong with it.
    assert caught.value.reason == "The log-in through Acme ID failed. Try again from this page."


@pytest.mark.parametrize("kind", [lambda _: unsigned, confused, by_somebody_else])
def test_a_token_that_the_provider_did_not_sign_is_refused(
    helper: Helper, kind: Callable[[Helper], Callable[[dict[str, Any]], str]]
) -> None:
    helper.forge = kind(helper)
    with pytest.raises(RefusedAnswerError):
        claims_of(made(helper), helper)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é", "a" * 100_000])
def test_what_is_no_token_is_refused(helper: Helper, token: str) -> None:
    helper.forge = lambda claims: token
    with pytest.raises(RefusedAnswerError):
        claims_of(made(helper), helper)


def test_a_code_works_once_and_only_with_its_verifier(helper: Helper) -> None:
    provider = made(helper)
    back = helper.answer(provider.address_to_ask(ASKED, BACK))
    code = dict(parse_qsl(urlsplit(back).query))["code"]
    other = Asked(ASKED.state, ASKED.nonce, "x" * 64)
    for asked in (other, ASKED):
        with pytest.raises(RefusedAnswerError):
            provider.claims(code, asked, BACK)


def test_an_answer_names_the_provider_where_it_says_that_it_does(helper: Helper) -> None:
    provider = made(helper)
    provider.require_own_answer(helper.address)
    for issuer in (None, "https://id.example.com", ""):
        with pytest.raises(RefusedAnswerError):
            provider.require_own_answer(issuer)
    helper.about = {"authorization_response_iss_parameter_supported": None}
    silent = made(helper)
    silent.require_own_answer(None)
    with pytest.raises(RefusedAnswerError):
        silent.require_own_answer("https://id.example.com")


def test_groups_that_are_not_in_the_token_are_asked_for(helper: Helper) -> None:
    helper.lies = {"groups": None}
    helper.user_info = {"groups": ["staff", "admins"], "sub": "1", "email": "other@example.com"}
    found = claims_of(made(helper, PACKSLIP_SSO_ROLES="admins=admin"), helper)
    assert found["groups"] == ["staff", "admins"]
    assert found["email"] == "ada@example.com"
    helper.user_info["sub"] = "2"
    with pytest.raises(RefusedAnswerError):
        claims_of(made(helper, PACKSLIP_SSO_ROLES="admins=admin"), helper)


@pytest.mark.parametrize(
    "about",
    [
        {"issuer": "https://id.example.com"},
        {"token_endpoint": None},
        {"jwks_uri": "ftp://id.example.com/"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": 1},
    ],
    ids=str,
)
def test_a_provider_that_describes_itself_wrongly_is_not_asked(
    helper: Helper, about: dict[str, Any]
) -> None:
    helper.about = about
    with pytest.raises(ProviderUnavailableError):
        made(helper).address_to_ask(ASKED, BACK)


@pytest.mark.parametrize("broken", [b"", b"<html>", b"[]", b"x" * 600_000])
def test_answers_that_are_none_do_no_harm(helper: Helper, broken: bytes) -> None:
    provider = made(helper)
    helper.broken = broken
    with pytest.raises(ProviderUnavailableError):
        provider.require_answering()
    assert provider.is_down
    helper.broken = None
    # It is not asked again at once.
    with pytest.raises(ProviderUnavailableError):
        provider.require_answering()
    assert helper.asked.count("/.well-known/openid-configuration") == 1


def test_what_is_known_serves_while_the_provider_fails(
    helper: Helper, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = made(helper)
    provider.require_answering()
    helper.broken = b""
    monkeypatch.setattr(module, "KEPT", -1.0)
    provider.require_answering()
    monkeypatch.setattr(module, "KEPT_AT_MOST", -1.0)
    with pytest.raises(ProviderUnavailableError):
        provider.require_answering()


def test_a_provider_that_says_nothing_holds_nobody_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        helper = Helper(address=f"http://127.0.0.1:{silent.getsockname()[1]}")
        provider = made(helper)
        provider._fetcher._pool.connection_pool_kw["timeout"] = 0.2
        failures: list[str] = []

        def ask() -> None:
            try:
                provider.require_answering()
            except ProviderUnavailableError as error:
                failures.append(error.reason)

        waiting = [threading.Thread(target=ask) for _ in range(8)]
        for thread in waiting:
            thread.start()
        for thread in waiting:
            thread.join(timeout=30)
        assert failures == ["Acme ID cannot be reached at the moment. Try again later."] * 8
        # One of them asked, and the others did not ask after it.
        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_log_out_is_offered_where_the_provider_has_it(helper: Helper) -> None:
    address = made(helper).address_to_leave("http://packages.example.com/account/login")
    assert address == (
        f"{helper.address}/leave?client_id=packslip"
        "&post_logout_redirect_uri=http%3A%2F%2Fpackages.example.com%2Faccount%2Flogin"
    )
    helper.about = {"end_session_endpoint": None}
    assert made(helper).address_to_leave("http://packages.example.com/") is None
