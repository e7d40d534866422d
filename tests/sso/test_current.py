from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.helpers.app import make_app
from tests.helpers.provider import CLIENT_ID

from packslip.errors import SettingsError
from packslip.sso import current


def test_the_library_is_loaded_only_by_those_who_use_it() -> None:
    code = "import sys, packslip.app; sys.exit('authlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_provider_without_the_library_is_a_fault_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"packslip\[sso\]"):
        make_app(
            tmp_path,
            f"sqlite:///{tmp_path / 'packslip.db'}",
            PACKSLIP_SSO_ISSUER="https://id.example.com",
            PACKSLIP_SSO_CLIENT_ID=CLIENT_ID,
        )
