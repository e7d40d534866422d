import hashlib
import re
import zlib

from hypothesis import given
from hypothesis import strategies as st

from packslip.accounts.tokens import hash_token, looks_like_token, new_secret

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def test_a_secret_has_the_documented_form() -> None:
    secret = new_secret()
    assert re.fullmatch(r"packslip_[0-9A-Za-z]{36}", secret)
    checksum = 0
    for character in secret[-6:]:
        checksum = checksum * 62 + BASE62.index(character)
    assert checksum == zlib.crc32(secret[:-6].encode())


def test_secrets_differ_and_look_like_tokens() -> None:
    secrets = {new_secret() for _ in range(200)}
    assert len(secrets) == 200
    assert all(map(looks_like_token, secrets))


@given(st.integers(9, 44), st.sampled_from(BASE62))
def test_one_wrong_character_is_noticed(position: int, character: str) -> None:
    secret = new_secret()
    changed = secret[:position] + character + secret[position + 1 :]
    assert looks_like_token(changed) == (changed == secret)


@given(st.text())
def test_other_texts_are_no_tokens(text: str) -> None:
    assert not looks_like_token(text)
    assert not looks_like_token("packslip_" + text)


def test_space_around_a_token_makes_it_none() -> None:
    assert not looks_like_token(new_secret() + "\n")


def test_the_hash_is_sha256() -> None:
    assert hash_token("abc") == hashlib.sha256(b"abc").hexdigest()
    assert len(hash_token("\udc80")) == 64
