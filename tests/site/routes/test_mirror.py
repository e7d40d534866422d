"""The pages of the mirror: rules, and exceptions that somebody asks for and somebody decides on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_token, make_user
from tests.helpers.browsing import Browser, csrf_token_of
from tests.helpers.mirrored import add_mirrored_file
from tests.helpers.notes import make_note
from tests.helpers.packages import add_package, add_release
from tests.helpers.upstream_pages import mirror, upstream_file
from werkzeug.test import TestResponse

from packslip.accounts.models import Role, Scope
from packslip.db import write_transaction
from packslip.events.models import Action, Event
from packslip.mirror.alarm_models import MirrorAlarm
from packslip.mirror.rule_models import MirrorRule
from packslip.mirror.rule_operations import add_rule
from packslip.mirror.rules import Kind, Rule
from packslip.mirror.verdict import judged
from packslip.notes.models import Note, NoteComment, Visibility
from packslip.packages.models import Origin, Package

WEEK = Rule(kind=Kind.COOLDOWN, days=7)


def add_young(session: Session) -> None:
    """A mirrored package whose release came just now, and a rule against that."""
    package = add_package(session, "demo", origin="mirrored")
    release = add_release(session, package, "2.0")
    add_mirrored_file(session, release, "demo-2.0.tar.gz", datetime.now(UTC))
    with write_transaction(session):
        add_rule(session, ACTOR, None, WEEK)


def browser(app: Flask, session: Session, name: str, role: Role = Role.MEMBER) -> Browser:
    found = Browser(app)
    found.log_in_as(make_user(session, name, role=role).id)
    return found


def sent(user: Browser, path: str, **values: object) -> TestResponse:
    """The answer to a form that is not on any page."""
    token = csrf_token_of(user.get("/mirror/").text)
    return user.post(path, {"csrf_token": token} | values)


def is_withheld(session: Session) -> bool:
    session.rollback()
    return bool(judged(session, "demo", datetime.now(UTC))[0])


def ask(member: Browser, session: Session) -> Note:
    page = member.get("/project/demo/").text
    assert "by a rule of this index (younger than 7 days): demo 2.0" in page
    assert 'href="/mirror/ask/demo?version=2.0"' in page
    answer = member.submit("/mirror/ask/demo?version=2.0", why="A hole is mended in it.")
    assert answer.status_code == 303
    session.rollback()
    return session.scalars(select(Note).order_by(Note.id.desc()).limit(1)).one()


def test_a_member_asks_and_a_curator_approves(app: Flask, session: Session) -> None:
    add_young(session)
    member = browser(app, session, "ada")
    note = ask(member, session)
    told = (note.visibility, note.package_id, note.version_range, note.act)
    assert told == (Visibility.TEAM, "demo", "==2.0", "none")
    path = f"/mirror/requests/{note.id}"
    assert "Exception asked for: demo ==2.0" in member.get("/mirror/").text
    assert member.get(path).status_code == 403
    assert member.post(f"{path}/approve", {"days": "30"}).status_code in {400, 403}
    assert is_withheld(session)
    curator = browser(app, session, "grace", Role.CURATOR)
    assert curator.submit(path, f"{path}/approve", days="400").status_code == 400
    assert curator.submit(path, f"{path}/approve", days="3").status_code == 303
    assert not is_withheld(session)
    rule = session.scalars(select(MirrorRule).where(MirrorRule.kind == Kind.EXCEPTION)).one()
    assert (rule.note_id, rule.version_range, rule.lifts_deny) == (note.id, "==2.0", False)
    assert rule.expires_at is not None
    assert timedelta(days=2) < rule.expires_at - datetime.now(UTC) < timedelta(days=4)
    assert session.scalars(select(NoteComment.body)).one().startswith("Approved for ==2.0 until")
    assert curator.get(path).status_code == 404
    ending = f"/mirror/exceptions/{rule.id}/end"
    assert member.post(ending).status_code in {400, 403}
    assert curator.submit(ending).status_code == 303
    assert is_withheld(session)


def test_a_curator_declines_with_a_comment(app: Flask, session: Session) -> None:
    add_young(session)
    note = ask(browser(app, session, "ada"), session)
    curator, path = browser(app, session, "grace", Role.CURATOR), f"/mirror/requests/{note.id}"
    assert curator.submit(path, f"{path}/decline", why="").status_code == 400
    assert curator.submit(path, f"{path}/decline", why="Wait.").status_code == 303
    assert is_withheld(session)
    assert session.scalars(select(NoteComment.body)).one() == "Declined: Wait."
    declined = select(Event).where(Event.action == Action.EXCEPTION_DECLINE)
    assert session.scalars(declined).one().data["note_id"] == note.id
    assert "Declined by grace" in curator.get("/mirror/").text


def test_what_is_approved_is_what_was_read(app: Flask, session: Session) -> None:
    add_young(session)
    note = ask(browser(app, session, "ada"), session)
    curator, path = browser(app, session, "grace", Role.CURATOR), f"/mirror/requests/{note.id}"
    answer = curator.submit(path, f"{path}/approve", edition="7")
    assert answer.status_code == 409
    assert is_withheld(session)


def test_only_shared_notes_with_the_tag_on_mirrored_packages_are_requests(
    app: Flask, session: Session
) -> None:
    add_young(session)
    add_package(session, "hosted")
    ada = make_user(session)
    body, team = "#rule-exception", Visibility.TEAM
    make_note(session, ada, "Mine alone", body=body, package="demo")
    make_note(session, ada, "On a hosted one", body=body, package="hosted", visibility=team)
    make_note(session, ada, "Without the tag", package="demo", visibility=team)
    make_note(session, ada, "By hand", body=body, package="demo", visibility=team)
    page = browser(app, session, "grace", Role.CURATOR).get("/mirror/").text
    assert "By hand" in page
    assert not {one for one in ("Mine alone", "hosted one", "Without the") if one in page}
    assert "By hand" not in Browser(app).get("/mirror/").text
    assert browser(app, session, "mary").get("/mirror/ask/hosted").status_code == 403


def test_admins_add_change_and_remove_rules(app: Flask, session: Session) -> None:
    add_young(session)
    admin = browser(app, session, "root", Role.ADMIN)
    values = {"kind": "deny", "packages": "evil-*,\n!evil-good", "licenses": "AGPL-*"}
    assert admin.submit("/admin/mirror/", kind="deny").status_code == 400
    assert admin.submit("/admin/mirror/", **values).status_code == 303
    text = "Refuse files of evil-* but evil-good under the licence AGPL-*."
    assert text in admin.get("/mirror/").text
    assert admin.submit("/admin/mirror/1/", days="1").status_code == 303
    assert "for 1 day after" in admin.get("/admin/mirror/").text
    assert admin.submit("/admin/mirror/1/remove").status_code == 303
    assert not is_withheld(session)
    curator = browser(app, session, "grace", Role.CURATOR)
    assert curator.get("/admin/mirror/").status_code == 403


def test_programs_change_rules_with_a_token_for_that(app: Flask, session: Session) -> None:
    admin = make_user(session, role=Role.ADMIN)
    member = make_user(session, "mary")
    client, path = app.test_client(), "/api/v1/mirror/rules"
    new = {"kind": "cooldown", "days": 7, "packages": ["*", "!acme-*"]}
    words = "Withhold files of all packages but acme-* for 7 days after their upload."
    for user, values, status in (
        (admin, {"scope": Scope.NOTES}, 403),
        (admin, {"scope": Scope.MIRROR, "packages": ["demo"]}, 403),
        (member, {"scope": Scope.MIRROR}, 403),
    ):
        _, secret = make_token(session, user, **values)
        headers = {"Authorization": f"Bearer {secret}"}
        assert client.post(path, json=new, headers=headers).status_code == status
    _, secret = make_token(session, admin, scope=Scope.MIRROR)
    headers = {"Authorization": f"Bearer {secret}"}
    made = client.post(path, json=new, headers=headers)
    assert made.status_code == 201
    assert made.json["text"] == words
    one = f"{path}/{made.json['id']}"
    refused = client.put(one, json={**new, "days": 0}, headers=headers)
    assert (refused.status_code, refused.json["field"]) == (400, "days")
    assert client.put(one, json={**new, "days": 3}, headers=headers).json["days"] == 3
    assert [rule["days"] for rule in client.get(path).json["rules"]] == [3]
    assert client.delete(one, headers=headers).status_code == 204
    assert client.get(one).status_code == 404


def test_curators_make_a_note_of_what_upstream_changed_once(app: Flask, session: Session) -> None:
    file = upstream_file("demo-1.0.tar.gz")
    mirror(session, "demo", file)
    mirror(session, "demo", replace(file, digests={"sha256": "f" * 64}))
    title = "demo 1.0: a file&#39;s bytes changed upstream"
    member = browser(app, session, "ada")
    assert title not in member.get("/mirror/").text
    assert "to look into" not in member.get("/project/demo/").text
    curator = browser(app, session, "grace", Role.CURATOR)
    assert title in curator.get("/mirror/").text
    assert "1 to look into" in curator.get("/project/demo/").text
    alarm = session.scalars(select(MirrorAlarm)).one()
    note, dismiss = (f"/mirror/alarms/{alarm.id}/{verb}" for verb in ("note", "dismiss"))
    assert sent(member, note, event=alarm.event_id).status_code == 403
    assert sent(curator, note, event=alarm.event_id - 1).status_code == 409
    made = curator.submit("/mirror/", note)
    assert made.status_code == 303
    assert made.location.endswith("/edit")
    assert sent(curator, dismiss, event=alarm.event_id).status_code == 404
    session.rollback()
    found = session.scalars(select(Note)).one()
    assert (found.title, found.visibility) == (title.replace("&#39;", "'"), Visibility.TEAM)
    assert (found.package_id, found.version_range, found.act) == ("demo", "==1.0", "none")
    mirror(session, "demo", replace(file, digests={"sha256": "f" * 64}, yanked=""))
    assert curator.submit("/mirror/", f"/mirror/alarms/{alarm.id + 1}/dismiss").status_code == 303
    session.rollback()
    dismissed = select(Event).where(Event.action == Action.ALARM_DISMISS)
    assert session.scalars(dismissed).one().actor_name == "grace"
    assert "Changed upstream" not in curator.get("/mirror/").text


def test_an_admin_takes_a_name_over_after_a_page_that_says_what_goes(
    app: Flask, session: Session
) -> None:
    mirror(session, "demo", upstream_file("demo-1.0.tar.gz"))
    make_user(session, "ada")
    address = "/admin/mirror/claim"
    curator = browser(app, session, "grace", Role.CURATOR)
    assert curator.get(address).status_code == 403
    admin = browser(app, session, "eve", Role.ADMIN)
    assert 'href="/admin/mirror/claim?name=demo"' in admin.get("/project/demo/settings/").text
    assert admin.submit(address, address, name="demo", owner="nobody").status_code == 400
    page = admin.submit(address, address, name="Demo", owner="ada")
    assert "All releases of it that came from upstream go" in page.text
    assert session.get_one(Package, "demo").origin == Origin.MIRRORED
    assert sent(admin, address, name="Demo", owner="ada", do="claim").status_code == 303
    session.rollback()
    assert session.get_one(Package, "demo").origin == Origin.HOSTED
    assert "hosted here already" in admin.submit(address, address, name="demo", owner="ada").text
