"""Where browsers allow keys."""

from __future__ import annotations

import pytest

from packslip.accounts.relying_party import KeysUnavailableError, RelyingParty, relying_party


@pytest.mark.parametrize(
    ("base_url", "host", "origin"),
    [
        ("https://Packages.example.com", "packages.example.com", "https://packages.example.com"),
        ("https://packages.example.com:443/x", "packages.example.com", "https://packages.example.com"),
        ("https://packages.example.com:8443", "packages.example.com", "https://packages.example.com:8443"),
        ("https://päckchen.example.com", "xn--pckchen-5wa.example.com", "https://xn--pckchen-5wa.example.com"),
        ("http://localhost:8080", "localhost", "http://localhost:8080"),
        ("http://localhost:80", "localhost", "http://localhost"),
        ("http://index.localhost", "index.localhost", "http://index.localhost"),
    ],
)  # fmt: skip
def test_a_name_with_tls_and_localhost_are_allowed(base_url: str, host: str, origin: str) -> None:
    assert relying_party(base_url) == RelyingParty(host, origin)


@pytest.mark.parametrize(
    "base_url",
    ["http://127.0.0.1:8080", "https://192.0.2.1", "https://[::1]:8080", "http://packages.example.com"],
)  # fmt: skip
def test_numbers_and_plain_http_are_not(base_url: str) -> None:
    with pytest.raises(KeysUnavailableError, match="PACKSLIP_BASE_URL"):
        relying_party(base_url)
