"""Who reads the index."""

from __future__ import annotations

from flask import request

from packslip.accounts.access import require_reader
from packslip.accounts.identity import Identity, WrongCredentialsError, identify
from packslip.db import session
from packslip.settings import Read
from packslip.web.context import current_settings


def current_reader() -> Identity | None:
    """Who sends this request, if they say so; one who may read.

    On a public index wrong credentials are ignored: installers send what they have for a host to
    every address on it, and reading needs none.

    Raises:
        CredentialsNeededError: the index is for members, and there are no credentials.
        WrongCredentialsError: the index is for members, and the credentials are wrong.
    """
    read = current_settings().read
    try:
        identity = identify(session(), request.headers.get("Authorization"))
    except WrongCredentialsError:
        if read is not Read.PUBLIC:
            raise
        return None
    require_reader(identity, read)
    return identity
