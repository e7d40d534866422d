"""What a message looks like."""

from __future__ import annotations

from email.message import EmailMessage

from packslip.mail.smtp import address_of


def plain_message(recipient: str, subject: str, text: str) -> EmailMessage:
    """A message of plain text; who it comes from is added when it is sent.

    Raises:
        UndeliverableError: there can be no mail to such an address.
        ValueError: the subject has more than one line.
    """
    message = EmailMessage()
    message["To"] = address_of(recipient)
    message["Subject"] = subject
    # Left as it is where that can be: links are longer than the lines of other encodings.
    message.set_content(text, cte="7bit" if text.isascii() else None)
    return message
