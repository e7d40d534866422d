"""Settings: from defaults, `packslip.toml`, the instance's `config.py` and the environment.

Each later source overrides the earlier ones. `SETTINGS` lists every setting there is.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packslip import setting_values
from packslip.errors import SettingsError
from packslip.keeping_settings import KEEPING_SETTINGS, KeepingSettings
from packslip.publisher_settings import PUBLISHER_SETTINGS, PublisherSettings
from packslip.setting_choices import (
    DownloadAddresses,
    LogRequests,
    MetricsAudience,
    PlacedPages,
    Read,
    Registration,
    StorageDownloads,
)
from packslip.setting_values import Network, Setting
from packslip.sso_settings import SSO_SETTINGS, SsoSettings
from packslip.sso_settings import faults as sso_faults

PREFIX = "PACKSLIP_"

#: What commands send to an index elsewhere; no setting, as it is not about this one.
TOKEN_VARIABLE = "PACKSLIP_TOKEN"  # noqa: S105 - a name

#: Settings whose values are shown to nobody.
SECRETS = frozenset(
    {
        "secret_key",
        "smtp_url",
        "database_url",
        "database_replica_url",
        "upstream_url",
        "metrics_token",
        "sso_client_secret",
    }
)

#: Names that Flask and Flask-SQLAlchemy have for some of the settings.
_FLASK_NAMES = {"SECRET_KEY": "secret_key", "SQLALCHEMY_DATABASE_URI": "database_url"}

#: A variable in which `packslip serve` tells its workers where they can be reached.
_SERVED_AT = "_PACKSLIP_SERVED_AT"


@dataclass(frozen=True)
class Settings(SsoSettings, PublisherSettings, KeepingSettings):
    """The settings in force."""

    data: Path
    database_url: str
    #: A replica of it that pages for visitors are read from; empty when there is none.
    database_replica_url: str
    #: Connections to PostgreSQL that a process has at most.
    database_connections: int
    storage_url: str
    storage_downloads: StorageDownloads
    secret_key: str | None
    base_url: str
    read: Read
    registration: Registration
    #: Empty when no mail can be sent.
    smtp_url: str
    contact: str
    max_upload: int
    #: How many proxies are believed, or the networks in which they are.
    trusted_proxies: int | tuple[Network, ...]
    #: Where the proxy in front finds the stored files; empty when it is to send none.
    accel_redirect: str
    page_files: PlacedPages
    download_addresses: DownloadAddresses
    #: The Simple API that is mirrored, `pypi` for PyPI's; empty when nothing is.
    upstream_url: str
    #: Seconds for which a mirrored page counts as fresh.
    upstream_ttl: int
    #: A file that describes more upstreams, which are asked first.
    upstreams: Path | None
    #: Patterns of normalised names that no upstream is ever asked for.
    reserved_names: tuple[str, ...]
    #: Bytes that mirrored files may take; None for any number.
    mirror_size: int | None
    log_requests: LogRequests
    metrics: MetricsAudience
    #: With which anybody may read the metrics; empty when there is none.
    metrics_token: str
    #: The collector that takes traces; empty when OpenTelemetry's own variables say, or nobody.
    otel: str
    #: By name, where each value comes from, in words for admins; what is not there is a default.
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def staging_folder(self) -> Path:
        """Where files are written that go into an object store."""
        return self.data / "staging"

    @property
    def downloads_folder(self) -> Path:
        """Where each process spools the downloads that it served."""
        return self.data / "downloads"

    @property
    def pages_folder(self) -> Path:
        """Where pages lie as files, if they do."""
        return self.data / "pages"

    @property
    def restore_marker(self) -> Path:
        """A file that is there as long as a backup is not wholly restored."""
        return self.data / "restore-unfinished"


@dataclass(frozen=True)
class _Given:
    """What a source says of a setting, and which source that is."""

    text: str
    origin: str


SETTINGS = (
    Setting("data", "data", "The data folder: database, files, secret key.", setting_values.path),
    Setting(
        "database_url",
        "",
        "The database: `sqlite:///…` or `postgresql://…`. Empty: `packslip.db` in the data folder.",
        setting_values.database_url,
    ),
    Setting(
        "database_replica_url",
        "",
        "A replica of a PostgreSQL database, from which pages for visitors are read.",
        setting_values.replica_url,
    ),
    Setting(
        "database_connections",
        "16",
        "Connections to PostgreSQL that one process opens at most.",
        setting_values.connections,
    ),
    Setting(
        "storage_url",
        "",
        "Where the bytes of files live: `file:///…` or `s3://bucket/prefix`. Empty: `files` in the "
        "data folder.",
        setting_values.storage_url,
    ),
    Setting(
        "storage_downloads",
        "stream",
        "How files come to clients from an object store: `stream` (through this server) or "
        "`redirect` (clients are sent there with a signed address).",
        setting_values.choice(StorageDownloads),
    ),
    Setting(
        "secret_key",
        "",
        "Signs what is given to browsers. Empty: made once and kept in the data folder. "
        "`SECRET_KEY` is read too.",
        lambda text: text or None,
    ),
    Setting(
        "base_url",
        "",
        "The address under which people and tools reach this index; absolute links are built "
        "from it. Empty: the address that `packslip serve` listens on.",
        setting_values.base_url,
    ),
    Setting("read", "public", "Who may read: `public` or `members`.", setting_values.choice(Read)),
    Setting(
        "registration",
        "invite",
        "Who may make an account: `open` (everybody), `invite` (whoever has a link from an admin) "
        "or `closed` (nobody; admins make them).",
        setting_values.choice(Registration),
    ),
    Setting(
        "smtp_url",
        "",
        "The server that takes mail: `smtp://user:password@mail.example.com:587`, or `smtps://…`; "
        "`?from=` names the sender. Empty: no mail is sent.",
        setting_values.smtp_url,
    ),
    Setting(
        "contact",
        "",
        "Whom people ask who cannot log in: a name, a room, an e-mail address. Pages show it.",
        lambda text: text.strip(),
    ),
    Setting("max_upload", "1GiB", "The largest file that may be uploaded.", setting_values.size),
    Setting(
        "trusted_proxies",
        "0",
        "The reverse proxies whose `X-Forwarded-*` headers count: how many stand in front, or "
        "their addresses and networks, separated by commas.",
        setting_values.proxies,
    ),
    Setting(
        "accel_redirect",
        "",
        "An internal location of the nginx in front, such as `/_packslip_files/`, which serves the "
        "folder with the stored files: then nginx sends them. Empty: Packslip does.",
        setting_values.location,
    ),
    Setting(
        "page_files",
        "none",
        "Which pages lie as files in `pages` in the data folder, which the nginx in front sends "
        "without asking: `simple` (those of packages that are hosted here) or `none`.",
        setting_values.choice(PlacedPages),
    ),
    Setting(
        "download_addresses",
        "whole",
        "How much of a client's address is kept with a download: `whole`, `shortened` "
        "(IPv4 to 24 bits, IPv6 to 48) or `none`.",
        setting_values.choice(DownloadAddresses),
    ),
    Setting(
        "upstream_url",
        setting_values.PYPI,
        "The Simple API to mirror: `https://packages.example.com/simple/`, or `pypi` for PyPI's. "
        "Empty switches the mirror off.",
        setting_values.upstream_url,
    ),
    Setting(
        "upstream_ttl",
        "600",
        "Seconds for which a mirrored page counts as fresh.",
        setting_values.seconds,
    ),
    Setting(
        "upstreams",
        "",
        "A TOML file that describes more upstreams, which are asked before `upstream_url`.",
        lambda text: setting_values.path(text) if text else None,
    ),
    Setting(
        "reserved_names",
        "",
        "Names that no upstream is ever asked for, separated by commas: `acme-*, internal-tool`.",
        setting_values.names,
    ),
    Setting(
        "mirror_size",
        "",
        "How much room mirrored files may take, such as `50GiB`. Empty: as much as there is.",
        lambda text: setting_values.size(text) if text else None,
    ),
    Setting(
        "log_requests",
        "none",
        "Which requests get a line in the log, besides the one that tells of a failure of the "
        "server: `all` or `none`.",
        setting_values.choice(LogRequests),
    ),
    Setting(
        "metrics",
        "local",
        "Who may read `/metrics` without a token: `local` (programs on this machine), `everybody` "
        "or `nobody`.",
        setting_values.choice(MetricsAudience),
    ),
    Setting(
        "metrics_token",
        "",
        "Whoever sends it as a bearer token may read `/metrics` from anywhere.",
        lambda text: text.strip(),
    ),
    Setting(
        "otel",
        "",
        "The collector that takes traces by OTLP over HTTP: `http://localhost:4318`. Needs "
        "`packslip[otel]`. Empty: none, unless `OTEL_EXPORTER_OTLP_ENDPOINT` is set.",
        setting_values.collector,
    ),
    *SSO_SETTINGS,
    *PUBLISHER_SETTINGS,
    *KEEPING_SETTINGS,
)


def load_settings(
    environment: Mapping[str, str] = os.environ,
    *,
    instance: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """Read the settings from all sources.

    `instance` is what the data folder's `config.py` holds; `overrides` come last. Both use the
    environment's names, and Flask's own where there is one.

    Raises:
        SettingsError: with every fault of every source.
    """
    faults: list[str] = []
    given = _served_at(environment)
    given |= _from_toml(Path(environment.get("PACKSLIP_CONFIG") or "packslip.toml"), faults)
    sources = ((instance, "config.py"), (environment, "environment"), (overrides, "the program"))
    for source, origin in sources:
        given |= _from_names(source or {}, origin)
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        text = given[setting.name].text if setting.name in given else setting.default
        try:
            values[setting.name] = setting.parse(text)
        except ValueError as error:
            shown = "" if setting.name in SECRETS else f", not {text!r}"
            faults.append(f"{PREFIX}{setting.name.upper()} must be {error}{shown}")
    faults += sso_faults(values)
    if faults:
        raise SettingsError(faults)
    values["database_url"] = values["database_url"] or f"sqlite:///{values['data']}/packslip.db"
    values["storage_url"] = values["storage_url"] or (values["data"] / "files").as_uri()
    return Settings(**values, origins={name: one.origin for name, one in given.items()})


def note_served_at(address: str) -> None:
    """Let the processes that are started from here take the address for their `base_url`."""
    os.environ[_SERVED_AT] = address


def unknown_settings(environment: Mapping[str, str]) -> list[str]:
    """Names in the environment that look like settings, are not empty, and are none."""
    known = {PREFIX + setting.name.upper() for setting in SETTINGS} | {
        "PACKSLIP_CONFIG",
        TOKEN_VARIABLE,
    }
    return sorted(
        k for k, v in environment.items() if k.startswith(PREFIX) and v and k not in known
    )


def _served_at(environment: Mapping[str, str]) -> dict[str, _Given]:
    address = environment.get(_SERVED_AT)
    return {"base_url": _Given(address, "packslip serve")} if address else {}


def _from_names(source: Mapping[str, Any], origin: str) -> dict[str, _Given]:
    names = _FLASK_NAMES | {PREFIX + setting.name.upper(): setting.name for setting in SETTINGS}
    return {
        name: _Given(str(source[key]), f"{origin}: {key}")
        for key, name in names.items()
        if source.get(key) is not None and (source[key] or key not in _FLASK_NAMES)
    }


def _from_toml(path: Path, faults: list[str]) -> dict[str, _Given]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        faults.append(f"{path} cannot be read: {error}")
        return {}
    names = {setting.name for setting in SETTINGS}
    found = {}
    for key, value in document.items():
        name = key.removeprefix(PREFIX.lower())
        if name not in names:
            faults.append(f"{path} has an unknown setting: {key}")
        elif not isinstance(value, str | int):
            faults.append(f"{path}: {key} must be a text or a number")
        else:
            found[name] = _Given(str(value), os.fspath(path.absolute()))
    return found
