"""What needs an admin."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.helpers.accounts import make_token, make_user
from tests.helpers.admins import Desk
from tests.helpers.app import make_app
from tests.helpers.packages import add_releases

from packslip.accounts.login_sessions import start_login_session
from packslip.accounts.models import Role
from packslip.accounts.site_roles import disable_user
from packslip.db import db, write_transaction
from packslip.events.operations import Actor


def warnings(page: str) -> list[str]:
    found = re.findall(r'<p class="banner">(.*?)</p>', page, re.DOTALL)
    return [html.unescape(text) for text in found]


def test_what_there_is_is_counted(desk: Desk) -> None:
    bob = make_user(desk.session, "bob", role=Role.ADMIN)
    add_releases(desk.session, "demo", {"1.0": ["demo-1.0.tar.gz"], "2.0": []}, owner=bob)
    make_token(desk.session, bob)
    with write_transaction(desk.session):
        disable_user(desk.session, Actor.command(), bob)
    page = desk.open("/admin/")
    facts = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page))
    told = {name: re.sub("<[^>]+>", "", text) for name, text in facts.items()}
    assert told["Users"] == "2, 1 of them disabled"
    assert told["Admins"] == "1"
    assert told["Invitations"] == "0 open"
    assert (told["Sessions"], told["Tokens that work"]) == ("1", "1")
    assert (told["Packages"], told["Releases"], told["Files"]) == ("1", "2", "1")
    assert "at revision 0" in told["Database"]


Open = Callable[..., list[str]]


@pytest.fixture
def open_with(tmp_path: Path, database_url: str) -> Open:
    """Gives the warnings that an admin sees at an address, of an index with other settings."""

    def open_with(address: str, **settings: str) -> list[str]:
        app = make_app(tmp_path, database_url, **settings)
        with app.app_context():
            session, client = db.session(), app.test_client()
            user = make_user(session, role=Role.ADMIN)
            with write_transaction(session):
                secret = start_login_session(session, user, ip_address=None, user_agent="")
            with client.session_transaction(base_url=address) as cookie:
                cookie["login"] = secret
            return warnings(client.get("/admin/", base_url=address).text)

    return open_with


def test_an_index_that_is_not_set_up_well_says_so(open_with: Open) -> None:
    found = open_with("https://other.example.com/")
    assert len(found) == 4
    assert "another address than http://packages.example.com," in found[0]
    assert "unencrypted" in found[1]
    assert "PACKSLIP_SMTP_URL" in found[2]
    assert "PACKSLIP_CONTACT" in found[2]
    assert found[3] == "Admins without a second factor: 1 of 1."


def test_an_index_that_is_set_up_well_is_quiet(open_with: Open) -> None:
    found = open_with(
        "https://packages.example.com:443/",
        PACKSLIP_BASE_URL="https://packages.example.com",
        PACKSLIP_SMTP_URL="smtp://127.0.0.1:1",
    )
    assert found == ["Admins without a second factor: 1 of 1."]
