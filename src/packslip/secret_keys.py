"""The key that signs what is given to browsers."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from packslip.errors import SettingsError
from packslip.settings import Settings

#: What the data folder calls the file with the key.
_KEY_FILE = "secret-key"


def key_file(settings: Settings) -> Path | None:
    """Where the secret key is kept, when it is one of the data folder."""
    path = settings.data / _KEY_FILE
    return path if settings.secret_key is None and path.exists() else None


def secret_key(settings: Settings) -> str:
    """The secret key that is set, else the one in the data folder, made there the first time.

    Raises:
        SettingsError: it can be neither read nor made there.
    """
    if settings.secret_key:
        return settings.secret_key
    try:
        return _kept_secret_key(settings)
    except OSError as error:
        fault = f"PACKSLIP_DATA: {settings.data} cannot be used: {error.strerror}"
        raise SettingsError([fault]) from error


def _kept_secret_key(settings: Settings) -> str:
    path = settings.data / _KEY_FILE
    if not path.exists():
        draft = settings.data / f"{_KEY_FILE}.{os.getpid()}.{secrets.token_hex(4)}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            # Unlike a rename, a link fails when another process was faster: all use one key.
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
