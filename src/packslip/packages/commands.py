"""The command `packslip package`."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from packslip import db
from packslip.accounts.queries import get_user
from packslip.events.operations import Actor
from packslip.packages import maintainer_invitations, operations, queries, removal
from packslip.packages.models import (
    File,
    Maintainer,
    MaintainerRole,
    Package,
    PackageInvitation,
    Release,
)
from packslip.terminal import NeedsTerminalError, is_interactive, print_json, print_table
from packslip.web.context import current_storage

package_commands = AppGroup("package", help="Look after packages.")
maintainer_commands = AppGroup("maintainers", help="Say who looks after a package.")
package_commands.add_command(maintainer_commands)

_role = click.option(
    "--role",
    type=click.Choice([role.value for role in MaintainerRole]),
    default=MaintainerRole.MAINTAINER.value,
    show_default=True,
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@package_commands.command("list")
@_json
def list_packages(as_json: bool) -> None:
    """List the packages."""
    packages = [_summary(package) for package in queries.list_packages(db.session())]
    if as_json:
        print_json(packages)
        return
    columns = ("name", "latest", "release_count", "file_count", "size", "status")
    rows = [[package[column] for column in columns] for package in packages]
    print_table(("Package", "Latest", "Releases", "Files", "Bytes", "Status"), rows)


@package_commands.command("show")
@click.argument("name")
@_json
def show_package(name: str, as_json: bool) -> None:
    """Show the package NAME with its releases and files."""
    session = db.session()
    package = queries.get_package(session, name)
    maintainers = queries.list_maintainers(session, package)
    if as_json:
        releases = [_release_data(release) for release in package.releases]
        people = [_maintainer_data(maintainer) for maintainer in maintainers]
        print_json(_summary(package) | {"maintainers": people, "releases": releases})
        return
    click.echo(package.name)
    if package.summary:
        click.echo(package.summary)
    names = [f"{m.user.username} ({m.role})" for m in maintainers]
    click.echo(f"Maintainers: {', '.join(names) or 'none'}")
    rows: list[tuple[object, ...]] = []
    for release in package.releases:
        state = (release.version, _yank_text(release))
        rows += [(*state, file.filename, file.size) for file in release.files] or [(*state, "", "")]
    print_table(("Release", "Yanked", "File", "Bytes"), rows)


@package_commands.command("remove")
@click.argument("name")
@click.argument("version", required=False)
@click.option("--file", "filename", metavar="FILENAME", help="Remove this file alone.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, version: str | None, filename: str | None, yes: bool) -> None:
    """Remove the package NAME, its release VERSION, or one file, with their bytes.

    The names of removed files stay taken. A yank is usually the better answer.
    """
    what = " ".join(part for part in (name, version, filename) if part)
    _target(db.session(), name, version, filename)
    if not yes:
        if not is_interactive():
            raise NeedsTerminalError("There is no terminal to ask for a confirmation: --yes.")
        click.confirm(f"Remove {what} for good?", abort=True)
    with db.write_transaction(db.session()) as session:
        target = _target(session, name, version, filename)
        keys = _remove(session, Actor.command(), target)
    storage = current_storage()
    for key in keys:
        storage.delete(key)
    click.echo(f"Removed {what}.")


@package_commands.command("invite")
@click.argument("name")
@click.argument("username")
@_role
def invite(name: str, username: str, role: str) -> None:
    """Invite the user USERNAME to look after the package NAME, who then accepts or declines."""
    with db.write_transaction(db.session()) as session:
        package, user = queries.get_package(session, name), get_user(session, username)
        maintainer_invitations.invite_maintainer(
            session, Actor.command(), package, user, MaintainerRole(role), invited_by=None
        )
        done = f"{user.username} is invited to become {role} of {package.name}."
    click.echo(done)


@package_commands.command("withdraw")
@click.argument("name")
@click.argument("username")
def withdraw(name: str, username: str) -> None:
    """Take the open invitation of the user USERNAME to the package NAME back."""
    with db.write_transaction(db.session()) as session:
        package, user = queries.get_package(session, name), get_user(session, username)
        maintainer_invitations.withdraw_invitation(session, Actor.command(), package, user)
        done = f"The invitation of {user.username} to {package.name} is withdrawn."
    click.echo(done)


@maintainer_commands.command("list")
@click.argument("name")
@_json
def list_maintainers(name: str, as_json: bool) -> None:
    """List who looks after the package NAME, and who is invited to."""
    session = db.session()
    package = queries.get_package(session, name)
    maintainers = queries.list_maintainers(session, package)
    invitations = queries.list_package_invitations(session, package)
    if as_json:
        people = [_maintainer_data(one) | {"invited_as": None} for one in maintainers]
        print_json(people + [_invitation_data(invitation) for invitation in invitations])
        return
    rows = [(m.user.username, m.role) for m in maintainers]
    rows += [(i.user.username, f"invited as {i.role}") for i in invitations]
    print_table(("User", "Role"), rows)


@maintainer_commands.command("add")
@click.argument("name")
@click.argument("username")
@_role
def add_maintainer(name: str, username: str, role: str) -> None:
    """Let the user USERNAME look after the package NAME, or change their role."""
    with db.write_transaction(db.session()) as session:
        package, user = queries.get_package(session, name), get_user(session, username)
        operations.set_maintainer(session, Actor.command(), package, user, MaintainerRole(role))
        done = f"{user.username} is {role} of {package.name}."
    click.echo(done)


@maintainer_commands.command("remove")
@click.argument("name")
@click.argument("username")
def remove_maintainer(name: str, username: str) -> None:
    """End the part of the user USERNAME in the package NAME."""
    with db.write_transaction(db.session()) as session:
        package, user = queries.get_package(session, name), get_user(session, username)
        operations.remove_maintainer(session, Actor.command(), package, user)
        done = f"{user.username} no longer looks after {package.name}."
    click.echo(done)


def _target(
    session: Session, name: str, version: str | None, filename: str | None
) -> Package | Release | File:
    package = queries.get_package(session, name)
    release = None if version is None else queries.get_release(session, package, version)
    if filename is None:
        return release or package
    file = queries.get_file(session, package, filename)
    if release is not None and file.release is not release:
        raise queries.UnknownFileError(package.id, filename)
    return file


def _remove(session: Session, actor: Actor, target: Package | Release | File) -> list[str]:
    if isinstance(target, Package):
        return removal.remove_package(session, actor, target)
    if isinstance(target, Release):
        return removal.remove_release(session, actor, target)
    return removal.remove_file(session, actor, target)


def _summary(package: Package) -> dict[str, Any]:
    latest = queries.package_latest_release(package.releases)
    return {
        "id": package.id,
        "name": package.name,
        "summary": package.summary,
        "latest": None if latest is None else latest.version,
        "release_count": len(package.releases),
        "file_count": sum(len(release.files) for release in package.releases),
        "size": sum(release.size for release in package.releases),
        "origin": package.origin,
        "status": package.status,
        "status_reason": package.status_reason,
        "serial": package.serial,
        "created_at": package.created_at,
        "updated_at": package.updated_at,
    }


def _release_data(release: Release) -> dict[str, Any]:
    return {
        "version": release.version,
        "created_at": release.created_at,
        "yanked": release.yanked,
        "yanked_reason": release.yanked_reason,
        "held_reason": release.held_reason,
        "size": release.size,
        "files": [
            {
                "filename": file.filename,
                "packagetype": file.packagetype,
                "size": file.size,
                "sha256": file.sha256,
                "uploaded_at": file.uploaded_at,
                "held": file.storage_key is not None,
            }
            for file in release.files
        ],
    }


def _maintainer_data(maintainer: Maintainer) -> dict[str, Any]:
    return {"username": maintainer.user.username, "role": maintainer.role}


def _invitation_data(invitation: PackageInvitation) -> dict[str, Any]:
    return {"username": invitation.user.username, "role": None, "invited_as": invitation.role}


def _yank_text(release: Release) -> str:
    return (release.yanked_reason or "yes") if release.yanked else ""
