"""Asking a running index to check a lock file, with nothing of it on this machine."""

from __future__ import annotations

import netrc
import os
import urllib.error
import urllib.request
from base64 import b64encode
from email.message import Message
from http.client import HTTPException
from ipaddress import ip_address
from typing import IO, Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import msgspec

from packslip.errors import PackslipError
from packslip.settings import TOKEN_VARIABLE
from packslip.texts import brief

#: Seconds that the index may take to answer.
PATIENCE = 60

#: Bytes of an answer that is read.
_LONGEST_ANSWER = 64 * 2**20


class IndexRefusedError(PackslipError):
    """The index cannot be asked, or refused."""


class NoIndexError(IndexRefusedError):
    """What was named is no address of an index."""

    def __init__(self) -> None:
        super().__init__("The index is an address with https:// or http://.")


class ClearTextError(IndexRefusedError):
    """Credentials would cross a network for everybody to read."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"{address} is plain HTTP: credentials would be readable on the way, so nothing was"
            " sent. Use https://, or --insecure if that network is trusted."
        )


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Credentials and lock files go to the index that was named, and nowhere else."""

    def redirect_request(  # noqa: PLR0917 - as the library has it
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> None:
        return None


def ask_index(
    index: str, filename: str, content: bytes, *, insecure: bool = False
) -> dict[str, Any]:
    """The document with which the index at this address answers `POST /api/v1/check`.

    The address may be that of its Simple API. Credentials come from the address, else from
    `PACKSLIP_TOKEN`, else from the file `.netrc`. Over plain HTTP they are sent to this machine
    alone, and elsewhere only when `insecure` says so.

    Raises:
        ClearTextError: they would be sent in clear text; nothing was sent.
        IndexRefusedError: there is no such index, or it refuses.
    """
    address, credentials = _address(index)
    is_here = _is_this_machine(address)
    if credentials and not (insecure or is_here or address.startswith("https:")):
        raise ClearTextError(address)
    url = f"{address}/api/v1/check?filename={quote(filename, safe='')}"
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/octet-stream",
        "User-Agent": "packslip",
        **({"Authorization": credentials} if credentials else {}),
    }
    request = urllib.request.Request(url, content, headers, method="POST")  # noqa: S310 - checked
    # A proxy has no business between this machine and itself.
    handlers = (_NoRedirects(), urllib.request.ProxyHandler({} if is_here else None))
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=PATIENCE) as answer:
            document = msgspec.json.decode(answer.read(_LONGEST_ANSWER))
    except urllib.error.HTTPError as error:
        raise IndexRefusedError(_refusal(address, error)) from None
    except (OSError, HTTPException, msgspec.DecodeError) as error:
        reason = getattr(error, "reason", None) or error
        raise IndexRefusedError(f"{address} gives no answer: {brief(str(reason), 300)}") from None
    if not isinstance(document, dict) or not isinstance(document.get("files"), list):
        raise IndexRefusedError(f"{address} answers as no index of Packslip does.")
    return document


def _refusal(address: str, error: urllib.error.HTTPError) -> str:
    try:
        detail = msgspec.json.decode(error.read(65_536))["detail"]
    except (OSError, HTTPException, msgspec.DecodeError, KeyError, TypeError):
        detail = error.reason
    return f"{address} refuses ({error.code}): {brief(str(detail), 400)}"


def _address(index: str) -> tuple[str, str | None]:
    """The address of the index without credentials and final slash, and what to send for them."""
    try:
        parts = urlsplit(index)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise NoIndexError from None
    if parts.scheme not in {"http", "https"} or not host:
        raise NoIndexError
    where = f"[{host}]" if ":" in host else host
    where += f":{port}" if port is not None else ""
    path = parts.path.rstrip("/").removesuffix("/simple")
    address = urlunsplit((parts.scheme, where, path, "", ""))
    if parts.username is not None:
        return address, _basic(unquote(parts.username), unquote(parts.password or ""))
    if token := os.environ.get(TOKEN_VARIABLE):
        return address, f"Bearer {token.strip()}"
    return address, _from_netrc(host)


def _is_this_machine(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        # RFC 6761 keeps these names for this machine.
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _from_netrc(host: str) -> str | None:
    try:
        found = netrc.netrc(os.environ.get("NETRC")).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None
    return None if found is None else _basic(found[0] or "__token__", found[2] or "")


def _basic(username: str, password: str) -> str:
    return f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"
