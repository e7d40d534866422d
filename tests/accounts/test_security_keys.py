"""Security keys: what they prove, and what nobody can make them prove."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.security_keys import SoftKey

from packslip.accounts import key_ceremonies, security_keys
from packslip.accounts.key_ceremonies import AnswerError
from packslip.accounts.models import Challenge, SecurityKey, User
from packslip.accounts.recovery_codes import count_recovery_codes
from packslip.accounts.relying_party import RelyingParty
from packslip.accounts.second_factors import has_second_factor
from packslip.accounts.security_keys import (
    CopiedKeyError,
    KeyExistsError,
    KeyNameError,
    KeyNotAddedError,
    KeyRefusedError,
    UnknownKeyError,
)
from packslip.db import write_transaction

PARTY = RelyingParty("packages.example.com", "https://packages.example.com")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=20), inner),
    max_leaves=8,
)


def new_key(**values: Any) -> SoftKey:
    return SoftKey(PARTY.origin, **values)


def add(session: Session, user: User, key: SoftKey, name: str = "blue key") -> list[str]:
    with write_transaction(session):
        options = security_keys.options_to_add(session, PARTY, user)
    answer = key.make(json.loads(options.json))
    with write_transaction(session):
        return security_keys.add_key(
            session, ACTOR, PARTY, user,
            name=name, credential=answer, challenge=options.challenge,
        )  # fmt: skip


def ask(session: Session, user: User | None) -> tuple[dict[str, Any], str]:
    with write_transaction(session):
        options = security_keys.options_to_log_in(session, PARTY, user)
    return json.loads(options.json), options.challenge


def check(session: Session, user: User | None, answer: str, challenge: str) -> str:
    with write_transaction(session):
        owner = security_keys.check_key(
            session, PARTY, credential=answer, challenge=challenge, user=user
        )
        return owner.username


def log_in(session: Session, key: SoftKey, user: User | None) -> str:
    options, challenge = ask(session, user)
    return check(session, user, key.sign(options), challenge)


def test_a_key_proves_its_user_after_the_password_and_alone(session: Session) -> None:
    ada = make_user(session)
    key = new_key()
    assert len(add(session, ada, key)) == 10
    assert has_second_factor(session, ada)
    assert log_in(session, key, ada) == "ada"
    assert log_in(session, key, None) == "ada"
    row = session.scalars(select(SecurityKey)).one()
    assert (row.sign_count, row.transports) == (2, ["usb"])
    assert row.last_used_at is not None
    assert session.scalars(select(Challenge)).all() == []


def test_several_keys_have_names_and_go_one_by_one(session: Session) -> None:
    ada, bob = make_user(session), make_user(session, "bob")
    first, second = new_key(), new_key()
    add(session, ada, first, " red ")
    assert add(session, ada, second, "blue") == []
    assert [key.name for key in security_keys.list_keys(session, ada)] == ["red", "blue"]
    options, _ = ask(session, ada)
    assert len(options["allowCredentials"]) == 2
    red, blue = (key.id for key in security_keys.list_keys(session, ada))
    with pytest.raises(UnknownKeyError), write_transaction(session):
        security_keys.remove_key(session, ACTOR, bob, red)
    with write_transaction(session):
        security_keys.remove_key(session, ACTOR, ada, red)
    with pytest.raises(KeyRefusedError):
        log_in(session, first, ada)
    assert count_recovery_codes(session, ada) == 10
    with write_transaction(session):
        security_keys.remove_key(session, ACTOR, ada, blue)
    assert count_recovery_codes(session, ada) == 0


def test_a_key_belongs_to_one_user_and_needs_a_name(session: Session) -> None:
    ada, bob = make_user(session), make_user(session, "bob")
    key = new_key()
    add(session, ada, key)
    for user in (ada, bob):
        with pytest.raises(KeyExistsError):
            add(session, user, replace(key))
    with pytest.raises(KeyNameError):
        add(session, bob, new_key(), "  ")


def test_an_answer_is_for_one_challenge_and_one_origin(session: Session) -> None:
    ada = make_user(session)
    with write_transaction(session):
        options = security_keys.options_to_add(session, PARTY, ada)
        other = security_keys.options_to_add(session, PARTY, ada)
    key = new_key()
    wrong = [
        (new_key().make(json.loads(other.json)), options.challenge),
        (SoftKey("https://evil.example.com").make(json.loads(options.json)), options.challenge),
        (new_key().make(json.loads(options.json)), "AAAA"),
        (new_key().make(json.loads(options.json)), ""),
    ]
    for answer, challenge in wrong:
        with pytest.raises(KeyNotAddedError), write_transaction(session):
            security_keys.add_key(
                session, ACTOR, PARTY, ada, name="x", credential=answer, challenge=challenge
            )
    add(session, ada, key)
    asked, challenge = ask(session, ada)
    answer = key.sign(asked)
    assert check(session, ada, answer, challenge) == "ada"
    with pytest.raises(KeyRefusedError, match="not accepted") as refused:
        check(session, ada, answer, challenge)
    assert refused.value.cause == "an expired challenge"
    with pytest.raises(KeyRefusedError):
        log_in(session, replace(key, origin="https://evil.example.com"), ada)


def test_a_challenge_expires(session: Session) -> None:
    ada = make_user(session)
    key = new_key()
    add(session, ada, key)
    asked, challenge = ask(session, ada)
    with write_transaction(session):
        session.execute(update(Challenge).values(expires_at=datetime.now(UTC)))
    with pytest.raises(KeyRefusedError):
        check(session, ada, key.sign(asked), challenge)


def test_a_key_of_somebody_else_proves_nothing(session: Session) -> None:
    ada, bob = make_user(session), make_user(session, "bob")
    key, foreign = new_key(), new_key()
    add(session, ada, key)
    add(session, bob, foreign)
    assert foreign.handle is not None
    forged, misnamed = replace(key, private=foreign.private), replace(key, handle=foreign.handle)
    for wrong in (foreign, new_key(), forged, misnamed):
        with pytest.raises(KeyRefusedError):
            log_in(session, wrong, ada)
    # Keys that are not asked for a user's name may leave it out, passkeys may not.
    assert log_in(session, replace(key, handle=None), ada) == "ada"
    key.count += 1
    with pytest.raises(KeyRefusedError):
        log_in(session, replace(key, handle=None), None)


def test_alone_a_key_must_know_its_holder(session: Session) -> None:
    ada = make_user(session)
    key = new_key(verifies=False)
    add(session, ada, key)
    assert log_in(session, key, ada) == "ada"
    with pytest.raises(KeyRefusedError):
        log_in(session, key, None)
    key.verifies = True
    assert log_in(session, key, None) == "ada"


def test_a_copy_that_signed_less_often_is_refused(session: Session) -> None:
    ada = make_user(session)
    key = new_key()
    add(session, ada, key)
    copy = replace(key)
    assert log_in(session, key, ada) == "ada"
    for user in (ada, None):
        with pytest.raises(CopiedKeyError, match="went back"):
            log_in(session, replace(copy), user)
    assert log_in(session, key, ada) == "ada"
    # One that forged its count without the private key does not even get to know that much.
    with pytest.raises(KeyRefusedError, match="not accepted"):
        log_in(session, replace(copy, private=new_key().private), ada)


def test_a_key_that_does_not_count_is_taken(session: Session) -> None:
    ada = make_user(session)
    key = new_key()
    add(session, ada, key)
    for _ in range(2):
        key.count = -1
        assert log_in(session, key, ada) == "ada"


def test_a_disabled_user_has_no_passkey(session: Session) -> None:
    ada = make_user(session)
    key = new_key()
    add(session, ada, key)
    with write_transaction(session):
        ada.disabled_at = datetime.now(UTC)
    for user in (ada, None):
        with pytest.raises(KeyRefusedError, match="not accepted"):
            log_in(session, key, user)


@given(st.text() | json_values.map(json.dumps))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_answers_that_no_browser_gives_are_refused(answer: str) -> None:
    with pytest.raises(AnswerError):
        key_ceremonies.read_signed(answer)
    with pytest.raises(AnswerError):
        key_ceremonies.read_new_key(PARTY, answer, b"challenge")


@given(json_values, st.sampled_from(["clientDataJSON", "authenticatorData", "signature"]))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_answers_with_a_faulty_part_are_refused(value: Any, part: str) -> None:
    options = {"challenge": "AAAA", "rpId": PARTY.id}
    answer = json.loads(new_key().sign(options))
    answer["response"][part] = value
    key = SecurityKey(public_key="AAAA")
    with pytest.raises(AnswerError):
        signed = key_ceremonies.read_signed(json.dumps(answer))
        key_ceremonies.verify_signed(PARTY, signed, key, b"challenge", alone=False)


def test_deeply_nested_and_huge_answers_are_refused() -> None:
    for answer in ("[" * 50_000, "x" * 200_000):
        with pytest.raises(AnswerError):
            key_ceremonies.read_signed(answer)
