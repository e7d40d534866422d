"""A real mail server within the process, and what arrived there."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask
from tests.helpers.server import free_port

from packslip.mail.sender import current_sender

#: Seconds that a mail may take to arrive.
PATIENCE = 30


class Mailbox:
    """What a mail server took. It can be told to refuse, and to keep its senders waiting."""

    def __init__(self, port: int) -> None:
        self.port = port
        #: Every message that was taken, in its order; with the envelope's sender and recipient as
        #: headers `X-From` and `X-To`.
        self.messages: list[EmailMessage] = []
        #: What it answers to a recipient or a text instead of taking it, such as `451 Later`.
        self.refuse_recipient = ""
        self.refuse_text = ""
        #: Cleared, a text that has come is not answered.
        self.answering = threading.Event()
        self.answering.set()
        self._arrived = threading.Condition()

    @property
    def url(self) -> str:
        """The value of `PACKSLIP_SMTP_URL` for it."""
        return f"smtp://127.0.0.1:{self.port}"

    def wait(self, count: int = 1) -> list[EmailMessage]:
        """All messages, as soon as there are `count`."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.messages) >= count, PATIENCE):
                raise AssertionError(f"{len(self.messages)} of {count} mails came")
            return list(self.messages)

    def wait_for(self, recipient: str, subject: str = "") -> EmailMessage:
        """The newest message to the address, whose subject holds the text, once there is one."""

        def found() -> EmailMessage | None:
            fitting = (
                m for m in self.messages if m["X-To"] == recipient and subject in m["Subject"]
            )
            return next(iter([*fitting][::-1]), None)

        with self._arrived:
            message = self._arrived.wait_for(found, PATIENCE)
            if message is None:
                raise AssertionError(f"no mail came to {recipient}: {self.subjects}")
            return message

    @property
    def subjects(self) -> list[str]:
        """The recipients and subjects of all messages."""
        return [f"{message['X-To']}: {message['Subject']}" for message in self.messages]

    def clear(self) -> None:
        """Forget what came."""
        with self._arrived:
            self.messages.clear()

    # What aiosmtpd calls, in a thread of its own.

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refuse_recipient:
            return self.refuse_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.refuse_text:
            return self.refuse_text
        raw: Any = envelope.content
        message = message_from_bytes(raw, policy=policy.default)
        assert isinstance(message, EmailMessage)
        message["X-From"] = envelope.mail_from
        message["X-To"] = ", ".join(envelope.rcpt_tos)
        with self._arrived:
            self.messages.append(message)
            self._arrived.notify_all()
        await server.loop.run_in_executor(None, self.answering.wait, PATIENCE)
        return "250 OK"


@contextlib.contextmanager
def mailbox(port: int | None = None, **options: Any) -> Iterator[Mailbox]:
    """A mail server on loopback; `options` are those of aiosmtpd's `Controller`."""
    box = Mailbox(port or free_port())
    controller = Controller(box, hostname="127.0.0.1", port=box.port, **options)
    controller.start()
    try:
        yield box
    finally:
        box.answering.set()
        controller.stop()


def deliver(app: Flask) -> int:
    """Send what is due now, without the sender's thread, and return how many were taken."""
    with app.app_context():
        return current_sender().send_due()


def link_in(message: EmailMessage) -> str:
    """The path of the link that stands on a line of its own."""
    found = re.search(r"^https?://[^/\s]+(/\S+)$", text_of(message), re.MULTILINE)
    assert found, text_of(message)
    return found[1]


def text_of(message: EmailMessage) -> str:
    return str(message.get_content()).replace("\r\n", "\n")
