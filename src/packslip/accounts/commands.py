"""The commands `packslip user` and `packslip token`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from flask.cli import AppGroup

from packslip import db
from packslip.accounts import operations, queries
from packslip.accounts.login_sessions import revoke_login_sessions
from packslip.accounts.models import Role, Scope, Token, User
from packslip.accounts.passwords import hash_password
from packslip.errors import InvalidError
from packslip.events.operations import Actor
from packslip.terminal import NeedsTerminalError, is_interactive, print_json, print_table

user_commands = AppGroup("user", help="Look after users.")
token_commands = AppGroup("token", help="Look after tokens.")

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_password_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input."
)

_secret_stdin = click.option(
    "--secret-stdin", is_flag=True, help="Read the token itself from standard input."
)

#: What `token list` prints, and over which headings.
_TOKEN_COLUMNS = {
    "id": "ID",
    "user": "User",
    "name": "Name",
    "scope": "Scope",
    "packages": "Packages",
    "state": "State",
    "expires_at": "Expires",
    "last_used_at": "Last used",
    "last_used_ip": "From",
    "last_used_with": "With",
}


@user_commands.command("create")
@click.argument("username")
@click.option("--email", required=True, help="Their e-mail address.")
@click.option("--name", default="", help="Their name, as people write it.")
@click.option("--admin", is_flag=True, help="Make them an admin of the site.")
@_password_stdin
def create_user(username: str, email: str, name: str, admin: bool, password_stdin: bool) -> None:
    """Create the user USERNAME."""
    hashed_password = hash_password(_ask_password(password_stdin))
    with db.write_transaction(db.session()) as session:
        user = operations.create_user(
            session,
            Actor.command(),
            username=username,
            email=email,
            name=name,
            hashed_password=hashed_password,
            role=Role.ADMIN if admin else Role.MEMBER,
        )
        done = f"Created the user {user.username}."
    click.echo(done)


@user_commands.command("list")
@_json
def list_users(as_json: bool) -> None:
    """List the users."""
    users = queries.list_users(db.session())
    if as_json:
        print_json([_user_data(user) for user in users])
        return
    print_table(
        ("User", "Name", "E-mail", "Role", "Since"),
        [(u.username, u.name, u.email, u.role, f"{u.created_at:%Y-%m-%d}") for u in users],
    )


@user_commands.command("set-password")
@click.argument("username")
@_password_stdin
def set_password(username: str, password_stdin: bool) -> None:
    """Give the user USERNAME another password. Their tokens stay valid."""
    queries.get_user(db.session(), username)
    hashed_password = hash_password(_ask_password(password_stdin))
    with db.write_transaction(db.session()) as session:
        user = queries.get_user(session, username)
        operations.set_password(session, Actor.command(), user, hashed_password)
        done = f"Set the password of {user.username}."
    click.echo(done)


@user_commands.command("log-out")
@click.argument("username")
def log_out(username: str) -> None:
    """End all browser sessions of the user USERNAME. Their tokens stay valid."""
    with db.write_transaction(db.session()) as session:
        user = queries.get_user(session, username)
        count = revoke_login_sessions(session, Actor.command(), user)
        done = f"Ended {count} session{'' if count == 1 else 's'} of {user.username}."
    click.echo(done)


@token_commands.command("create")
@click.option("--user", "username", required=True, metavar="USERNAME", help="Whom it stands for.")
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    default=Scope.UPLOAD.value,
    show_default=True,
    help="What it is for; uploading includes reading.",
)
@click.option(
    "--package",
    "packages",
    multiple=True,
    metavar="NAME",
    help="Limit it to this package, which need not exist yet. Can be given several times.",
)
@click.option("--name", default="", help="What you will know it by.")
@click.option(
    "--expires", "days", type=click.IntRange(1, 3650), metavar="DAYS", help="Days that it lives."
)
def create_token(
    username: str, scope: str, packages: tuple[str, ...], name: str, days: int | None
) -> None:
    """Create a token and print it. It cannot be shown again."""
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    with db.write_transaction(db.session()) as session:
        _, secret = operations.create_token(
            session,
            Actor.command(),
            queries.get_user(session, username),
            scope=Scope(scope),
            packages=packages or None,
            name=name,
            expires_at=expires_at,
        )
    click.echo(secret)


@token_commands.command("list")
@click.option("--user", "username", metavar="USERNAME", help="Only those of this user.")
@_json
def list_tokens(username: str | None, as_json: bool) -> None:
    """List the tokens, without their secrets."""
    session = db.session()
    user = None if username is None else queries.get_user(session, username)
    tokens = [_token_data(token) for token in queries.list_tokens(session, user)]
    if as_json:
        print_json(tokens)
        return
    rows = [[_cell(token[column]) for column in _TOKEN_COLUMNS] for token in tokens]
    print_table(tuple(_TOKEN_COLUMNS.values()), rows)


@token_commands.command("find")
@_secret_stdin
@_json
def find_token(secret_stdin: bool, as_json: bool) -> None:
    """Tell whose token it is that was found somewhere: its number, its user, its state."""
    if not secret_stdin:
        raise click.UsageError("The token is read from standard input: --secret-stdin.")
    found = _token_data(queries.get_token_by_secret(db.session(), _read_secret()))
    if as_json:
        print_json(found)
        return
    print_table(
        ("ID", "User", "Name", "Scope", "State"),
        [[found[column] for column in ("id", "user", "name", "scope", "state")]],
    )


@token_commands.command("revoke")
@click.argument("token_id", type=int, required=False, metavar="[ID]")
@_secret_stdin
def revoke_token(token_id: int | None, secret_stdin: bool) -> None:
    """Revoke the token with the number ID, or the one on standard input.

    It stops working at once.
    """
    if (token_id is None) != secret_stdin:
        raise click.UsageError("Name the token: by its number, or by --secret-stdin.")
    secret = _read_secret() if secret_stdin else ""
    with db.write_transaction(db.session()) as session:
        if token_id is None:
            token = queries.get_token_by_secret(session, secret)
        else:
            token = queries.get_token(session, token_id)
        operations.revoke_token(session, Actor.command(), token)
        done = f"Revoked the token {token.id}."
    click.echo(done)


def _read_secret() -> str:
    # No token has more than a line; what is no ASCII is no token either.
    return sys.stdin.buffer.read(1024).decode("ascii", "replace").strip()


def _ask_password(from_stdin: bool) -> str:
    if from_stdin:
        # More than any password has, and still little.
        raw = sys.stdin.buffer.read(64 * 1024)
        try:
            return raw.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            raise InvalidError("The password on standard input is not UTF-8.") from None
    if not is_interactive():
        raise NeedsTerminalError("There is no terminal to ask for a password: --password-stdin.")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def _user_data(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "has_password": user.hashed_password is not None,
        "created_at": user.created_at,
        "last_login": user.last_login,
    }


def _token_data(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "user": token.user.username,
        "name": token.name,
        "scope": token.scope,
        "packages": token.packages,
        "state": queries.token_state(token),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
        "last_used_at": token.last_used_at,
        "last_used_ip": token.last_used_ip,
        "last_used_with": token.last_used_with,
    }


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return ", ".join(value) if isinstance(value, list) else value
