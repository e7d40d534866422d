"""The commands `packslip user` and `packslip token`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from flask.cli import AppGroup

from packslip import db
from packslip.accounts import invitations, operations, queries, setup, site_roles
from packslip.accounts.invitations import UselessInvitationError
from packslip.accounts.login_sessions import revoke_login_sessions
from packslip.accounts.models import Role, Scope, Token, User
from packslip.accounts.passwords import hash_password
from packslip.accounts.recovery import make_reset_link
from packslip.errors import InvalidError
from packslip.events.operations import Actor
from packslip.setting_choices import Registration
from packslip.terminal import NeedsTerminalError, is_interactive, print_json, print_table
from packslip.web.context import current_settings

user_commands = AppGroup("user", help="Look after users.")
token_commands = AppGroup("token", help="Look after tokens.")

_A = {Role.MEMBER: "a member", Role.CURATOR: "a curator", Role.ADMIN: "an admin"}

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
    hashed_password = hash_password(_ask_password(password_stdin), username, email, name)
    with db.write_transaction(db.session()) as session:
        user = operations.create_user(
            session,
            Actor.command(),
            username=username,
            email=email,
            name=name,
            hashed_password=hashed_password,
            role=Role.ADMIN if admin else Role.MEMBER,
            # Whoever runs the command vouches for it.
            email_confirmed=True,
        )
        setup.end_set_up(session)
        done = f"Created the user {user.username}."
    setup.remove_code_file(current_settings().data)
    click.echo(done)


@user_commands.command("list")
@_json
def list_users(as_json: bool) -> None:
    """List the users."""
    session = db.session()
    protected = queries.ids_with_second_factor(session)
    users = [_user_data(user, user.id in protected) for user in queries.list_users(session)]
    if as_json:
        print_json(users)
        return
    print_table(
        ("User", "Name", "E-mail", "Role", "State", "Second factor", "Since", "Last log-in"),
        [
            (
                *(user[column] for column in ("username", "name", "email", "role")),
                "disabled" if user["disabled_at"] else "enabled",
                "yes" if user["second_factor"] else "no",
                *(_cell(user[column]) for column in ("created_at", "last_login")),
            )
            for user in users
        ],
    )


@user_commands.command("set-password")
@click.argument("username")
@_password_stdin
def set_password(username: str, password_stdin: bool) -> None:
    """Give the user USERNAME another password. Their sessions end, their tokens stay valid."""
    user = queries.get_user(db.session(), username)
    password = _ask_password(password_stdin)
    hashed_password = hash_password(password, *queries.known_of(user))
    with db.write_transaction(db.session()) as session:
        user = queries.get_user(session, username)
        operations.set_password(session, Actor.command(), user, hashed_password)
        setup.end_set_up(session)
        done = f"Set the password of {user.username}."
    setup.remove_code_file(current_settings().data)
    click.echo(done)


@user_commands.command("role")
@click.argument("username")
@click.argument("role", type=click.Choice([role.value for role in Role]))
def set_role(username: str, role: str) -> None:
    """Make the user USERNAME a member, a curator or an admin of the site."""
    with db.write_transaction(db.session()) as session:
        user = queries.get_user(session, username)
        site_roles.set_role(session, Actor.command(), user, Role(role))
        done = f"{user.username} is {_A[Role(role)]} now."
    click.echo(done)


@user_commands.command("disable")
@click.argument("username")
def disable_user(username: str) -> None:
    """Let the user USERNAME do nothing any more. Their sessions end at once."""
    with db.write_transaction(db.session()) as session:
        user = queries.get_user(session, username)
        site_roles.disable_user(session, Actor.command(), user)
        done = f"{user.username} is disabled."
    click.echo(done)


@user_commands.command("enable")
@click.argument("username")
def enable_user(username: str) -> None:
    """Let the user USERNAME, who was disabled, do again what their role allows."""
    with db.write_transaction(db.session()) as session:
        user = queries.get_user(session, username)
        site_roles.enable_user(session, Actor.command(), user)
        done = f"{user.username} is enabled."
    click.echo(done)


@user_commands.command("reset-password")
@click.argument("username")
def reset_password(username: str) -> None:
    """Print a link with which the user USERNAME sets a password, once and within 24 hours."""
    with db.write_transaction(db.session()) as session:
        user = queries.get_user(session, username)
        link = make_reset_link(session, Actor.command(), user)
    click.echo(link)


@user_commands.command("invite")
@click.option("--email", help="Whom it is for; if they register with it, it counts as confirmed.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.MEMBER.value,
    show_default=True,
    help="What they will be on the site.",
)
@click.option(
    "--days",
    type=click.IntRange(1, invitations.MAX_DAYS),
    default=invitations.DAYS,
    show_default=True,
    help="Days for which it can be used.",
)
def invite(email: str | None, role: str, days: int) -> None:
    """Print a link with which somebody can register once. It cannot be shown again."""
    if current_settings().registration is Registration.CLOSED:
        raise UselessInvitationError
    with db.write_transaction(db.session()) as session:
        _, secret = invitations.create_invitation(
            session, Actor.command(), role=Role(role), email=email, days=days
        )
    click.echo(invitations.invitation_address(secret))


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


def _user_data(user: User, second_factor: bool) -> dict[str, Any]:
    return {
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "has_password": user.hashed_password is not None,
        "second_factor": second_factor,
        "disabled_at": user.disabled_at,
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
