"""The command `packslip publisher`."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup
from packaging.utils import canonicalize_name

from packslip import db
from packslip.accounts.queries import get_user
from packslip.events.operations import Actor
from packslip.publishers.current import current_issuers
from packslip.publishers.kinds import (
    ISSUERS,
    Conditions,
    Kind,
    conditions_for_workflow,
    conditions_on_claims,
    subject,
)
from packslip.publishers.models import Publisher
from packslip.publishers.operations import add_publisher, remove_publisher
from packslip.publishers.queries import get_publisher, list_publishers
from packslip.terminal import print_json, print_table

publisher_commands = AppGroup("publisher", help="Say which programs publish a package.")


@publisher_commands.command("add")
@click.argument("package")
@click.option("--user", required=True, help="Whose rights it uses.")
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in Kind]),
    default=Kind.GITHUB.value,
    show_default=True,
)
@click.option("--issuer", help="Who issues its identities; GitHub and GitLab have a usual one.")
@click.option("--repository", help="As owner/name.")
@click.option("--workflow", help="The workflow's file, such as release.yml.")
@click.option("--environment", default="", help="Only from there.")
@click.option("--claim", "claims", multiple=True, metavar="NAME=VALUE", help="For kind other.")
def add(package: str, user: str, kind: str, issuer: str | None, **told: Any) -> None:
    """Let a program publish PACKAGE, which need not exist yet; print its number alone.

    Example: packslip publisher add demo --user ada --repository acme/demo --workflow release.yml
    """
    chosen = Kind(kind)
    issuer = issuer or ISSUERS.get(chosen)
    if issuer is None:
        raise click.UsageError("Name the --issuer.")
    conditions = _conditions(chosen, **told)
    with db.write_transaction(db.session()) as session:
        publisher = add_publisher(
            session,
            Actor.command(),
            get_user(session, user),
            package,
            kind=chosen,
            issuer=issuer,
            conditions=conditions,
            trusted=current_issuers().trusted,
        )
        click.echo(publisher.id)


@publisher_commands.command("list")
@click.argument("package")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(package: str, as_json: bool) -> None:
    """List who publishes PACKAGE."""
    found = [_summary(one) for one in list_publishers(db.session(), canonicalize_name(package))]
    if as_json:
        print_json(found)
        return
    columns = ("id", "publisher", "kind", "issuer", "user", "last_used_at")
    rows = [[one[column] for column in columns] for one in found]
    print_table(("Number", "Publisher", "Kind", "Issuer", "User", "Last used"), rows)


@publisher_commands.command("remove")
@click.argument("package")
@click.argument("number", type=int)
def remove(package: str, number: int) -> None:
    """Trust the publisher NUMBER of PACKAGE no more."""
    with db.write_transaction(db.session()) as session:
        publisher = get_publisher(session, number, canonicalize_name(package))
        told = subject(Kind(publisher.kind), publisher.conditions)
        remove_publisher(session, Actor.command(), publisher)
    click.echo(f"{told} is not trusted any more.")


def _conditions(
    kind: Kind,
    *,
    repository: str | None,
    workflow: str | None,
    environment: str,
    claims: tuple[str, ...],
) -> Conditions:
    if kind is Kind.OTHER:
        pairs = [claim.partition("=") for claim in claims]
        return conditions_on_claims({name: value for name, _, value in pairs})
    if not repository or not workflow:
        raise click.UsageError("Name --repository and --workflow.")
    return conditions_for_workflow(repository, workflow, environment)


def _summary(publisher: Publisher) -> dict[str, Any]:
    return {
        "id": publisher.id,
        "package": publisher.package_id,
        "publisher": subject(Kind(publisher.kind), publisher.conditions),
        "kind": publisher.kind,
        "issuer": publisher.issuer,
        "conditions": publisher.conditions,
        "user": publisher.user.username,
        "last_used_at": publisher.last_used_at,
    }
