"""What is sealed is read by this application alone."""

from __future__ import annotations

import pytest
from flask import Flask

from packslip.accounts.sealing import BrokenSealError, seal, unseal


def application(secret_key: str | bytes, *older: str) -> Flask:
    app = Flask("test")
    app.config.update(SECRET_KEY=secret_key, SECRET_KEY_FALLBACKS=list(older))
    return app


def test_what_was_sealed_comes_back_and_cannot_be_seen() -> None:
    with application("one").app_context():
        sealed = seal("secret")
        assert "secret" not in sealed
        assert seal("secret") != sealed
        assert unseal(sealed) == "secret"


def test_another_secret_key_breaks_the_seal_unless_it_knows_the_older_one() -> None:
    with application("one").app_context():
        sealed = seal("secret")
    with application("two", "one").app_context():
        assert unseal(sealed) == "secret"
    with application(b"two").app_context(), pytest.raises(BrokenSealError):
        unseal(sealed)


@pytest.mark.parametrize("sealed", ["", "x", "JBSWY3DPEHPK3PXP", "é"])
def test_what_nobody_sealed_is_refused(sealed: str) -> None:
    with application("one").app_context(), pytest.raises(BrokenSealError):
        unseal(sealed)
