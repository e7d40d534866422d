"""Which upstreams there are, and which of them is asked for a name."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from pypi_simple import PYPI_SIMPLE_ENDPOINT

from packslip.errors import SettingsError
from packslip.mirror.upstreams import Upstream, upstreams_for, upstreams_of
from packslip.settings import Settings, load_settings


def settings(tmp_path: Path, toml: str | None = None, **given: str) -> Settings:
    environment = {f"PACKSLIP_{name.upper()}": value for name, value in given.items()}
    if toml is not None:
        file = tmp_path / "upstreams.toml"
        file.write_text(toml)
        environment["PACKSLIP_UPSTREAMS"] = str(file)
    return load_settings(environment)


def test_without_a_setting_pypi_is_mirrored(tmp_path: Path) -> None:
    [upstream] = upstreams_of(settings(tmp_path))
    assert upstream.address == PYPI_SIMPLE_ENDPOINT


def test_an_empty_address_switches_the_mirror_off(tmp_path: Path) -> None:
    assert upstreams_of(settings(tmp_path, upstream_url="")) == ()


def test_credentials_leave_the_address_and_are_not_shown(tmp_path: Path) -> None:
    [upstream] = upstreams_of(
        settings(tmp_path, upstream_url="https://ada:p%40ss@packages.example.com:8443/simple")
    )
    assert upstream.address == "https://packages.example.com:8443/simple/"
    assert (upstream.username, upstream.password) == ("ada", "p@ss")
    assert "p@ss" not in repr(upstream)
    assert upstream.page_address(canonicalize_name("Demo")).endswith(":8443/simple/demo/")


def test_those_in_the_file_are_asked_first_and_only_for_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARTNER_PASSWORD", "hidden")
    found = upstreams_of(
        settings(
            tmp_path,
            """
            [[upstream]]
            name = "partner"
            url = "https://partner.example.com/simple/"
            packages = ["Partner_*", "shared"]
            username = "us"
            password_env = "PARTNER_PASSWORD"
            read_timeout = 3
            """,
            upstream_url="https://packages.example.com/simple/",
        )
    )
    partner = Upstream(
        "partner",
        "https://partner.example.com/simple/",
        ("partner-*", "shared"),
        "us",
        "hidden",
        read_timeout=3,
    )
    assert found[0] == partner

    def asked(name: str, *reserved: str) -> list[str]:
        return [one.name for one in upstreams_for(found, reserved, canonicalize_name(name))]

    assert asked("Partner.Tools") == ["partner", "upstream"]
    assert asked("requests") == ["upstream"]
    assert asked("acme-tool", "acme-*") == []


@pytest.mark.parametrize(
    ("toml", "fault"),
    [
        ("", "has no [[upstream]]"),
        ("[[upstream", "cannot be read"),
        ('[[upstream]]\nname = "a"', "upstream 1 has no url"),
        ('[[upstream]]\nname = "a"\nurl = "ftp://example.com"', "upstream 1 must have an address"),
        ('[[upstream]]\nname = "a"\nurl = "pypi"\ncolour = 1', "an unknown key: colour"),
        ('[[upstream]]\nname = "a"\nurl = "pypi"\npackages = "a"', "packages has a value"),
        ('[[upstream]]\nname = "a"\nurl = "pypi"\npassword_env = "UNSET_ONE"', "UNSET_ONE"),
        ('[[upstream]]\nname = "a"\nurl = "pypi"\n' * 2, "two are named 'a'"),
        ('[[upstream]]\nname = "bundle:a"\nurl = "pypi"', "a name that begins with 'bundle:'"),
    ],
)
def test_a_faulty_file_is_refused_with_its_fault(tmp_path: Path, toml: str, fault: str) -> None:
    with pytest.raises(SettingsError) as refused:
        upstreams_of(settings(tmp_path, toml))
    assert fault in str(refused.value)


@pytest.mark.parametrize(
    "url", ["ftp://example.com/", "https://", "http://a:b", "x?y", "https://a/?b"]
)
def test_another_address_is_refused_without_being_shown(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings(tmp_path, upstream_url=f"{url}#secret")
    assert "PACKSLIP_UPSTREAM_URL must be" in str(refused.value)
    assert "secret" not in str(refused.value)
