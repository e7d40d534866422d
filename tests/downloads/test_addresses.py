from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packslip.downloads.addresses import kept_address
from packslip.downloads.models import Download
from packslip.setting_choices import DownloadAddresses

WHOLE, SHORTENED, NONE = DownloadAddresses


@pytest.mark.parametrize(
    ("address", "whole", "shortened"),
    [
        ("192.0.2.77", "192.0.2.77", "192.0.2.0"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2:3::4", "2001:db8:1::"),
        ("2001:DB8::1", "2001:db8::1", "2001:db8::"),
        ("::ffff:192.0.2.77", "192.0.2.77", "192.0.2.0"),
        ("fe80::1%eth0", "fe80::1", "fe80::"),
        ("::1", "::1", "::"),
    ],
)
def test_addresses_are_kept_whole_shortened_or_not(
    address: str, whole: str, shortened: str
) -> None:
    assert kept_address(address, WHOLE) == whole
    assert kept_address(address, SHORTENED) == shortened
    assert kept_address(address, NONE) is None


@pytest.mark.parametrize("address", [None, "", "unix:", "example.com", "192.0.2.1, 192.0.2.2"])
def test_what_is_no_address_is_not_kept(address: str | None) -> None:
    assert kept_address(address, WHOLE) is None
    assert kept_address(address, SHORTENED) is None


@given(st.ip_addresses())
def test_an_address_fits_its_column(address: ipaddress.IPv4Address) -> None:
    length = Download.__table__.c.ip_address.type.length  # type: ignore[attr-defined]
    for detail in (WHOLE, SHORTENED):
        assert len(kept_address(str(address), detail) or "") <= length
