"""The commands about second factors."""

from __future__ import annotations

from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.second_factors import add_authenticator

from packslip.accounts.policies import SecondFactorPolicy, second_factor_policy
from packslip.accounts.second_factors import has_second_factor
from packslip.cli import packslip


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(packslip.commands["user"], arguments)


def test_second_factors_are_removed_from_whoever_lost_them(app: Flask, session: Session) -> None:
    user = make_user(session)
    add_authenticator(session, user)
    session.rollback()
    result = run(app, "remove-second-factor", "Ada")
    assert (result.exit_code, result.output) == (0, "Removed 1 second factor of ada.\n")
    session.rollback()
    assert not has_second_factor(session, user)
    assert run(app, "remove-second-factor", "ada").output == "Removed 0 second factors of ada.\n"


def test_a_second_factor_is_required_of_owners(app: Flask, session: Session) -> None:
    assert run(app, "require-second-factor", "everybody").exit_code == 2
    result = run(app, "require-second-factor", "owners")
    assert result.output == "A second factor is required of everybody who owns a package.\n"
    session.rollback()
    assert second_factor_policy(session) is SecondFactorPolicy.OWNERS
