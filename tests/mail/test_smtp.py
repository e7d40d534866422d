"""Talking to mail servers."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.helpers.mail import Mailbox, mailbox

from packslip.mail.messages import plain_message
from packslip.mail.smtp import SmtpServer, UndeliverableError, UnprotectedError, send, server_of

BASE = "https://packages.example.com"


def message(recipient: str = "ada@example.com") -> EmailMessage:
    return plain_message(recipient, "Hello", "A text.\n")


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """What a server with a certificate for 127.0.0.1 that nobody trusts has."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path / "server.pem"
    path.write_bytes(pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context


@pytest.fixture
def far_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is taken for a network."""
    monkeypatch.setattr(SmtpServer, "is_local", False)


class Logins:
    """Takes one name and password, and keeps what it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[bytes, bytes]] = []

    def __call__(self, *arguments: object) -> AuthResult:
        given = arguments[-1]
        assert isinstance(given, LoginPassword)
        self.given.append((given.login, given.password))
        return AuthResult(success=given == LoginPassword(b"us@er", b"p%:ss/w"))


def with_user(box: Mailbox) -> str:
    return box.url.replace("//", "//us%40er:p%25%3Ass%2Fw@")


@pytest.mark.parametrize(
    ("url", "base", "expected"),
    [
        ("smtp://mail.example.com", BASE, ("mail.example.com", 25, False, "")),
        ("smtp://u:p@mail.example.com", BASE, ("mail.example.com", 587, False, "u")),
        ("smtps://u:p@mail.example.com/", BASE, ("mail.example.com", 465, True, "u")),
        ("smtp://[::1]:2525", BASE, ("::1", 2525, False, "")),
    ],
)
def test_an_address_names_a_server(
    url: str, base: str, expected: tuple[str, int, bool, str]
) -> None:
    server = server_of(url, base)
    assert (server.host, server.port, server.is_tls, server.user) == expected
    assert "p@" not in repr(server)


@pytest.mark.parametrize(
    ("url", "base", "sender"),
    [
        ("smtp://m", BASE, "Packslip <packslip@packages.example.com>"),
        ("smtp://m", "http://127.0.0.1:8080", "Packslip <packslip@[127.0.0.1]>"),
        ("smtp://m", "http://[::1]:8080", "Packslip <packslip@[IPv6:::1]>"),
        ("smtp://m?from=index%40example.com", BASE, "index@example.com"),
        ("smtp://m?from=The%20Index%20<i@example.com>", BASE, "The Index <i@example.com>"),
    ],
)
def test_mail_comes_from_the_index_or_who_is_set(url: str, base: str, sender: str) -> None:
    assert str(server_of(url, base).sender) == sender


@pytest.mark.parametrize(
    ("host", "is_local"),
    [("localhost", True), ("127.0.0.9", True), ("[::1]", True), ("localhost.example.com", False)],
)
def test_a_certificate_is_needed_from_other_machines_alone(host: str, is_local: bool) -> None:
    assert server_of(f"smtp://{host}", BASE).is_local == is_local


def test_a_message_is_taken_without_tls_and_user() -> None:
    with mailbox() as box:
        send(server_of(box.url, BASE), message())
        assert len(box.messages) == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_user_and_password_are_decoded_and_go_over_tls(tls: ssl.SSLContext, scheme: str) -> None:
    logins = Logins()
    options = {"ssl_context" if scheme == "smtps" else "tls_context": tls}
    with mailbox(authenticator=logins, auth_require_tls=scheme == "smtp", **options) as box:
        send(server_of(with_user(box).replace("smtp", scheme, 1), BASE), message())
        assert len(box.messages) == 1
    assert logins.given == [(b"us@er", b"p%:ss/w")]


def test_a_password_never_crosses_a_network_without_tls(far_away: None) -> None:
    logins = Logins()
    with mailbox(authenticator=logins, auth_require_tls=False) as box:
        with pytest.raises(UnprotectedError):
            send(server_of(with_user(box), BASE), message())
        assert (box.messages, logins.given) == ([], [])


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_that_proves_nothing_is_not_believed(
    far_away: None, tls: ssl.SSLContext, scheme: str
) -> None:
    logins = Logins()
    options = {"ssl_context" if scheme == "smtps" else "tls_context": tls}
    with mailbox(authenticator=logins, auth_require_tls=scheme == "smtp", **options) as box:
        with pytest.raises(ssl.SSLCertVerificationError):
            send(server_of(with_user(box).replace("smtp", scheme, 1), BASE), message())
        assert (box.messages, logins.given) == ([], [])


@pytest.mark.parametrize(
    "recipient", ["a@x\r\nBcc: b@example.com", "a\r\nBcc: b@example.com@x", "a@", "a@x..y", "a@x,b"]
)
def test_an_address_cannot_add_headers_or_recipients(recipient: str) -> None:
    with mailbox() as box:
        try:
            sent = message(recipient)
        except (UndeliverableError, ValueError):
            return
        assert sent.keys() == [
            "To",
            "Subject",
            "Content-Type",
            "Content-Transfer-Encoding",
            "MIME-Version",
        ]
        assert len(sent["To"].addresses) == 1
        send(server_of(box.url, BASE), sent)
        assert len(box.messages) <= 1


def test_a_subject_cannot_add_headers() -> None:
    with pytest.raises(ValueError, match="linefeed"):
        plain_message("a@example.com", "Hello\r\nBcc: b@example.com", "")


def test_domains_and_names_of_all_languages_are_taken() -> None:
    with mailbox() as box:
        send(server_of(box.url, BASE), message("jürgen@bücher.example"))
        assert box.messages[0]["X-To"] == "jürgen@xn--bcher-kva.example"


def test_a_long_link_stays_whole() -> None:
    link = "https://packages.example.com/" + "a" * 200
    raw = plain_message("a@example.com", "Hello", f"Look:\n\n{link}\n").as_bytes()
    assert link.encode() in raw
