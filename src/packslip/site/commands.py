"""The command `packslip settings`."""

from __future__ import annotations

from dataclasses import asdict

import click
from flask.cli import with_appcontext

from packslip.site.settings_in_force import settings_in_force
from packslip.terminal import print_json, print_table
from packslip.web.context import current_settings


@click.command("settings")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def settings_command(as_json: bool) -> None:
    """Print every setting as it is in force here, and where it comes from.

    Passwords and keys are masked.
    """
    settings = settings_in_force(current_settings())
    if as_json:
        print_json([asdict(setting) for setting in settings])
        return
    rows = [(setting.name, setting.value, setting.origin) for setting in settings]
    print_table(("Setting", "Value", "From"), rows)
