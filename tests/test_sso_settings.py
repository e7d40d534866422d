from __future__ import annotations

import pytest

from packslip.errors import SettingsError
from packslip.settings import load_settings
from packslip.sso_settings import GroupRole

ISSUER = {"PACKSLIP_SSO_ISSUER": "https://id.example.com/", "PACKSLIP_SSO_CLIENT_ID": "packslip"}


def test_groups_give_roles_on_the_site_and_on_packages() -> None:
    given = "a=b=admin, /staff/team one=member,x=owner:Acme.Core ,"
    assert load_settings({"PACKSLIP_SSO_ROLES": given}).sso_roles == (
        GroupRole("a=b", "admin"),
        GroupRole("/staff/team one", "member"),
        GroupRole("x", "owner", "acme-core"),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROLES", "admins"),
        ("ROLES", "=admin"),
        ("ROLES", "admins=root"),
        ("ROLES", "admins=admin:demo"),
        ("ROLES", "admins=owner"),
        ("ROLES", "admins=owner:"),
        ("ROLES", "admins=owner:a/b"),
        ("ISSUER", "http://id.example.com"),
        ("ISSUER", "id.example.com"),
        ("ISSUER", "https://"),
        ("ISSUER", "https://[id"),
        ("ISSUER", "https://id.example.com?a=b"),
        ("ISSUER", "https://user:hush@id.example.com"),
        ("SCOPES", "profile email"),
        ("SCOPES", 'openid "x"'),
        ("REGISTRATION", "open"),
        ("ONLY", "true"),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"PACKSLIP_SSO_{name}"):
        load_settings({**ISSUER, f"PACKSLIP_SSO_{name}": value})


@pytest.mark.parametrize(
    "settings",
    [{"PACKSLIP_SSO_ISSUER": "https://id.example.com"}, {"PACKSLIP_SSO_ONLY": "yes"}],
)
def test_settings_that_need_others_are_refused_alone(settings: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="needs"):
        load_settings(settings)


def test_the_provider_is_called_by_its_host_unless_it_has_a_name() -> None:
    assert load_settings(ISSUER).sso_shown_name == "id.example.com"
    assert load_settings({**ISSUER, "PACKSLIP_SSO_NAME": "Acme"}).sso_shown_name == "Acme"
