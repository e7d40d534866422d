"""The settings and rules of the site on a page."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from tests.helpers.admins import Desk, make_desk
from tests.helpers.app import make_app

from packslip.accounts.policies import SecondFactorPolicy, second_factor_policy
from packslip.db import db, write_transaction
from packslip.events.models import Event
from packslip.settings import SETTINGS

PATH = "/admin/settings/"


def test_every_setting_is_shown_with_its_origin_and_without_secrets(
    tmp_path: Path, database_url: str
) -> None:
    app = make_app(
        tmp_path,
        database_url,
        SECRET_KEY="hush-hush",
        PACKSLIP_SMTP_URL="smtp://ada:hush@mail.example.com",
        PACKSLIP_CONTACT="<the desk>",
    )
    with app.app_context():
        page = html.unescape(make_desk(app, db.session()).open(PATH))
    for setting in SETTINGS:
        assert f"PACKSLIP_{setting.name.upper()}<" in page
    assert "hush" not in page
    assert "smtp://ada:*****@mail.example.com" in page
    assert "the program: PACKSLIP_CONTACT" in page
    assert "default" in page


def test_the_rule_for_second_factors_is_changed(desk: Desk) -> None:
    answer = desk.submit(PATH, PATH, second_factor="all")
    assert answer.status_code == 400
    assert "Add a second factor to your own account" in answer.text
    assert second_factor_policy(desk.session) is SecondFactorPolicy.NOBODY
    with write_transaction(desk.session):
        desk.grace.totp_confirmed_at = datetime.now(UTC)
    assert desk.submit(PATH, PATH, second_factor="all").status_code == 303
    assert second_factor_policy(desk.session) is SecondFactorPolicy.ALL
    page = desk.open(PATH)
    assert re.search(r'<input checked [^>]*value="all"', page)
    event = desk.session.scalars(select(Event).order_by(Event.id.desc()).limit(1)).one()
    assert (event.action, event.actor_name) == ("policy.change", "grace")
    assert (event.data["before"], event.data["after"]) == ("nobody", "all")
    assert "second-factor from nobody to all" in desk.open("/admin/events")


def test_another_rule_is_refused(desk: Desk) -> None:
    assert desk.submit(PATH, PATH, second_factor="some").status_code == 400
    assert second_factor_policy(desk.session) is SecondFactorPolicy.NOBODY
