"""The application factory."""

from __future__ import annotations

from pathlib import Path

import pytest

from packslip import create_app
from packslip.errors import SettingsError
from packslip.web.context import current_settings


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that the environment names."""
    monkeypatch.setenv("PACKSLIP_DATA", str(tmp_path))
    return tmp_path


def test_the_environment_gives_the_secret_key(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "from the environment")
    assert create_app().config["SECRET_KEY"] == "from the environment"


def test_without_one_a_secret_key_is_made_and_kept(data: Path) -> None:
    assert create_app().config["SECRET_KEY"] == create_app().config["SECRET_KEY"]


def test_the_instance_config_is_honoured(data: Path) -> None:
    (data / "config.py").write_text(
        "SECRET_KEY = 'from the instance'\nPACKSLIP_READ = 'members'\nMAX_COOKIE_SIZE = 1000\n"
    )
    app = create_app()
    assert Path(app.instance_path) == data
    assert app.config["SECRET_KEY"] == "from the instance"
    assert app.config["MAX_COOKIE_SIZE"] == 1000
    with app.app_context():
        assert current_settings().read == "members"


def test_a_test_config_replaces_the_instance_config(data: Path) -> None:
    (data / "config.py").write_text("SECRET_KEY = 'from the instance'\nMAX_COOKIE_SIZE = 1000\n")
    url = f"sqlite:///{data}/other.db"
    app = create_app(
        {"TESTING": True, "SECRET_KEY": "from the test", "SQLALCHEMY_DATABASE_URI": url}
    )
    assert app.testing
    assert app.config["SECRET_KEY"] == "from the test"
    assert app.config["SQLALCHEMY_DATABASE_URI"] == url
    assert app.config["MAX_COOKIE_SIZE"] != 1000


def test_a_data_folder_that_cannot_be_made_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="PACKSLIP_DATA"):
        create_app({"PACKSLIP_DATA": tmp_path / "file" / "data"})
