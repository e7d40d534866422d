"""Inviting people on a page."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.admins import Desk, make_desk
from tests.helpers.app import make_app
from tests.helpers.mail import deliver, mailbox, text_of
from tests.helpers.mail import link_in as link_of

from packslip.accounts.models import Invitation, Role
from packslip.db import db, write_transaction
from packslip.mail.models import Mail

PATH = "/admin/invitations/"
LINK = re.compile(r"http://packages\.example\.com(/account/register\?invitation=[\w-]+)")


def link_in(text: str) -> str:
    found = LINK.search(text)
    assert found is not None, text
    return found[1]


def all_invitations(session: Session) -> list[Invitation]:
    session.rollback()
    return list(session.scalars(select(Invitation).order_by(Invitation.id)))


def test_an_invitation_is_made_and_its_link_shown_once(app: Flask, desk: Desk) -> None:
    answer = desk.submit(PATH, PATH, email="bob@example.com", role="curator", days="3")
    assert answer.status_code == 200
    link = link_in(answer.text)
    (invitation,) = all_invitations(desk.session)
    assert (invitation.email, invitation.role) == ("bob@example.com", "curator")
    assert timedelta(days=2) < invitation.expires_at - datetime.now(UTC) < timedelta(days=3)
    page = desk.open(PATH)
    assert link not in page
    assert "bob@example.com" in page
    assert '<span class="done">open</span>' in page
    assert app.test_client().get(link).status_code == 200


def test_faults_are_shown_at_their_fields(desk: Desk) -> None:
    make_user(desk.session, "bob")
    for values, fault in (
        ({"email": "nobody"}, "That is no e-mail address."),
        ({"email": "bob@example.com"}, "The e-mail address is taken."),
        ({"days": "0"}, "1 to 90 days"),
        ({"days": "many"}, "Not a valid integer"),
        ({"role": "owner"}, "Not a valid choice"),
    ):
        answer = desk.submit(PATH, PATH, **values)
        assert answer.status_code == 400, values
        assert fault in answer.text
        assert 'aria-invalid="true"' in answer.text
    assert all_invitations(desk.session) == []


def test_an_invitation_is_withdrawn(app: Flask, desk: Desk) -> None:
    link = link_in(desk.submit(PATH, PATH).text)
    (invitation,) = all_invitations(desk.session)
    revoke = f"{PATH}{invitation.id}/revoke"
    assert desk.submit(PATH, revoke).status_code == 303
    assert all_invitations(desk.session) == []
    assert app.test_client().get(link).status_code == 404
    assert "The invitation is withdrawn." in desk.open(PATH)
    token = re.search(r'name="csrf_token" value="([^"]+)"', desk.open(PATH))
    assert token is not None
    assert desk.browser.get(revoke).status_code == 405
    for gone in (revoke, f"{PATH}{10**30}/revoke"):
        answer = desk.browser.post(gone, {"csrf_token": token[1]})
        assert answer.status_code == 404


def test_the_list_tells_what_became_of_invitations(desk: Desk) -> None:
    bob = make_user(desk.session, "bob")
    gone = make_user(desk.session, "gone")
    now = datetime.now(UTC)
    day = timedelta(days=1)
    states = (
        {"used_at": now, "user_id": bob.id},
        {"expires_at": now - day},
        {"invited_by_id": gone.id},
    )
    with write_transaction(desk.session):
        for number, values in enumerate(states):
            given = {"expires_at": now + day, "invited_by_id": desk.grace.id, **values}
            desk.session.add(Invitation(role=Role.MEMBER, hashed_secret=f"{number}" * 64, **given))
    page = desk.open(PATH)
    found = re.findall(r'<span class="version">(.*?)</span>', page)
    assert found == ["void: who made it is no admin any more", "expired", "used"]
    assert "/admin/users/bob/" in page
    assert len(re.findall("/revoke", page)) == 2


def test_where_registration_is_closed_nobody_is_invited(tmp_path: Path, database_url: str) -> None:
    app = make_app(tmp_path, database_url, PACKSLIP_REGISTRATION="closed")
    with app.app_context():
        desk = make_desk(app, db.session())
        page = desk.open(PATH)
        assert "Registration is closed" in page
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token is not None
        answer = desk.browser.post(
            PATH, {"csrf_token": token[1], "role": "admin", "days": "7", "email": ""}
        )
        assert answer.status_code == 400
        assert all_invitations(desk.session) == []


def test_an_invitation_is_sent_where_mail_can_be_sent(tmp_path: Path, database_url: str) -> None:
    with mailbox() as box:
        app = make_app(tmp_path, database_url, PACKSLIP_SMTP_URL=box.url)
        with app.app_context():
            session: Session = db.session()
            desk = make_desk(app, session)
            answer = desk.submit(PATH, PATH, email="bob@example.com", role="curator")
            link = link_in(answer.text)
            assert "on its way to bob@example.com" in answer.text
            (mail,) = session.scalars(select(Mail))
            assert link.rpartition("=")[2] not in str(mail.data)
            desk.submit(PATH, PATH, email="eve@example.com")
            withdrawn = all_invitations(session)[-1]
            desk.submit(PATH, f"{PATH}{withdrawn.id}/revoke")
        deliver(app)
        (message,) = box.wait()
    assert message["X-To"] == "bob@example.com"
    assert link_of(message) == link
    assert "grace invites you" in text_of(message)
    assert "as curator" in " ".join(text_of(message).split())
