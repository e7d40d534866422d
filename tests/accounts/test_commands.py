import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_token, make_user
from tests.helpers.app import make_app
from tests.helpers.databases import SQLiteDatabases

from packslip.accounts import commands, queries
from packslip.accounts.invitations import UselessInvitationError, find_invitation
from packslip.accounts.login_sessions import start_login_session
from packslip.accounts.models import LoginSession, Role, Token
from packslip.accounts.operations import UsernameTakenError
from packslip.accounts.passwords import (
    CommonPasswordError,
    PasswordLengthError,
    hash_password,
    verify_password,
)
from packslip.accounts.queries import (
    NoTokenError,
    UnknownSecretError,
    UnknownTokenError,
    UnknownUserError,
)
from packslip.accounts.site_roles import LastAdminError
from packslip.accounts.tokens import looks_like_token, new_secret
from packslip.cli import packslip
from packslip.db import write_transaction
from packslip.errors import InvalidError
from packslip.events.models import Event

CREATE = ("user", "create", "Ada", "--email", "ada@example.com")


@pytest.fixture
def run(app: Flask) -> Callable[..., Result]:
    """Runs the command within the test's application."""
    runner = app.test_cli_runner()

    def run(*arguments: str, stdin: bytes = b"") -> Result:
        group = packslip.commands[arguments[0]]
        return runner.invoke(group, arguments[1:], input=io.BytesIO(stdin))

    return run


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits at standard input."""
    monkeypatch.setattr(commands, "is_interactive", lambda: True)


Run = Callable[..., Result]


def test_a_user_is_created_with_the_password_from_standard_input(
    run: Run, session: Session
) -> None:
    result = run(
        *CREATE, "--admin", "--name", "Ada L.", "--password-stdin", stdin=b"p w\xc3\xa9 1234567\n"
    )
    assert (result.exit_code, result.output) == (0, "Created the user ada.\n")
    user = queries.get_user(session, "ada")
    assert verify_password(user.hashed_password, "p wé 1234567")
    assert (user.role, user.name, user.email) == (Role.ADMIN, "Ada L.", "ada@example.com")
    event = session.scalars(select(Event)).one()
    assert (event.action, event.actor_name) == ("user.create", "command line")


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_only_the_end_of_the_line_is_taken_off_a_password(
    run: Run, session: Session, ending: bytes
) -> None:
    run(*CREATE, "--password-stdin", stdin=b" with spaces  " + ending)
    user = queries.get_user(session, "ada")
    assert verify_password(user.hashed_password, " with spaces  ")


def test_a_password_that_is_not_utf8_is_refused(run: Run, session: Session) -> None:
    result = run(*CREATE, "--password-stdin", stdin=b"\xff" * 12)
    assert isinstance(result.exception, InvalidError)
    assert queries.list_users(session) == []


def test_a_short_password_is_refused(run: Run) -> None:
    result = run(*CREATE, "--password-stdin", stdin=b"short\n")
    assert isinstance(result.exception, PasswordLengthError)


def test_a_taken_username_is_told(run: Run, session: Session) -> None:
    make_user(session, "ada", email="other@example.com")
    result = run(*CREATE, "--password-stdin", stdin=b"long enough 1234")
    assert isinstance(result.exception, UsernameTakenError)


@pytest.mark.usefixtures("terminal")
def test_a_person_is_asked_twice(run: Run, session: Session) -> None:
    result = run(*CREATE, stdin=b"long enough 1234\nlong enough 1234\n")
    assert result.exit_code == 0
    assert "long enough" not in result.output
    assert verify_password(queries.get_user(session, "ada").hashed_password, "long enough 1234")


@pytest.mark.parametrize("arguments", [CREATE, ("user", "set-password", "bob")])
def test_nobody_to_ask_is_wrong_usage_in_one_line(
    run: Run, session: Session, arguments: tuple[str, ...]
) -> None:
    make_user(session, "bob")
    result = run(*arguments, stdin=b"long enough 1234\n")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert re.fullmatch(r"Error: .*--password-stdin.*\n", result.stderr)


def test_a_password_is_set(run: Run, session: Session) -> None:
    make_user(session, "ada", hashed_password=hash_password("the old password"))
    result = run("user", "set-password", "ADA", "--password-stdin", stdin=b"the new password\n")
    assert result.exit_code == 0
    user = queries.get_user(session, "ada")
    assert verify_password(user.hashed_password, "the new password")
    assert not verify_password(user.hashed_password, "the old password")


def test_an_unknown_user_is_told_before_a_password_is_asked(run: Run) -> None:
    result = run("user", "set-password", "nobody")
    assert isinstance(result.exception, UnknownUserError)


def test_a_password_that_is_easy_to_guess_is_refused(run: Run, session: Session) -> None:
    make_user(session, "bob", name="Zebulon Quist")
    for arguments, password in (
        (CREATE, b"password1234"),
        (("user", "set-password", "bob"), b"zebulonquist"),
    ):
        result = run(*arguments, "--password-stdin", stdin=password)
        assert isinstance(result.exception, CommonPasswordError)


def test_the_address_that_the_command_is_given_counts_as_confirmed(
    run: Run, session: Session
) -> None:
    run(*CREATE, "--password-stdin", stdin=b"long enough 1234\n")
    assert queries.get_user(session, "ada").email_confirmed_at is not None


def test_an_invitation_is_a_link_alone_on_standard_output(run: Run, session: Session) -> None:
    result = run("user", "invite", "--email", "bob@example.com", "--role", "curator", "--days", "2")
    assert result.exit_code == 0
    address, _, secret = result.stdout.removesuffix("\n").partition("?invitation=")
    assert address == "http://packages.example.com/account/register"
    invitation = find_invitation(session, secret)
    assert (invitation.email, invitation.role) == ("bob@example.com", "curator")
    assert invitation.invited_by is None
    assert run("user", "invite", "--days", "0").exit_code == 2


def test_nobody_is_invited_to_where_registration_is_closed(
    tmp_path: Path, sqlite_databases: SQLiteDatabases
) -> None:
    url = sqlite_databases.create(tmp_path)
    closed = make_app(tmp_path, url, PACKSLIP_REGISTRATION="closed")
    result = closed.test_cli_runner().invoke(packslip.commands["user"], ["invite"])
    assert isinstance(result.exception, UselessInvitationError)
    assert result.stdout == ""


def test_users_are_listed_without_their_hashes(run: Run, session: Session) -> None:
    make_user(session, "bob", email=None)
    make_user(session, "ada", hashed_password="$argon2id$secret", role=Role.ADMIN)
    users = json.loads(run("user", "list", "--json").stdout)
    assert [(u["username"], u["role"], u["has_password"]) for u in users] == [
        ("ada", "admin", True),
        ("bob", "member", False),
    ]
    lines = run("user", "list").stdout.splitlines()
    assert [line.split("\t")[:4] for line in lines] == [
        ["ada", "", "ada@example.com", "admin"],
        ["bob", "", "", "member"],
    ]
    assert "argon2id" not in run("user", "list", "--json").stdout + "".join(lines)


def test_the_list_of_users_tells_what_concerns_safety(run: Run, session: Session) -> None:
    protected = make_user(session, "ada")
    make_user(session, "bob")
    with write_transaction(session):
        protected.totp_confirmed_at = protected.last_login = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    assert run("user", "disable", "bob").exit_code == 0
    lines = run("user", "list").stdout.splitlines()
    assert [line.split("\t")[4:6] for line in lines] == [["enabled", "yes"], ["disabled", "no"]]
    assert lines[0].endswith("\t2026-01-02 03:04")
    ada, bob = json.loads(run("user", "list", "--json").stdout)
    assert (ada["second_factor"], ada["disabled_at"], ada["last_login"]) == (
        True,
        None,
        "2026-01-02T03:04:00Z",
    )
    assert not bob["second_factor"]
    assert bob["disabled_at"] is not None


def test_users_are_given_a_role_disabled_and_enabled(run: Run, session: Session) -> None:
    user = make_user(session, "bob")
    assert run("user", "role", "BOB", "curator").stdout == "bob is a curator now.\n"
    assert run("user", "disable", "bob").stdout == "bob is disabled.\n"
    assert user.role == Role.CURATOR
    assert user.disabled_at is not None
    assert run("user", "enable", "bob").stdout == "bob is enabled.\n"
    session.rollback()
    assert user.disabled_at is None
    assert run("user", "role", "bob", "owner").exit_code == 2


def test_the_last_admin_is_safe_from_commands_too(run: Run, session: Session) -> None:
    make_user(session, "ada", role=Role.ADMIN)
    assert isinstance(run("user", "disable", "ada").exception, LastAdminError)
    assert isinstance(run("user", "role", "ada", "member").exception, LastAdminError)


def test_a_new_token_stands_alone_on_standard_output(run: Run, session: Session) -> None:
    make_user(session, "ada")
    result = run("token", "create", "--user", "ada")
    assert result.exit_code == 0
    assert result.stdout.endswith("\n")
    assert looks_like_token(result.stdout[:-1])
    token = queries.find_token(session, result.stdout[:-1])
    assert token is not None
    assert (token.scope, token.packages, token.expires_at) == ("upload", None, None)


def test_a_token_can_be_limited(run: Run, session: Session) -> None:
    make_user(session, "ada")
    limits = ("--scope", "read", "--package", "New_One", "--package", "b", "--expires", "30")
    secret = run("token", "create", "--user", "ada", "--name", "CI", *limits).stdout.strip()
    token = queries.find_token(session, secret)
    assert token is not None
    assert (token.scope, token.packages, token.name) == ("read", ["b", "new-one"], "CI")
    assert token.expires_at is not None
    assert (token.expires_at - token.created_at).days in (29, 30)


@pytest.mark.parametrize("option", [("--scope", "admin"), ("--expires", "0"), ("--expires", "x")])
def test_limits_that_make_no_sense_are_wrong_usage(
    run: Run, session: Session, option: tuple[str, str]
) -> None:
    make_user(session, "ada")
    assert run("token", "create", "--user", "ada", *option).exit_code == 2
    assert queries.list_tokens(session) == []


def test_tokens_are_listed_with_their_state_and_without_secrets(run: Run, session: Session) -> None:
    ada, bob = make_user(session, "ada"), make_user(session, "bob")
    token, secret = make_token(session, ada, name="laptop", packages=["a", "b"])
    make_token(session, bob)
    assert run("token", "revoke", str(token.id)).exit_code == 0
    listed = run("token", "list", "--user", "ada", "--json").stdout
    (data,) = json.loads(listed)
    assert (data["id"], data["user"], data["state"]) == (token.id, "ada", "revoked")
    assert secret not in listed
    assert token.hashed_secret not in listed
    assert [data["state"] for data in json.loads(run("token", "list", "--json").stdout)] == [
        "valid",
        "revoked",
    ]
    line = run("token", "list", "--user", "ada").stdout
    assert line == f"{token.id}\tada\tlaptop\tupload\ta, b\trevoked\t\t\t\t\n"


def test_a_revoked_token_is_found_no_more(run: Run, session: Session) -> None:
    token, secret = make_token(session, make_user(session))
    run("token", "revoke", str(token.id))
    assert queries.find_token(session, secret) is None
    assert session.scalars(select(Token)).one().revoked_at is not None


@pytest.mark.parametrize("number", ["7", "0", str(2**63), str(10**30)])
def test_revoking_an_unknown_token_is_told(run: Run, number: str) -> None:
    assert isinstance(run("token", "revoke", number).exception, UnknownTokenError)


def test_a_leaked_token_is_found_and_revoked(run: Run, session: Session) -> None:
    token, secret = make_token(session, make_user(session), name="laptop")
    stdin = f" {secret}\r\n".encode()
    assert run("token", "find", "--secret-stdin", stdin=stdin).stdout == (
        f"{token.id}\tada\tlaptop\tupload\tvalid\n"
    )
    done = run("token", "revoke", "--secret-stdin", stdin=stdin)
    assert done.stdout == f"Revoked the token {token.id}.\n"
    found = run("token", "find", "--secret-stdin", "--json", stdin=stdin).stdout
    assert json.loads(found)["state"] == "revoked"
    assert secret not in found


def test_what_is_no_token_of_this_index_is_told(run: Run) -> None:
    for command in ("find", "revoke"):
        done = run("token", command, "--secret-stdin", stdin=new_secret().encode())
        assert isinstance(done.exception, UnknownSecretError)
        for wrong in (new_secret()[:-1].encode(), b"\xff", b"", b"x" * 100_000):
            done = run("token", command, "--secret-stdin", stdin=wrong)
            assert isinstance(done.exception, NoTokenError)


@pytest.mark.parametrize(
    "arguments", [("find",), ("revoke",), ("revoke", "7", "--secret-stdin"), ("find", "7")]
)
def test_a_token_is_named_in_one_way(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("token", *arguments, stdin=b"x").exit_code == 2


def test_all_sessions_of_a_user_are_ended(run: Run, session: Session) -> None:
    ada, bob = make_user(session, "ada"), make_user(session, "bob")
    with write_transaction(session):
        for user in (ada, bob, ada):
            start_login_session(session, user, ip_address="192.0.2.7", user_agent="x")
    assert run("user", "log-out", "ada").stdout == "Ended 2 sessions of ada.\n"
    assert run("user", "log-out", "ada").stdout == "Ended 0 sessions of ada.\n"
    session.rollback()
    assert [login.user.username for login in session.scalars(select(LoginSession))] == ["bob"]
    event = session.scalars(select(Event).where(Event.action == "session.revoke")).one()
    assert (event.actor_name, event.subject_id) == ("command line", ada.id)


def test_the_real_command_answers_scripts(
    sqlite_databases: SQLiteDatabases, tmp_path: Path
) -> None:
    environment = os.environ | {
        "PACKSLIP_DATA": str(tmp_path),
        "PACKSLIP_DATABASE_URL": sqlite_databases.create(tmp_path),
    }

    def command(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "packslip", *arguments],
            env=environment,
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    created = command(*CREATE, "--password-stdin", stdin="long enough 1234\n")
    assert created == (0, "Created the user ada.\n", "")
    again = command(*CREATE, "--password-stdin", stdin="long enough 1234\n")
    assert again == (1, "", "packslip: The username 'ada' is taken.\n")
    status, secret, errors = command("token", "create", "--user", "ada", "--scope", "upload")
    assert (status, errors) == (0, "")
    assert looks_like_token(secret.removesuffix("\n"))
    assert command("user", "set-password", "ada")[0] == 2
