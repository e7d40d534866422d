"""How much of a client's address is kept."""

from __future__ import annotations

import ipaddress

from packslip.setting_choices import DownloadAddresses

#: Leading bits that a shortened address keeps: a network of 256 hosts, or a site's prefix.
_KEPT_BITS = {4: 24, 6: 48}


def kept_address(address: str | None, detail: DownloadAddresses) -> str | None:
    """Return what of `address` may be kept; None for what is no IP address.

    An IPv4 address that came over IPv6 (RFC 4291, 2.5.5.2) is given in its own form, and a
    shortened address has zeros in place of what was left out.
    """
    if detail is DownloadAddresses.NONE:
        return None
    try:
        # What follows a percent sign names an interface of this machine (RFC 4007).
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    if detail is DownloadAddresses.WHOLE:
        return str(parsed)
    bits = _KEPT_BITS[parsed.version]
    return str(ipaddress.ip_network((parsed, bits), strict=False).network_address)
