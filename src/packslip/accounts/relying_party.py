"""Who this index is to browsers that keep keys for it (WebAuthn's relying party)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from packslip.errors import InvalidError

_DEFAULT_PORTS = {"http": 80, "https": 443}


class KeysUnavailableError(InvalidError):
    """Browsers allow no keys at the index's address."""

    def __init__(self, base_url: str) -> None:
        super().__init__(
            "Security keys and passkeys work only where an index has a name and HTTPS, or runs at"
            f" localhost. The address of this one is {base_url}; PACKSLIP_BASE_URL sets it."
        )


@dataclass(frozen=True)
class RelyingParty:
    """What a key is bound to: the host's name, and the origin of the pages."""

    id: str
    origin: str


def relying_party(base_url: str) -> RelyingParty:
    """The party that the index at this address is.

    Raises:
        KeysUnavailableError: browsers allow no keys there: its host is a number, or it has neither
            TLS nor the name `localhost`.
    """
    parts = urlsplit(base_url)
    host = _as_browsers_write(parts.hostname or "")
    is_local = host == "localhost" or host.endswith(".localhost")
    if _is_number(host) or not (parts.scheme == "https" or is_local):
        raise KeysUnavailableError(base_url)
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return RelyingParty(host, f"{parts.scheme}://{host}{port}")


def _as_browsers_write(host: str) -> str:
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
