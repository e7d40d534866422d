from __future__ import annotations

import hashlib

import pytest

from packslip.mirror.digests import Checker, Expected, strongest

DATA = b"0123456789"


def test_sha256_comes_first_and_unknown_ones_do_not_count() -> None:
    assert strongest({"md5": "a", "sha256": "B", "sha512": "c"}) == ("sha256", "b")
    assert strongest({"md5": "a", "sha384": "b", "sha256": None}) == ("sha384", "b")
    assert strongest({"crc32": "a"}) is None


@pytest.mark.parametrize("name", ["sha256", "sha512", "blake2b", "sha3_256", "sha1", "md5"])
def test_each_digest_is_checked(name: str) -> None:
    right = hashlib.new(name, DATA).hexdigest()
    for digest, is_right in ((right, True), ("0" * len(right), False)):
        checker = Checker(Expected(None, (name, digest)))
        checker.update(DATA[:4])
        checker.update(DATA[4:])
        assert (checker.fault() is None) is is_right
        assert checker.sha256 == hashlib.sha256(DATA).hexdigest()


def test_without_a_digest_the_length_decides() -> None:
    checker = Checker(Expected(10, None))
    checker.update(DATA[:9])
    assert checker.fault() == "9 bytes came instead of 10"
    checker.update(DATA[9:])
    assert checker.fault() is None
