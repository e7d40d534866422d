"""Sending what is in the queue.

What is promised: a mail whose transaction was committed is handed to the mail server once; twice
if the process ends, however suddenly, between the server's taking it and the row's removal. A mail
that the server does not take is tried again for hours, then dropped, and the log says so. Logs
name a mail by its number and kind, never by its address or text.

To send a mail, a process first takes its row for a while, by moving `due_at` into the future, and
writes the text in the same transaction. It sends outside of any transaction and removes the row.
"""

from __future__ import annotations

import atexit
import os
import smtplib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import cast

import structlog
from flask import Flask, current_app
from sqlalchemy import delete, event, select, update
from sqlalchemy.orm import Session

from packslip.db import db, write_transaction
from packslip.mail.models import Mail
from packslip.mail.smtp import UnprotectedError, send, server_of
from packslip.web.context import current_settings
from packslip.web.urls import base_url

#: For how long a mail belongs to the process that is sending it. Longer than a server's answers
#: may take all together, or another process would send it too.
LEASE = timedelta(minutes=5)

#: The first wait after a failure. Each further one is twice as long, up to the longest.
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=30)

#: How old a mail must be that is not tried again.
PATIENCE = timedelta(hours=12)

#: Seconds after which the thread looks for mails of other processes, and those to be tried again.
POLL = 5.0

_EXTENSION = "packslip_mail"

#: Writes the text of a mail, or says with None that there is nothing to send any more. It may
#: change the database, such as make the link that the text holds.
Composer = Callable[[Session, Mail], EmailMessage | None]

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Letter:
    """A mail that this process has taken, with its text."""

    id: int
    kind: str
    attempt: int
    message: EmailMessage


class Sender:
    """Sends mails that are due, in a daemon thread once it is started."""

    def __init__(self, app: Flask, composers: Mapping[str, Composer]) -> None:
        self._app = app
        self._composers = composers
        self._process = 0
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Send what is due, from now on and in this process, if there is a server for it."""
        with self._app.app_context():
            if not current_settings().smtp_url or self._process == os.getpid():
                return
        # A fork takes no threads along.
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mail", daemon=True)
        self._thread.start()
        self._process = os.getpid()
        # A thread that is cut off within the database library can crash the interpreter.
        atexit.register(self.stop)

    def wake(self) -> None:
        """Have what is due sent now if this process sends; return at once."""
        if self._process == os.getpid():
            self._wanted.set()

    def wake_after_commit(self, session: Session) -> None:
        """Wake when the session's transaction, in which a mail was queued, is committed."""
        if _EXTENSION not in session.info:
            session.info[_EXTENSION] = True
            event.listen(session, "after_commit", self._on_commit)

    def stop(self) -> None:
        """End the thread, after the mail that it is at unless that takes long."""
        if self._thread is not None and self._process == os.getpid():
            self._stopping.set()
            self._wanted.set()
            self._thread.join(timeout=5)
            self._process = 0

    def send_due(self) -> int:
        """Try once to send each mail that is due, and return how many the server took."""
        sent = 0
        with self._app.app_context(), Session(db.engine) as session:
            while not self._stopping.is_set() and _is_any_due(session):
                with write_transaction(session):
                    mail = _lock_next(session)
                    if mail is None:
                        break
                    letter = self._take(session, mail)
                sent += letter is not None and _deliver(session, letter)
        return sent

    def _on_commit(self, session: Session) -> None:
        # The end of a savepoint counts as a commit to SQLAlchemy.
        if not session.in_nested_transaction():
            self.wake()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wanted.clear()
            try:
                self.send_due()
            except Exception as error:
                log.error("mails cannot be sent", error=str(error))
            self._wanted.wait(POLL)

    def _take(self, session: Session, mail: Mail) -> _Letter | None:
        now = datetime.now(UTC)
        named = {"mail": mail.id, "kind": mail.kind, "attempts": mail.attempts}
        if mail.attempts and now - mail.created_at >= PATIENCE:
            log.error("a mail was given up", **named)
            session.delete(mail)
            return None
        mail.attempts += 1
        mail.due_at = now + LEASE
        session.flush()
        try:
            with session.begin_nested():
                message = self._composers[mail.kind](session, mail)
        except Exception:
            log.exception("a mail cannot be written", **named)
            mail.due_at = now + _wait(mail.attempts)
            return None
        if message is None:
            session.delete(mail)
            return None
        return _Letter(mail.id, mail.kind, mail.attempts, message)


def init_app(app: Flask, composers: Mapping[str, Composer]) -> None:
    """Give the application a sender that is not started; `composers` are by kind of mail."""
    app.extensions[_EXTENSION] = Sender(app, composers)


def current_sender() -> Sender:
    """The sender of the current application."""
    return cast("Sender", current_app.extensions[_EXTENSION])


def _is_any_due(session: Session) -> bool:
    # Asked without the write lock, which SQLite has only one of.
    session.rollback()
    due = select(Mail.id).where(Mail.due_at <= datetime.now(UTC)).limit(1)
    return session.scalar(due) is not None


def _lock_next(session: Session) -> Mail | None:
    return session.scalar(
        select(Mail)
        .where(Mail.due_at <= datetime.now(UTC))
        .order_by(Mail.due_at, Mail.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def _deliver(session: Session, letter: _Letter) -> bool:
    """Send the letter and return whether it was taken."""
    try:
        send(server_of(current_settings().smtp_url, base_url()), letter.message)
    except Exception as error:
        _put_back(session, letter, error)
        return False
    with write_transaction(session):
        session.execute(delete(Mail).where(Mail.id == letter.id))
    return True


def _put_back(session: Session, letter: _Letter, error: Exception) -> None:
    final = _is_final(error)
    # Not if another process has taken it since.
    ours = (Mail.id == letter.id) & (Mail.attempts == letter.attempt)
    with write_transaction(session):
        if final:
            session.execute(delete(Mail).where(ours))
        else:
            due_at = datetime.now(UTC) + _wait(letter.attempt)
            session.execute(update(Mail).where(ours).values(due_at=due_at))
    log.warning(
        "a mail was refused for good" if final else "a mail was not sent and is tried again",
        mail=letter.id,
        kind=letter.kind,
        attempts=letter.attempt,
        error=_describe(error),
    )


def _wait(attempts: int) -> timedelta:
    doublings: int = 2 ** min(attempts - 1, 20)
    return min(FIRST_WAIT * doublings, LONGEST_WAIT)


def _is_final(error: Exception) -> bool:
    """Whether the server will not take this mail however often it is tried (RFC 5321, 4.2.1)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500


def _describe(error: Exception) -> str:
    """What went wrong, without what the server said or what was sent: there are addresses in it."""
    kind = type(error).__name__
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"{kind} {sorted({code for code, _ in error.recipients.values()})}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{kind} {error.smtp_code}"
    return f"{kind}: {error}" if isinstance(error, OSError | UnprotectedError) else kind
