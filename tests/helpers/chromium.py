"""A real browser: the chromium of this machine, driven by Playwright.

It is the one that CHROMIUM names, else the first on PATH, else one that Playwright installed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_WITHOUT = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "OptimizationHints",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "Translate",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxPopup",
)

_ARGUMENTS = (
    # Within a container there is neither a user namespace for the sandbox nor a large /dev/shm.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    # Nothing is fetched but what a test asks for.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Besides what Playwright switches off, since the last list counts: the address bar, for which
    # each profile would load two pages of its own.
    f"--disable-features={','.join(_WITHOUT)}",
)


@contextmanager
def launched() -> Iterator[Browser]:
    """The browser; without one the test is skipped, or fails where nothing may be skipped."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        except Error as error:
            reason = f"no browser could be started; CHROMIUM can name one: {error.message[:200]}"
            if os.environ.get("CI_REQUIRE_ALL") == "1":
                pytest.fail(reason)
            pytest.skip(reason)
        yield browser
        browser.close()
