"""Settings from all their sources."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from packslip.errors import SettingsError
from packslip.secret_keys import secret_key
from packslip.setting_choices import DownloadAddresses, Read
from packslip.settings import load_settings, unknown_settings


def test_without_any_source_everything_lies_in_the_data_folder() -> None:
    settings = load_settings({"PACKSLIP_CONFIG": "nowhere.toml"})
    assert settings.data == Path("data").absolute()
    assert settings.database_url == f"sqlite:///{settings.data}/packslip.db"
    assert settings.storage_url == (settings.data / "files").as_uri()
    assert settings.read is Read.PUBLIC
    assert settings.download_addresses is DownloadAddresses.WHOLE


def test_a_later_source_overrides_an_earlier_one(tmp_path: Path) -> None:
    config = tmp_path / "packslip.toml"
    config.write_text('base_url = "https://toml.example.com"\nread = "members"\nmax_upload = 5\n')
    environment = {
        "PACKSLIP_CONFIG": str(config),
        "PACKSLIP_BASE_URL": "https://environment.example.com/",
    }
    instance = {"PACKSLIP_BASE_URL": "https://instance.example.com", "PACKSLIP_MAX_UPLOAD": "6"}
    settings = load_settings(environment, instance=instance)
    assert settings.base_url == "https://environment.example.com"
    assert settings.max_upload == 6
    assert settings.read is Read.MEMBERS
    overrides = {"PACKSLIP_BASE_URL": "https://override.example.com"}
    assert (
        load_settings(environment, overrides=overrides).base_url == overrides["PACKSLIP_BASE_URL"]
    )


def test_names_in_the_file_may_carry_the_prefix(tmp_path: Path) -> None:
    config = tmp_path / "packslip.toml"
    config.write_text('packslip_read = "members"\n')
    assert load_settings({"PACKSLIP_CONFIG": str(config)}).read is Read.MEMBERS


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    config = tmp_path / "packslip.toml"
    config.write_text('colour = "red"\nread = ["members"]\n')
    environment = {
        "PACKSLIP_CONFIG": str(config),
        "PACKSLIP_DATABASE_URL": "mysql://db.example.com",
        "PACKSLIP_STORAGE_URL": "ftp://files.example.com",
        "PACKSLIP_BASE_URL": "packages.example.com",
        "PACKSLIP_MAX_UPLOAD": "much",
        "PACKSLIP_TRUSTED_PROXIES": "-1",
        "PACKSLIP_DOWNLOAD_ADDRESSES": "some",
    }
    with pytest.raises(SettingsError) as caught:
        load_settings(environment)
    faults = "\n".join(caught.value.faults)
    for name in [*list(environment)[1:], "colour", "read"]:
        assert name in faults
    assert len(caught.value.faults) == 8


def test_a_file_that_is_no_toml_is_a_fault(tmp_path: Path) -> None:
    config = tmp_path / "packslip.toml"
    config.write_text("read = ")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings({"PACKSLIP_CONFIG": str(config)})


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("500MB", 500_000_000), ("2GiB", 2 * 2**30), ("64 kib", 65536), ("3g", 3 * 10**9)],
)
def test_sizes_have_units(text: str, size: int) -> None:
    assert load_settings({"PACKSLIP_MAX_UPLOAD": text}).max_upload == size


@pytest.mark.parametrize("text", ["0", "-1", "1TB", "", "1.5GB"])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="PACKSLIP_MAX_UPLOAD must be a size"):
        load_settings({"PACKSLIP_MAX_UPLOAD": text})


@pytest.mark.parametrize(
    "url",
    [
        "smtp://mail.example.com",
        "smtps://us%40er:p%2Fw@mail.example.com:465/",
        "smtp://[::1]:2525?from=index@example.com",
        "smtp://mail.example.com?from=The%20Index%20%3Cindex@example.com%3E",
    ],
)
def test_an_address_of_a_mail_server_is_taken(url: str) -> None:
    assert load_settings({"PACKSLIP_SMTP_URL": url}).smtp_url == url


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com",
        "http://mail.example.com",
        "smtp://",
        "smtp://mail.example.com:smtp",
        "smtp://mail.example.com:99999",
        "smtp://mail.example.com/folder",
        "smtp://user:hush/hush@mail.example.com",
        "smtp://user:hush#hush@mail.example.com",
        "smtp://user:hush?hush@mail.example.com",
        "smtp://user:h%C3%BCsh@mail.example.com",
        "smtp://mail.example.com?sender=index@example.com",
        "smtp://mail.example.com?from=index",
        "smtp://mail.example.com?from=a@example..com",
        "smtp://mail.example.com?from=a@example.com,b@example.com",
        "smtp://mail.example.com?from=The%0AIndex%20%3Ca@example.com%3E",
        "smtp://mail.example.com?from=a@example.com%0D%0ABcc:b@example.com",
        "smtp://mail.example.com\r\n",
        "smtp://[mail.example.com",
    ],
)
def test_any_other_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(SettingsError, match="PACKSLIP_SMTP_URL must be an address") as caught:
        load_settings({"PACKSLIP_SMTP_URL": url})
    assert "hush" not in caught.value.reason


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_name_of_postgresql_means_psycopg(scheme: str) -> None:
    settings = load_settings({"PACKSLIP_DATABASE_URL": f"{scheme}://db.example.com/packslip"})
    assert settings.database_url == "postgresql+psycopg://db.example.com/packslip"


def test_the_secret_key_is_made_once_and_only_for_the_owner(tmp_path: Path) -> None:
    settings = load_settings({"PACKSLIP_DATA": str(tmp_path)})
    key = secret_key(settings)
    assert len(key) >= 32
    assert secret_key(settings) == key
    assert stat.S_IMODE((tmp_path / "secret-key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret-key"]


@pytest.mark.parametrize("name", ["SECRET_KEY", "PACKSLIP_SECRET_KEY"])
def test_a_given_secret_key_is_used(tmp_path: Path, name: str) -> None:
    settings = load_settings({"PACKSLIP_DATA": str(tmp_path), name: "given"})
    assert secret_key(settings) == "given"
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_secret_is_not_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"PACKSLIP_SECRET_KEY": "hush", "PACKSLIP_READ": "nobody"})
    assert "hush" not in caught.value.reason


def test_what_looks_like_a_setting_and_is_none_is_named() -> None:
    environment = {
        "PACKSLIP_DATA": "x",
        "PACKSLIP_DATABSE_URL": "typo",
        "PACKSLIP_UPSTREAM_URL": "",
        "HOME": "y",
    }
    assert unknown_settings(environment) == ["PACKSLIP_DATABSE_URL"]
