"""What the text of a setting can mean. Each function raises ValueError with what would be right."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import getaddresses
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

Network = IPv4Network | IPv6Network

E = TypeVar("E", bound=StrEnum)

#: Makes a setting's value of its text.
Parser = Callable[[str], str]


@dataclass(frozen=True)
class Setting:
    """One setting: its name without prefix, its default, and what turns text into its value.

    `parse` raises ValueError with a few words that say what would be right.
    """

    name: str
    default: str
    help: str
    parse: Callable[[str], Any]


#: Stands for the address of PyPI's Simple API.
PYPI = "pypi"

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


def path(text: str) -> Path:
    """A folder or file, absolute."""
    if not text:
        raise ValueError("a folder")
    return Path(text).expanduser().absolute()


def database_url(text: str) -> str:
    """An address that SQLAlchemy takes; or nothing."""
    text = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", text)
    if text and not text.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise ValueError("an address that begins with sqlite:/// or postgresql://")
    return text


def replica_url(text: str) -> str:
    """An address of PostgreSQL that SQLAlchemy takes; or nothing."""
    if text and not text.startswith(("postgres://", "postgresql")):
        raise ValueError("an address that begins with postgresql://")
    return database_url(text)


def storage_url(text: str) -> str:
    """A `file:` or `s3:` address; or nothing."""
    if text and not text.startswith(("file:///", "s3://")):
        raise ValueError("an address of the form file:///folder or s3://bucket/prefix")
    return text


def base_url(text: str) -> str:
    """An address without a slash at its end; or nothing."""
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query):
        raise ValueError("an address such as https://packages.example.com")
    return text.rstrip("/")


def smtp_url(text: str) -> str:
    """The address of a mail server as it was given; or nothing."""
    if not text:
        return text
    try:
        parts = urlsplit(text)
        # `port` is what raises when it is none.
        is_one = parts.scheme in {"smtp", "smtps"} and parts.hostname and parts.port != 0
        options = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
    except ValueError:
        is_one, options = False, {}
    else:
        is_one = is_one and parts.path in {"", "/"} and not parts.fragment and text.isprintable()
    if not is_one or options.keys() - {"from"}:
        raise ValueError(
            "an address such as smtp://user:password@mail.example.com:587, in which other"
            " characters than letters and digits are percent-encoded in user and password"
        )
    # The standard library sends no others.
    if not unquote(f"{parts.username}{parts.password}").isascii():
        raise ValueError("an address whose user and password are ASCII")
    if options and not _is_sender(options["from"]):
        raise ValueError("an address whose `from` is one e-mail address, percent-encoded")
    return text


def _is_sender(values: list[str]) -> bool:
    # Anything that parses as several, or has no domain, would be refused by mail servers.
    found = getaddresses(values)
    if len(found) != 1 or not values[0].isprintable():
        return False
    return re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)*", found[0][1]) is not None


def size(text: str) -> int:
    """A number of bytes."""
    match = re.fullmatch(r"(\d+)\s*([kmg]i?)?b?", text.strip().lower())
    if not match or not int(match[1]):
        raise ValueError("a size such as 500MB or 2GiB")
    return int(match[1]) * _UNITS[match[2] or ""]


def proxies(text: str) -> int | tuple[Network, ...]:
    """A number of proxies, or where they are."""
    if re.fullmatch(r"[0-9]{1,2}", text):
        return int(text)
    try:
        return tuple(ip_network(part.strip()) for part in text.split(","))
    except ValueError:
        raise ValueError("a number from 0 to 99, or addresses and networks") from None


def location(text: str) -> str:
    """A path that begins and ends with a slash, or nothing."""
    if text and not re.fullmatch(r"/([A-Za-z0-9._~-]+/)+", text):
        raise ValueError("a path such as /_packslip_files/")
    return text


def choice(kind: type[E]) -> Callable[[str], E]:
    """What turns a text into a member of the enumeration."""

    def parse(text: str) -> E:
        try:
            return kind(text)
        except ValueError:
            raise ValueError(" or ".join(kind)) from None

    return parse


def upstream_url(text: str) -> str:
    """The address of a Simple API, with a slash at its end; `pypi`; or nothing."""
    if text in {"", PYPI}:
        return text
    try:
        parts = urlsplit(text)
        # `port` is what raises when it is none.
        is_one = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    else:
        is_one = is_one and not parts.query and not parts.fragment and text.isprintable()
    if not is_one:
        raise ValueError(f"an address such as https://packages.example.com/simple/, or {PYPI}")
    return text.rstrip("/") + "/"


def collector(text: str) -> str:
    """The address of a collector, without credentials; or nothing."""
    try:
        parts = urlsplit(text)
        is_one = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    else:
        is_one = is_one and not (parts.query or parts.fragment or "@" in parts.netloc)
    if text and not is_one:
        raise ValueError("an address such as http://localhost:4318, without credentials")
    return text


def seconds(text: str) -> int:
    """A number of seconds, 0 among them."""
    if not re.fullmatch(r"[0-9]{1,8}", text):
        raise ValueError("a number of seconds")
    return int(text)


def days(least: int) -> Callable[[str], int | None]:
    """What turns a text into a number of days, at least so many; None for nothing."""

    def parse(text: str) -> int | None:
        if not text:
            return None
        if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) < least:
            raise ValueError(f"a number of days, {least} or more")
        return int(text)

    return parse


def connections(text: str) -> int:
    """A number of connections."""
    if not re.fullmatch(r"[0-9]{1,4}", text) or int(text) < 2:
        raise ValueError("a number from 2 on")
    return int(text)


def names(text: str) -> tuple[str, ...]:
    """Patterns of names in their normal form; `*` and `?` stand for any characters."""
    given = [part.strip() for part in text.split(",") if part.strip()]
    for name in given:
        if not re.fullmatch(r"[A-Za-z0-9._*?-]{1,200}", name):
            raise ValueError("names such as acme-* or internal-tool, separated by commas")
    return tuple(re.sub(r"[-_.]+", "-", name).lower() for name in given)
