"""The `packslip` command."""

from __future__ import annotations

import os
import sys

import click
from flask import Flask
from flask.cli import ScriptInfo
from sqlalchemy.exc import SQLAlchemyError

from packslip import __version__
from packslip.accounts.commands import token_commands, user_commands
from packslip.accounts.factor_commands import remove_second_factor, require_second_factor
from packslip.app import create_app
from packslip.backups.commands import backup_command, restore_command
from packslip.check.commands import check_command
from packslip.db_failures import failure_of
from packslip.downloads.commands import download_commands, stats_command
from packslip.errors import PackslipError, SettingsError
from packslip.events.commands import event_commands
from packslip.exchange.commands import export_command
from packslip.exchange.import_commands import import_command
from packslip.fsck.commands import fsck_command
from packslip.migrating import schema_commands
from packslip.mirror.commands import mirror_commands
from packslip.moving_command import move_command
from packslip.notes import folder_commands
from packslip.notes.commands import note_commands, unyank, yank
from packslip.notes.list_commands import edit, list_
from packslip.packages.commands import package_commands
from packslip.publishers.commands import publisher_commands
from packslip.search.commands import search_command
from packslip.settings import unknown_settings
from packslip.site.commands import settings_command
from packslip.site.mirror_commands import sync_command
from packslip.subscriptions.commands import webhook_commands
from packslip.teams.commands import team_commands
from packslip.upgrading import upgrade_schema
from packslip.upkeep.commands import gc_command
from packslip.wsgi import serve


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="packslip")
@click.pass_context
def packslip(context: click.Context) -> None:
    """Run and look after a Packslip package index."""
    as_it_is = context.invoked_subcommand in {schema_commands.name, settings_command.name}
    factory = create_app if as_it_is else _migrated_app
    context.obj = ScriptInfo(create_app=factory, set_debug_flag=False)
    for name in unknown_settings(os.environ):
        click.echo(f"packslip: {name} is not a setting of this version; it is ignored", err=True)


def _migrated_app() -> Flask:
    """The application for a command that uses the data, which may be the first one ever run."""
    app = create_app()
    with app.app_context():
        upgrade_schema()
    return app


for command in (
    serve,
    user_commands,
    token_commands,
    team_commands,
    package_commands,
    publisher_commands,
    note_commands,
    mirror_commands,
    event_commands,
    webhook_commands,
    schema_commands,
    import_command,
    export_command,
    backup_command,
    restore_command,
    move_command,
    check_command,
    fsck_command,
    gc_command,
    search_command,
    stats_command,
    download_commands,
    settings_command,
):
    packslip.add_command(command)

for command in (remove_second_factor, require_second_factor):
    user_commands.add_command(command)

for command in (list_, edit, folder_commands.export, folder_commands.import_):
    note_commands.add_command(command)

for command in (yank, unyank):
    package_commands.add_command(command)

mirror_commands.add_command(sync_command)


def main() -> None:
    """Run the command; a refusal is one line on standard error and exit code 1."""
    try:
        packslip()
    except SettingsError as error:
        for fault in error.faults:
            click.echo(f"packslip: {fault}", err=True)
        sys.exit(1)
    except PackslipError as error:
        click.echo(f"packslip: {error.reason}", err=True)
        sys.exit(1)
    except SQLAlchemyError as error:
        told = failure_of(error)
        if told is None:
            raise
        click.echo(f"packslip: the database cannot be used: {' '.join(told.split())}", err=True)
        sys.exit(1)
