"""Settings that may be shown."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.helpers.processes import BIN, own_environment, run

from packslip.settings import SETTINGS, load_settings
from packslip.site.settings_in_force import MASK, mask_address, settings_in_force


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("", ""),
        ("sqlite:////srv/packslip.db", "sqlite:////srv/packslip.db"),
        ("postgresql://ada:hush@db.example.com/p", "postgresql://ada:*****@db.example.com/p"),
        ("postgresql://ada:hu@s:h/?#@db/p", "postgresql://ada:*****@db/p"),
        ("postgresql://db/p?user=a&password=hush&sslmode=on", None),
        ("postgresql://db/p?sslPassword=hush", "postgresql://db/p?sslPassword=*****"),
        ("smtp://hush@mail.example.com", "smtp://*****@mail.example.com"),
        (
            "smtps://a:hush@mail.example.com?from=a%40b",
            "smtps://a:*****@mail.example.com?from=a%40b",
        ),
    ],
)
def test_addresses_are_shown_without_their_secrets(address: str, shown: str | None) -> None:
    masked = mask_address(address)
    assert "hush" not in masked
    assert shown in (None, masked)


@given(st.text("abAB:/@?#%&= ", max_size=12))
def test_no_password_shows(rest: str) -> None:
    assert "XYZ" not in mask_address(f"postgresql://ada:{rest}XYZ{rest}@db.example.com/p")


def test_every_setting_tells_where_it_comes_from(tmp_path: Path) -> None:
    config = tmp_path / "packslip.toml"
    config.write_text('read = "members"\ncontact = "the file"\nmax_upload = "1MB"\n')
    environment = {
        "PACKSLIP_CONFIG": os.fspath(config),
        "PACKSLIP_DATA": os.fspath(tmp_path),
        "PACKSLIP_SMTP_URL": "smtp://ada:hush@mail.example.com",
        "SECRET_KEY": "hush",
        "_PACKSLIP_SERVED_AT": "http://localhost:8080",
        "PACKSLIP_TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.1",
    }
    instance = {"PACKSLIP_CONTACT": "the instance", "PACKSLIP_MAX_UPLOAD": "2MB"}
    settings = load_settings(
        environment, instance=instance, overrides={"PACKSLIP_MAX_UPLOAD": "3MB"}
    )
    shown = settings_in_force(settings)
    assert [one.name for one in shown] == [f"PACKSLIP_{one.name.upper()}" for one in SETTINGS]
    assert "hush" not in str(shown)
    found = {one.name.removeprefix("PACKSLIP_").lower(): (one.value, one.origin) for one in shown}
    assert found["read"] == ("members", os.fspath(config))
    assert found["contact"] == ("the instance", "config.py: PACKSLIP_CONTACT")
    assert found["max_upload"] == ("3000000", "the program: PACKSLIP_MAX_UPLOAD")
    assert found["smtp_url"][1] == "environment: PACKSLIP_SMTP_URL"
    assert found["secret_key"] == (f"{MASK} (set)", "environment: SECRET_KEY")
    assert found["base_url"] == ("http://localhost:8080", "packslip serve")
    assert found["trusted_proxies"][0] == "10.0.0.0/8, 192.0.2.1/32"
    assert found["registration"] == ("invite", "default")
    assert found["database_url"] == (f"sqlite:///{tmp_path}/packslip.db", "default")


def test_what_is_set_counts_more_than_where_the_server_listens() -> None:
    environment = {
        "_PACKSLIP_SERVED_AT": "http://localhost:8080",
        "PACKSLIP_BASE_URL": "https://packages.example.com",
    }
    settings = load_settings(environment)
    assert settings.base_url == "https://packages.example.com"
    assert settings.origins["base_url"] == "environment: PACKSLIP_BASE_URL"


def test_the_command_touches_no_database(tmp_path: Path) -> None:
    environment = own_environment(
        tmp_path / "home",
        PACKSLIP_DATA=os.fspath(tmp_path / "data"),
        PACKSLIP_DATABASE_URL="postgresql://ada:hush@127.0.0.1:1/packslip",
    )
    done = run([str(BIN / "packslip"), "settings", "--json"], environment, folder=tmp_path)
    assert done.code == 0, done
    assert "hush" not in done.output
    told = {setting["name"]: setting for setting in json.loads(done.output)}
    assert told["PACKSLIP_DATABASE_URL"]["value"].endswith("//ada:*****@127.0.0.1:1/packslip")
    lines = run([str(BIN / "packslip"), "settings"], environment, folder=tmp_path).output
    assert "PACKSLIP_READ\tpublic\tdefault\n" in lines
