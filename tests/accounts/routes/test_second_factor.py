"""The pages about second factors, and the log-in that asks for one; no page needs a script."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.app import make_app
from tests.helpers.browsing import Browser, forms_of
from tests.helpers.second_factors import Authenticator, add_authenticator
from tests.helpers.security_keys import SoftKey
from werkzeug.test import TestResponse

from packslip.accounts.models import LoginSession, User
from packslip.accounts.passwords import hash_password
from packslip.accounts.second_factors import has_second_factor
from packslip.db import db, write_transaction
from packslip.events.models import Action, Event

PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD)

PAGE = "/account/second-factor/"
ASK = "/account/login/second-factor"
PASSKEY = "/account/login/passkey"


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Flask]:
    """An index at an address at which browsers allow keys."""
    app = make_app(tmp_path, database_url, PACKSLIP_BASE_URL="http://localhost")
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def user(site: Flask) -> User:
    return make_user(db.session(), hashed_password=HASH)


@pytest.fixture
def browser(site: Flask) -> Browser:
    return Browser(site)


def session() -> Session:
    db.session().rollback()
    return db.session()


def give_password(browser: Browser) -> TestResponse:
    return browser.submit("/account/login", username="ada", password=PASSWORD)


def is_logged_in(browser: Browser) -> bool:
    return "Log out" in browser.get(PAGE, follow_redirects=True).text


def shown(page: TestResponse) -> str:
    """What stands in the page's one `pre`."""
    match = re.search(r"<pre[^>]*>(.*?)</pre>", page.text, re.DOTALL)
    assert match is not None
    return match[1]


