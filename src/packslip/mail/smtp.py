"""Handing one message to the mail server that `PACKSLIP_SMTP_URL` names (RFC 5321)."""

from __future__ import annotations

import contextlib
import ipaddress
import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import make_msgid, parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

#: Seconds that the server may take for each of its answers; about a dozen make a mail.
TIMEOUT = 15

#: The name beside the address that mail comes from when none is set.
NAME = "Packslip"


class UnprotectedError(Exception):
    """The server offers no TLS, and a password must not cross a network without it."""

    def __init__(self) -> None:
        super().__init__("the server offers no STARTTLS, and the password is not sent without")


class UndeliverableError(Exception):
    """No mail can be sent to such an address; it is not repeated here, since this is logged."""

    def __init__(self) -> None:
        super().__init__("the e-mail address cannot stand in a header")


@dataclass(frozen=True)
class SmtpServer:
    """The server, and who we are to it."""

    host: str
    port: int
    #: Whether the connection begins with TLS (RFC 8314), not only with STARTTLS.
    is_tls: bool
    user: str
    password: str = field(repr=False)
    sender: Address
    #: The name with which we introduce ourselves.
    own_name: str

    @property
    def is_local(self) -> bool:
        """Whether what is sent stays on this machine."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def server_of(smtp_url: str, base_url: str) -> SmtpServer:
    """The server that the setting names, which is known to be right.

    Without a port it is 465 for TLS, 587 with a user, else 25. Without `?from=` mail comes from
    `packslip@` the host of this index.
    """
    parts = urlsplit(smtp_url)
    is_tls = parts.scheme == "smtps"
    own_name = _own_name(urlsplit(base_url).hostname or "localhost")
    given = parse_qs(parts.query).get("from", [""])[0]
    name, address = parseaddr(given)
    sender = address_of(address, name) if address else Address(NAME, "packslip", own_name)
    usual = 465 if is_tls else 587 if parts.username else 25
    return SmtpServer(
        host=parts.hostname or "localhost",
        port=parts.port or usual,
        is_tls=is_tls,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        sender=sender,
        own_name=own_name,
    )


def address_of(email: str, name: str = "") -> Address:
    """The address as it can stand in a header, with its domain in ASCII (RFC 5890).

    Raises:
        UndeliverableError: its domain cannot be written so.
    """
    local, _, domain = email.rpartition("@")
    try:
        return Address(name, local, domain.encode("idna").decode())
    except (UnicodeError, ValueError):
        raise UndeliverableError from None


def send(server: SmtpServer, message: EmailMessage) -> None:
    """Hand the message over, with the headers that every one needs; it has `To` and `Subject`.

    It was taken when this returns. A certificate that does not prove the server's name ends it,
    except on this machine, where nobody has one for `localhost`.

    Raises:
        OSError: the server could not be reached, or said no (`smtplib.SMTPException` is one).
        UnprotectedError: the password would cross a network in the clear.
    """
    message["From"] = server.sender
    message["Date"] = datetime.now(UTC)
    message["Message-ID"] = make_msgid(domain=server.sender.domain)
    # Keeps machines from answering it (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    connection = _connect(server)
    try:
        if server.user:
            connection.login(server.user, server.password)
        connection.send_message(message)
        # It is taken; what goes wrong from here on must not have it sent again.
        with contextlib.suppress(OSError):
            connection.quit()
    finally:
        connection.close()


def _connect(server: SmtpServer) -> smtplib.SMTP:
    # Without a name smtplib asks the resolver for ours, for as long as that may take.
    name, context = server.own_name, _tls_context(server)
    if server.is_tls:
        return smtplib.SMTP_SSL(
            server.host, server.port, local_hostname=name, timeout=TIMEOUT, context=context
        )
    connection = smtplib.SMTP(server.host, server.port, local_hostname=name, timeout=TIMEOUT)
    try:
        connection.ehlo_or_helo_if_needed()
        if connection.has_extn("starttls"):
            connection.starttls(context=context)
        elif server.user and not server.is_local:
            raise UnprotectedError
    except BaseException:
        connection.close()
        raise
    return connection


def _tls_context(server: SmtpServer) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if server.is_local:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _own_name(host: str) -> str:
    """The host as mail has it: an address instead of a name stands in brackets."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"
