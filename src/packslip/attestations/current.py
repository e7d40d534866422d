"""Whether this application can do with attestations what it is set to."""

from __future__ import annotations

import importlib.util

from flask import Flask

from packslip.errors import SettingsError
from packslip.setting_choices import Attestations
from packslip.settings import Settings


def init_app(app: Flask, settings: Settings) -> None:
    """Require the library, if attestations are to be verified.

    Raises:
        SettingsError: it is missing.
    """
    wanted = settings.attestations is Attestations.VERIFY
    if wanted and importlib.util.find_spec("pypi_attestations") is None:
        raise SettingsError(
            ["Verifying attestations needs a library: pip install 'packslip[attestations]'."]
        )