def options(browser: Browser, page: str, path: str) -> dict[str, Any]:
    """Ask for what a key needs, as the script does."""
    token = forms_of(browser.get(page).text)[-1].fields["csrf_token"]
    answer = browser.post(path, headers={"X-CSRFToken": token, "Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = json.loads(answer.text)
    return found


def add_key(browser: Browser) -> SoftKey:
    key = SoftKey("http://localhost")
    made = key.make(options(browser, PAGE, f"{PAGE}keys/options"))
    added = browser.submit(PAGE, f"{PAGE}keys", name="red one", credential=made)
    assert "Your recovery codes" in added.text
    return key


def grow_old(**values: datetime) -> None:
    with write_transaction(session()) as transaction:
        values = values or {"created_at": datetime.now(UTC) - timedelta(minutes=16)}
        transaction.execute(update(LoginSession).values(**values))


def last_event() -> Event:
    found = session().scalars(select(Event).order_by(Event.id.desc())).first()
    assert found is not None
    return found


def test_an_authenticator_is_added_proved_and_asked(user: User, browser: Browser) -> None:
    assert give_password(browser).location == "/"
    page = browser.submit(PAGE, f"{PAGE}authenticator")
    assert "otpauth://totp/" in page.text
    assert "style=" not in page.text
    device = Authenticator(shown(page))
    form = forms_of(page.text)[-1]
    again = browser.post(form.action, {**form.fields, "code": "000"})
    assert again.status_code == 400
    assert shown(again) == shown(page)
    assert not has_second_factor(session(), user)
    added = browser.post(form.action, {**form.fields, "code": device.code()})
    codes = shown(added).split()
    assert len(codes) == 10
    assert added.headers["Cache-Control"] == "no-store"
    assert codes[0] not in browser.get(PAGE).text

    browser = Browser(browser.app)
    assert give_password(browser).location == ASK
    assert not is_logged_in(browser)
    assert browser.submit(ASK, code=device.code()).status_code == 403
    event = last_event()
    assert (event.action, event.subject_id, event.actor_id) == (
        Action.USER_LOG_IN_FAIL, user.id, None,
    )  # fmt: skip
    assert browser.submit(ASK, code=device.code(1)).location == "/"
    assert is_logged_in(browser)
    assert last_event().data["method"] == "password and code"


def test_a_recovery_code_lets_in_once_and_the_page_counts(user: User, browser: Browser) -> None:
    _, codes = add_authenticator(session(), user)
    assert give_password(browser).location == ASK
    assert browser.submit(ASK, code=codes[3]).location == "/"
    assert "You have 9 left" in browser.get("/").text
    assert "9 recovery codes left" in browser.get(PAGE).text
    other = Browser(browser.app)
    give_password(other)
    assert other.submit(ASK, code=codes[3]).status_code == 403


def test_without_the_password_first_there_is_nothing_to_ask(user: User, browser: Browser) -> None:
    device, _ = add_authenticator(session(), user)
    assert browser.get(ASK).location == "/account/login"
    token = forms_of(browser.get("/account/login").text)[-1].fields["csrf_token"]
    data = {"csrf_token": token, "code": device.code(1)}
    assert browser.post(ASK, data).location == "/account/login"
    assert browser.post(f"{ASK}/options", headers={"X-CSRFToken": token}).status_code == 403
    give_password(browser)
    with write_transaction(session()) as transaction:
        transaction.get_one(User, user.id).disabled_at = datetime.now(UTC)
    assert browser.get(ASK).location == "/account/login"


def test_too_many_wrong_codes_have_to_wait(user: User, browser: Browser) -> None:
    device, _ = add_authenticator(session(), user)
    give_password(browser)
    fields = forms_of(browser.get(ASK).text)[-1].fields
    statuses = [browser.post(ASK, {**fields, "code": "000000"}).status_code for _ in range(11)]
    assert statuses == [403] * 10 + [429]
    refused = browser.post(ASK, {**fields, "code": device.code(1)})
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60


def test_another_secret_key_is_told_and_leaves_the_recovery_codes(
    user: User, browser: Browser
) -> None:
    device, codes = add_authenticator(session(), user)
    with write_transaction(session()) as transaction:
        # What another key sealed cannot be told from anything else that cannot be read.
        transaction.get_one(User, user.id).totp_secret = "sealed by another key"
    give_password(browser)
    refused = browser.submit(ASK, code=device.code(1))
    assert refused.status_code == 403
    assert "another secret key" in refused.text
    assert browser.submit(ASK, code=codes[0]).location == "/"
    assert "It works no more" in browser.get(PAGE).text


def test_changes_need_the_password_once_the_log_in_is_old(user: User, browser: Browser) -> None:
    give_password(browser)
    fields = forms_of(browser.get(PAGE).text)[-1].fields
    grow_old()
    for path in ("authenticator", "authenticator/confirm", "authenticator/remove", "keys",
                 "keys/1/remove", "recovery-codes"):  # fmt: skip
        assert browser.post(PAGE + path, fields).location == PAGE
    headers = {"X-CSRFToken": fields["csrf_token"], "Accept": "application/json"}
    refused = browser.post(f"{PAGE}keys/options", headers=headers)
    assert (refused.status_code, "password" in json.loads(refused.text)["detail"]) == (403, True)
    assert session().get_one(User, user.id).totp_secret is None
    page = browser.get(PAGE)
    assert "too long ago" in page.text
    assert "Add an authenticator" not in page.text
    assert browser.submit(PAGE, f"{PAGE}password", password="wrong").status_code == 403
    assert browser.submit(PAGE, f"{PAGE}password", password=PASSWORD).location == PAGE
    assert "otpauth" in browser.submit(PAGE, f"{PAGE}authenticator").text


def test_a_key_is_added_and_lets_in_with_the_password_and_alone(
    user: User, browser: Browser
) -> None:
    give_password(browser)
    key = add_key(browser)
    assert "red one" in browser.get(PAGE).text
    browser = Browser(browser.app)
    assert give_password(browser).location == ASK
    signed = key.sign(options(browser, ASK, f"{ASK}/options"))
    assert browser.submit(ASK, credential=signed).location == "/"
    assert last_event().data["method"] == "password and security key"

    browser = Browser(browser.app)
    login = f"/account/login?next={PAGE}"
    signed = key.sign(options(browser, login, f"{PASSKEY}/options"))
    assert browser.submit(login, PASSKEY, credential=signed).location == PAGE
    assert is_logged_in(browser)
    assert last_event().data["method"] == "passkey"


def test_a_signature_serves_one_browser_once(user: User, browser: Browser) -> None:
    give_password(browser)
    key = add_key(browser)
    mine, other = Browser(browser.app), Browser(browser.app)
    login = "/account/login"
    signed = key.sign(options(mine, login, f"{PASSKEY}/options"))
    options(other, login, f"{PASSKEY}/options")
    for reason in ("a wrong signature", "an expired challenge"):
        assert other.submit(login, PASSKEY, credential=signed).location == login
        assert last_event().data == {"method": "passkey", "reason": reason}
    assert "was not accepted" in other.get(login).text
    assert mine.submit(login, PASSKEY, credential=signed).location == "/"
    assert not is_logged_in(other)


def test_options_and_answers_need_the_token_of_the_session(user: User, browser: Browser) -> None:
    give_password(browser)
    for path in (f"{PASSKEY}/options", PASSKEY, f"{ASK}/options", ASK, f"{PAGE}keys/options"):
        assert browser.post(path).status_code == 400


def test_a_removed_factor_is_not_asked_for(user: User, browser: Browser) -> None:
    give_password(browser)
    add_key(browser)
    key_id = re.findall(r"keys/(\d+)/remove", browser.get(PAGE).text)[0]
    assert browser.submit(PAGE, f"{PAGE}keys/{key_id}/remove").location == PAGE
    assert "red one" not in browser.get(PAGE).text
    assert is_logged_in(browser)
    assert give_password(Browser(browser.app)).location == "/"


def test_a_key_without_a_name_or_an_answer_is_a_fault_of_the_form(
    user: User, browser: Browser
) -> None:
    give_password(browser)
    made = SoftKey("http://localhost").make(options(browser, PAGE, f"{PAGE}keys/options"))
    nameless = browser.submit(PAGE, f"{PAGE}keys", name=" ", credential=made)
    assert nameless.status_code == 400
    assert 'id="name-fault"' in nameless.text
    for answer in ("", "{}", "[" * 10000):
        refused = browser.submit(PAGE, f"{PAGE}keys", name="x", credential=answer)
        assert refused.status_code == 400
        assert "could not be added" in refused.text


def test_where_browsers_allow_no_keys_the_page_says_so(app: Flask) -> None:
    ada = make_user(db.session(), hashed_password=HASH)
    browser = Browser(app)
    assert "passkey" not in browser.get("/account/login").text
    browser.log_in_as(ada.id)
    page = browser.get(PAGE)
    assert "PACKSLIP_BASE_URL" in page.text
    assert "http://packages.example.com" in page.text
    fields = forms_of(page.text)[-1].fields
    headers = {"X-CSRFToken": fields["csrf_token"]}
    for path in (f"{PAGE}keys/options", f"{PASSKEY}/options"):
        assert browser.post(path, headers=headers).status_code == 400


def test_without_scripts_no_button_promises_a_key(user: User, browser: Browser) -> None:
    give_password(browser)

    class Forms(HTMLParser):
        hidden = 0

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag == "form" and "data-keys" in dict(attrs):
                assert "hidden" in dict(attrs)
                self.hidden += 1

    parser = Forms()
    parser.feed(browser.get(PAGE).text)
    assert parser.hidden == 1
    assert "needs JavaScript" in browser.get(PAGE).text
