"""The command `packslip team`."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup

from packslip import db
from packslip.accounts.queries import get_user
from packslip.events.operations import Actor
from packslip.packages.models import MaintainerRole
from packslip.packages.queries import get_package
from packslip.packages.team_models import TeamMember, TeamRole
from packslip.teams import giving, operations, queries
from packslip.terminal import NeedsTerminalError, is_interactive, print_json, print_table

team_commands = AppGroup("team", help="Let groups of users look after packages together.")

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_package = click.option("--package", metavar="PACKAGE", help="A package.")
_prefix = click.option(
    "--prefix", metavar="PREFIX", help="All packages with that prefix: acme for acme and acme-…."
)


@team_commands.command("list")
@_json
def list_teams(as_json: bool) -> None:
    """List the teams."""
    rows = queries.list_teams(db.session())
    if as_json:
        print_json([_summary(row) for row in rows])
        return
    cells = [(row.team.name, row.members, row.packages, row.prefixes) for row in rows]
    print_table(("Team", "Members", "Packages", "Prefixes"), cells)


@team_commands.command("show")
@click.argument("name")
@_json
def show_team(name: str, as_json: bool) -> None:
    """Show who is in the team NAME, and what it looks after."""
    session = db.session()
    team = queries.get_team(session, name)
    members = queries.list_members(session, team)
    packages = queries.list_packages_given(session, team)
    prefixes = queries.list_prefixes_given(session, team)
    if as_json:
        print_json(
            {
                "name": team.name,
                "description": team.description,
                "members": [_member_data(member) for member in members],
                "packages": [{"package": one.package_id, "role": one.role} for one in packages],
                "prefixes": [{"prefix": one.prefix, "role": one.role} for one in prefixes],
            }
        )
        return
    click.echo(team.name)
    if team.description:
        click.echo(team.description)
    rows = [("member", one.user.username, one.role.value) for one in members]
    rows += [("package", one.package_id, one.role) for one in packages]
    rows += [("prefix", one.prefix, one.role) for one in prefixes]
    print_table(("", "Name", "Role"), rows)


@team_commands.command("create")
@click.argument("name")
@click.option("--description", default="", help="What the team is for, in one line.")
def create(name: str, description: str) -> None:
    """Make the team NAME, in which nobody is."""
    with db.write_transaction(db.session()) as session:
        team = operations.create_team(session, Actor.command(), name, description)
        done = f"The team {team.name} is there."
    click.echo(done)


@team_commands.command("describe")
@click.argument("name")
@click.argument("description")
def describe(name: str, description: str) -> None:
    """Say in one line what the team NAME is for."""
    with db.write_transaction(db.session()) as session:
        team = queries.get_team(session, name, lock=True)
        operations.describe_team(session, Actor.command(), team, description)
        done = f"The team {team.name} is described anew."
    click.echo(done)


@team_commands.command("delete")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(name: str, yes: bool) -> None:
    """Remove the team NAME. The packages that it looks after stay."""
    team = queries.get_team(db.session(), name)
    if not yes:
        if not is_interactive():
            raise NeedsTerminalError("There is no terminal to ask for a confirmation: --yes.")
        click.confirm(f"Remove the team {team.name}?", abort=True)
    with db.write_transaction(db.session()) as session:
        team = queries.get_team(session, name, lock=True)
        giving.remove_team(session, Actor.command(), team)
        done = f"The team {team.name} is removed."
    click.echo(done)


@team_commands.command("add")
@click.argument("name")
@click.argument("username")
@click.option(
    "--role",
    type=click.Choice([role.value for role in TeamRole]),
    default=TeamRole.MEMBER.value,
    show_default=True,
)
def add(name: str, username: str, role: str) -> None:
    """Take the user USERNAME into the team NAME, or change what they may do there."""
    with db.write_transaction(db.session()) as session:
        team, user = queries.get_team(session, name, lock=True), get_user(session, username)
        member = operations.set_member(session, Actor.command(), team, user, TeamRole(role))
        done = f"{user.username} is {member.role} of the team {team.name}."
    click.echo(done)


@team_commands.command("remove")
@click.argument("name")
@click.argument("username")
def remove(name: str, username: str) -> None:
    """Take the user USERNAME out of the team NAME."""
    with db.write_transaction(db.session()) as session:
        team, user = queries.get_team(session, name, lock=True), get_user(session, username)
        operations.remove_member(session, Actor.command(), team, user)
        done = f"{user.username} is no longer in the team {team.name}."
    click.echo(done)


@team_commands.command("grant")
@click.argument("name")
@_package
@_prefix
@click.option(
    "--role",
    type=click.Choice([role.value for role in MaintainerRole]),
    default=MaintainerRole.MAINTAINER.value,
    show_default=True,
)
def grant(name: str, package: str | None, prefix: str | None, role: str) -> None:
    """Let the team NAME look after a package, or all that begin so, or change its role.

    Example: packslip team grant data --prefix acme-data --role owner
    """
    _require_one(package, prefix)
    actor, given = Actor.command(), MaintainerRole(role)
    with db.write_transaction(db.session()) as session:
        if package is not None:
            # Before the team, as everybody locks them.
            found = get_package(session, package, lock=True)
            team = queries.get_team(session, name, lock=True)
            giving.give_package(session, actor, team, found, given)
            what = found.name
        else:
            team = queries.get_team(session, name, lock=True)
            what = giving.give_prefix(session, actor, team, prefix or "", given)
            what = f"all packages under {what}"
        done = f"The team {team.name} is {role} of {what}."
    click.echo(done)


@team_commands.command("revoke")
@click.argument("name")
@_package
@_prefix
def revoke(name: str, package: str | None, prefix: str | None) -> None:
    """Let the team NAME look after a package, or all that begin so, no more."""
    _require_one(package, prefix)
    with db.write_transaction(db.session()) as session:
        team, actor = queries.get_team(session, name, lock=True), Actor.command()
        if package is not None:
            found = get_package(session, package)
            giving.take_package(session, actor, team, found)
            what = found.name
        else:
            what = giving.take_prefix(session, actor, team, prefix or "")
            what = f"all packages under {what}"
        done = f"The team {team.name} no longer looks after {what}."
    click.echo(done)


def _require_one(package: str | None, prefix: str | None) -> None:
    if (package is None) == (prefix is None):
        raise click.UsageError("Name either a --package or a --prefix.")


def _summary(row: queries.TeamRow) -> dict[str, Any]:
    return {
        "name": row.team.name,
        "description": row.team.description,
        "members": row.members,
        "packages": row.packages,
        "prefixes": row.prefixes,
    }


def _member_data(member: TeamMember) -> dict[str, Any]:
    return {
        "username": member.user.username,
        "role": member.role.value,
        "by_groups": member.by_groups is not None,
    }
