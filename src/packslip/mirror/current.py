"""The mirror of the application that runs."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import cast

from flask import Flask, current_app
from packaging.utils import NormalizedName

from packslip.mirror.names import NameList
from packslip.mirror.upstreams import Upstream, upstreams_for, upstreams_of
from packslip.settings import Settings

_EXTENSION = "packslip_mirror"


@dataclass(frozen=True)
class Mirror:
    """What is mirrored, and for how long it counts as fresh."""

    upstreams: tuple[Upstream, ...]
    reserved: tuple[str, ...]
    #: Seconds.
    ttl: int
    #: Where the mirror keeps what is not in the database.
    folder: Path

    def __bool__(self) -> bool:
        """Whether anything is mirrored."""
        return bool(self.upstreams)

    def upstreams_for(self, package: NormalizedName) -> tuple[Upstream, ...]:
        """Those that may be asked for the package; none for a reserved name."""
        return upstreams_for(self.upstreams, self.reserved, package)

    def is_reserved(self, package: str) -> bool:
        """Whether no upstream is ever asked for that normalised name."""
        return any(fnmatchcase(package, pattern) for pattern in self.reserved)

    def names_of(self, upstream: Upstream) -> NameList:
        """The names of all of its packages, as far as they are known."""
        return NameList(self.folder, upstream.name)

    def upstream(self, name: str | None) -> Upstream | None:
        """The one of that name, if it is still there."""
        return next((one for one in self.upstreams if one.name == name), None)


def init_app(app: Flask, settings: Settings) -> None:
    """Let the application mirror what the settings say.

    Raises:
        SettingsError: the file of upstreams is faulty.
    """
    app.extensions[_EXTENSION] = Mirror(
        upstreams_of(settings),
        settings.reserved_names,
        settings.upstream_ttl,
        settings.data / "mirror",
    )


def current_mirror() -> Mirror:
    """The mirror of the current application."""
    return cast("Mirror", current_app.extensions[_EXTENSION])
