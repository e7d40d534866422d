"""The commands of `packslip user` that are about second factors."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from packslip import db
from packslip.accounts import factor_operations, policies, queries
from packslip.accounts.policies import SecondFactorPolicy
from packslip.events.operations import Actor

_OF_WHOM = {
    SecondFactorPolicy.NOBODY: "nobody",
    SecondFactorPolicy.OWNERS: "everybody who owns a package",
    SecondFactorPolicy.ALL: "everybody",
}


@click.command("remove-second-factor")
@click.argument("username")
@with_appcontext
def remove_second_factor(username: str) -> None:
    """Remove all second factors of the user USERNAME, who has lost them.

    Their password alone lets them in again.
    """
    with db.write_transaction(db.session()) as session:
        user = queries.get_user(session, username)
        count = factor_operations.remove_second_factors(session, Actor.command(), user)
        done = f"Removed {count} second factor{'' if count == 1 else 's'} of {user.username}."
    click.echo(done)


@click.command("require-second-factor")
@click.argument("whom", type=click.Choice([policy.value for policy in SecondFactorPolicy]))
@with_appcontext
def require_second_factor(whom: str) -> None:
    """Require a second factor of nobody, of those who own a package, or of all.

    Whoever has none is led to the page that adds one, and cannot upload with a password.
    """
    policy = SecondFactorPolicy(whom)
    with db.write_transaction(db.session()) as session:
        policies.set_second_factor_policy(session, Actor.command(), policy)
    click.echo(f"A second factor is required of {_OF_WHOM[policy]}.")
