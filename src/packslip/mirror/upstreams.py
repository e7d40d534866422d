"""Upstreams: the indexes that are mirrored, in the order in which they are asked."""

from __future__ import annotations

import os
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from packaging.utils import NormalizedName

from packslip import setting_values
from packslip.errors import SettingsError
from packslip.settings import Settings

#: The name of the upstream that `PACKSLIP_UPSTREAM_URL` gives.
DEFAULT_NAME = "upstream"

#: Before the name of the upstream from which a package came by a bundle.
_BUNDLED = "bundle:"

_KEYS = {
    "name": str,
    "url": str,
    "packages": list,
    "username": str,
    "password_env": str,
    "password_file": str,
    "connect_timeout": int | float,
    "read_timeout": int | float,
}


@dataclass(frozen=True)
class Upstream:
    """An index elsewhere, and how to ask it."""

    name: str
    #: Of its Simple API, with a slash at the end and without credentials; `pypi` for PyPI's.
    url: str
    #: Patterns of normalised names that it is asked for.
    packages: tuple[str, ...] = ("*",)
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    #: Seconds until a connection stands.
    connect_timeout: float = 5
    #: Seconds of silence after which it counts as failed.
    read_timeout: float = 10

    @property
    def address(self) -> str:
        """Its Simple API, with a slash at the end."""
        return pypi_address() if self.url == setting_values.PYPI else self.url

    def page_address(self, package: NormalizedName) -> str:
        """The address of the package's page."""
        return f"{self.address}{quote(package)}/"


def upstreams_of(settings: Settings) -> tuple[Upstream, ...]:
    """All upstreams in their order; none when nothing is mirrored.

    Raises:
        SettingsError: the file of upstreams is faulty.
    """
    found = [] if settings.upstreams is None else _from_file(settings.upstreams)
    if settings.upstream_url:
        found.append(_from_address(DEFAULT_NAME, settings.upstream_url))
    return tuple(found)


def upstreams_for(
    upstreams: Iterable[Upstream], reserved: Iterable[str], package: NormalizedName
) -> tuple[Upstream, ...]:
    """Those that may be asked for the package; none for a reserved name."""
    if any(fnmatchcase(package, pattern) for pattern in reserved):
        return ()
    return tuple(
        upstream
        for upstream in upstreams
        if any(fnmatchcase(package, pattern) for pattern in upstream.packages)
    )


def bundled(name: str) -> str:
    """What is named as the upstream of a package that came from there by a bundle."""
    return f"{_BUNDLED}{origin_of(name)}"


def is_bundled(name: str | None) -> bool:
    """Whether what has that upstream came by a bundle, and upstream itself was never asked."""
    return name is not None and name.startswith(_BUNDLED)


def origin_of(name: str) -> str:
    """The name of the upstream, whether it was asked itself or a bundle came from it."""
    return name.removeprefix(_BUNDLED)


def _from_address(name: str, address: str, **more: Any) -> Upstream:
    if address == setting_values.PYPI:
        return Upstream(name, address, **more)
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    url = urlunsplit((parts.scheme, host, parts.path, "", ""))
    if parts.username is not None:
        more.setdefault("username", unquote(parts.username))
        more.setdefault("password", unquote(parts.password or ""))
    return Upstream(name, url, **more)


def _from_file(path: Path) -> list[Upstream]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("upstream")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError([f"PACKSLIP_UPSTREAMS: {path} cannot be read: {error}"]) from error
    if not isinstance(tables, list) or not tables:
        raise SettingsError([f"PACKSLIP_UPSTREAMS: {path} has no [[upstream]]"])
    faults: list[str] = []
    found = [one for number, table in enumerate(tables, 1) if (one := _read(number, table, faults))]
    counts = Counter(one.name for one in found)
    faults += [f"two are named {name!r}" for name, count in counts.items() if count > 1]
    if faults:
        raise SettingsError([f"PACKSLIP_UPSTREAMS: {path}: {fault}" for fault in faults])
    return found


def _read(number: int, table: Mapping[str, Any], faults: list[str]) -> Upstream | None:
    where = f"upstream {number}"
    known = len(faults)
    faults += [f"{where} has an unknown key: {key}" for key in table.keys() - _KEYS.keys()]
    faults += [
        f"{where}: {key} has a value of another kind than is right"
        for key, kind in _KEYS.items()
        if key in table and not isinstance(table[key], kind)
    ]
    faults += [f"{where} has no {key}" for key in ("name", "url") if not table.get(key)]
    if is_bundled(str(table.get("name"))):
        faults.append(f"{where} has a name that begins with {_BUNDLED!r}")
    if len(faults) > known:
        return None
    more: dict[str, Any] = {
        key: table[key] for key in ("connect_timeout", "read_timeout", "username") if key in table
    }
    try:
        address = setting_values.upstream_url(table["url"])
        if "packages" in table:
            more["packages"] = setting_values.names(",".join(map(str, table["packages"])))
        if (password := _password(table)) is not None:
            more["password"] = password
    except ValueError as error:
        faults.append(f"{where} must have {error}")
        return None
    return _from_address(table["name"], address, **more)


def _password(table: Mapping[str, Any]) -> str | None:
    if (variable := table.get("password_env")) is not None:
        if variable not in os.environ:
            raise ValueError(f"the variable {variable} set, which password_env names")
        return os.environ[variable]
    if (file := table.get("password_file")) is not None:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise ValueError(f"a readable file {file}, which password_file names") from None
    return None


def pypi_address() -> str:
    """The address of PyPI's Simple API, with a slash at the end."""
    # It takes 0.3 s to import, and is needed by nobody who mirrors something else.
    from pypi_simple import PYPI_SIMPLE_ENDPOINT  # noqa: PLC0415 - see above

    return PYPI_SIMPLE_ENDPOINT
