"""What the mails to those say who watch packages.

They are written when they are sent: nobody is told any more what they may not read by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.message import EmailMessage
from textwrap import fill
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.events.models import Action, Event
from packslip.mail.messages import plain_message
from packslip.mail.models import Mail
from packslip.mail.sender import Composer
from packslip.notes.decisions import decision_of
from packslip.notes.errors import UnknownNoteError
from packslip.notes.queries import get_note
from packslip.packages.models import Package
from packslip.subscriptions.announcements import (
    ACT_MAIL,
    RELEASE_MAIL,
    UPLOAD_MAIL,
    UPSTREAM_MAIL,
    coverage_of,
)
from packslip.subscriptions.queries import is_told
from packslip.subscriptions.unsubscribing import unsubscribe_address
from packslip.web.urls import base_url

#: Files that a mail names; more are counted.
MAX_FILES = 20

#: Versions that a subject names.
_NAMED = 3

#: How the first line of a mail goes on behind the name of who did it.
_DID = {
    Action.ACT_BEGIN: "put an act on",
    Action.ACT_CHANGE: "changed an act on",
    Action.ACT_LIFT: "lifted an act from",
    Action.ACT_EXPIRE: "let an act expire on",
}

#: What happened upstream.
_UPSTREAM = {
    Action.MIRROR_ALTER: "bytes of files changed upstream and are refused",
    Action.MIRROR_REFUSE_FILE: "upstream sent wrong bytes, which are refused",
    Action.MIRROR_MISS: "files are gone upstream",
    Action.MIRROR_YANK: "yanked upstream",
    Action.MIRROR_CHANGE_STATUS: "another status upstream",
}


def _act(session: Session, mail: Mail) -> EmailMessage | None:
    event, user = _read(session, mail)
    if event is None or user is None or event.package_id is None:
        return None
    decision = decision_of(event)
    try:
        get_note(session, user, decision.note_id or 0)
    except UnknownNoteError:
        return None
    subject = " ".join(text for text in (decision.package, decision.about) if text)
    return _message(
        mail,
        f"{subject}: {decision.what}",
        f"{decision.who} {_DID[Action(event.action)]} {subject}: {decision.act}.",
        f"{decision.title or 'Without a title'} (note {decision.note_id})",
        f"{base_url()}/notes/{decision.note_id}",
        package_id=event.package_id,
        user=user,
    )


def _upload(session: Session, mail: Mail) -> EmailMessage | None:
    event, user = _read(session, mail)
    if event is None or user is None or event.package_id is None:
        return None
    version = event.data["version"]
    later = select(Event).where(
        Event.package_id == event.package_id,
        Event.action == Action.FILE_UPLOAD,
        Event.id >= event.id,
    )
    uploads = session.scalars(later.order_by(Event.id))
    files = [one.data["filename"] for one in uploads if one.data["version"] == version]
    names = files[:MAX_FILES] + ([f"and {len(files) - MAX_FILES} more"] * (len(files) > MAX_FILES))
    return _message(
        mail,
        f"{event.package_id} {version}: new files",
        f"{event.actor_name} uploaded to {event.package_id} {version}:",
        "\n".join(names),
        f"{base_url()}/project/{event.package_id}/{version}/",
        package_id=event.package_id,
        user=user,
    )


def _upstream(session: Session, mail: Mail) -> EmailMessage | None:
    event, user = _read(session, mail)
    if event is None or user is None or event.package_id is None:
        return None
    said = event.data
    if event.action == Action.MIRROR_CHANGE_STATUS:
        names = [f"{said.get('before')} before, {said.get('after')} now"]
    else:
        names = said.get("filenames") or said.get("versions") or [said.get("filename")]
    more = [f"and {len(names) - MAX_FILES} more"] * (len(names) > MAX_FILES)
    what = _UPSTREAM[Action(event.action)]
    return _message(
        mail,
        f"{event.package_id}: {what}",
        f"Of {event.package_id}, which is mirrored here: {what}.",
        "\n".join([str(name) for name in names[:MAX_FILES]] + more),
        "What else happens today is on its page.",
        f"{base_url()}/project/{event.package_id}/",
        package_id=event.package_id,
        user=user,
    )


def _release(session: Session, mail: Mail) -> EmailMessage | None:
    event, user = _read(session, mail)
    if event is None or user is None or event.package_id is None:
        return None
    versions = [str(version) for version in event.data["versions"]]
    named = ", ".join(versions[:_NAMED]) + " and more" * (len(versions) > _NAMED)
    more = [f"and {len(versions) - MAX_FILES} more"] * (len(versions) > MAX_FILES)
    return _message(
        mail,
        f"{event.package_id} {named} upstream",
        f"Of {event.package_id}, which is mirrored here, there is upstream now:",
        "\n".join(versions[:MAX_FILES] + more),
        "Its page says whether rules of this index let it through.",
        f"{base_url()}/project/{event.package_id}/",
        package_id=event.package_id,
        user=user,
    )


COMPOSERS: Mapping[str, Composer] = {
    ACT_MAIL: _act,
    UPLOAD_MAIL: _upload,
    UPSTREAM_MAIL: _upstream,
    RELEASE_MAIL: _release,
}


def _read(session: Session, mail: Mail) -> tuple[Event | None, User | None]:
    """The event and who is told of it, if they still want that and the address is still theirs."""
    event = session.get(Event, mail.data["event_id"])
    user = session.get(User, mail.data["user_id"], populate_existing=True)
    if event is None or user is None or event.package_id is None:
        return None, None
    reaches = user.email == mail.recipient and user.email_confirmed_at is not None
    if not reaches or user.disabled_at is not None:
        return None, None
    if session.get(Package, event.package_id) is None:
        return None, None
    if not is_told(session, user, event.package_id, coverage_of(event.action)):
        return None, None
    return event, user


def _message(
    mail: Mail, subject: str, *paragraphs: str, package_id: str, user: User
) -> EmailMessage:
    link = unsubscribe_address(user.id, package_id)
    paragraphs = (*paragraphs, f"You are told because you watch it. To stop that: {link}")
    texts = [
        "\n".join(
            fill(line, 72, break_long_words=False, break_on_hyphens=False)
            for line in text.splitlines()
        )
        for text in paragraphs
    ]
    head = f"[{urlsplit(base_url()).netloc}] {subject}"
    # Versions of imported packages and ranges are texts of others; a subject is one line.
    message = plain_message(mail.recipient, " ".join(head.split()), "\n\n".join(texts) + "\n")
    message["List-Unsubscribe"] = f"<{link}>"
    return message
