"""For whom a lock file is checked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from packslip.accounts.access import readable_packages
from packslip.accounts.current import current_user
from packslip.accounts.models import User
from packslip.accounts.readers import current_reader
from packslip.web.context import current_settings


@dataclass(frozen=True)
class Viewer:
    """Who asks, and what they may read."""

    user: User | None
    #: Of these packages alone, where a token is limited.
    packages: Collection[str] | None = None
    #: Whoever runs the index reads what the team can read.
    is_operator: bool = False


OPERATOR = Viewer(None, is_operator=True)


def current_viewer() -> Viewer:
    """Who sends this request: by a token or password in a header, else who is logged in."""
    reader = current_reader()
    user = current_user() if reader is None else reader.user
    return Viewer(user, readable_packages(reader, current_settings().read))
