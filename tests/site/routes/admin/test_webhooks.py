"""Webhooks: who adds them, what of them is shown, and how messages go again."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.browsing import Browser
from tests.helpers.distributions import build_wheel
from tests.helpers.publishing import put
from tests.helpers.receiver import receiver

from packslip.accounts.models import Role
from packslip.cli import packslip
from packslip.subscriptions.models import Webhook, WebhookDelivery
from packslip.subscriptions.sender import current_deliverer
from packslip.web.context import current_storage


def test_an_admin_adds_a_webhook_and_sees_what_was_sent(
    app: Flask, session: Session, tmp_path: Path
) -> None:
    root = make_user(session, "root", role=Role.ADMIN)
    bob = make_user(session, "bob")
    member, admin = Browser(app), Browser(app)
    member.log_in_as(bob.id)
    admin.log_in_as(root.id)
    assert member.get("/admin/webhooks/").status_code == 403
    for wrong in ({"url": "ftp://example.com"}, {"url": "https://example.com/", "events": "x"}):
        assert admin.submit("/admin/webhooks/", **wrong).status_code == 400
    with receiver(500, 204) as told:
        answer = admin.submit(
            "/admin/webhooks/", url=told.url, events="file.upload", allow_private="y"
        )
        secret = answer.text.partition("whsec_")[2].partition("<")[0].strip()
        assert len(secret) == 44
        session.rollback()
        put(session, current_storage(), build_wheel(tmp_path, "demo", "1.0"))
        assert current_deliverer().send_due() == 0
        page = admin.get("/admin/webhooks/1/").text
        assert "answered 500" in page
        assert "file.upload demo" in page
        admin.submit("/admin/webhooks/1/", "/admin/webhooks/1/deliveries/1/redeliver")
        assert current_deliverer().send_due() == 1
        assert told.messages[-1].is_signed_with(f"whsec_{secret}")
        admin.submit("/admin/webhooks/1/", "/admin/webhooks/1/test")
        assert current_deliverer().send_due() == 1
        admin.submit("/admin/webhooks/1/", "/admin/webhooks/1/switch")
        assert "Send a test" not in admin.get("/admin/webhooks/1/").text
        put(session, current_storage(), build_wheel(tmp_path, "demo", "2.0"))
        assert current_deliverer().send_due() == 0
    for path in ("/admin/webhooks/", "/admin/webhooks/1/", "/admin/events", "/admin/events.jsonl"):
        assert secret not in admin.get(path).text
    assert "switched the webhook 1 off" in admin.get("/admin/events").text
    admin.submit("/admin/webhooks/1/", "/admin/webhooks/1/remove")
    session.rollback()
    assert session.scalars(select(WebhookDelivery)).all() == []


def test_webhooks_are_looked_after_by_commands(app: Flask, session: Session) -> None:
    runner, group = app.test_cli_runner(), packslip.commands["webhook"]
    with receiver(204, 500) as told:
        added = runner.invoke(group, ["add", told.url, "--allow-private", "--event", "act.begin"])
        assert added.stdout.startswith("whsec_")
        assert "whsec_" not in runner.invoke(group, ["list", "--json"]).output
        assert runner.invoke(group, ["test", "1"]).output == "taken: 204\n"
        assert "answered 500" in str(runner.invoke(group, ["test", "1"]).exception)
        assert "delivered" in runner.invoke(group, ["deliveries", "1"]).output
    assert runner.invoke(group, ["remove", "1"]).exit_code == 0
    session.rollback()
    assert session.scalars(select(Webhook)).all() == []
