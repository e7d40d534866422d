"""`packslip mirror`."""

from __future__ import annotations

import click

from packslip.mirror.bundle_commands import bundle_command, load_command
from packslip.mirror.rule_commands import exception_commands, explain_command, rule_commands
from packslip.mirror.status_commands import names_command, status_command
from packslip.mirror.upkeep_commands import claim_command, forget_command, verify_command


@click.group("mirror")
def mirror_commands() -> None:
    """What is mirrored from other indexes."""


for command in (
    status_command,
    names_command,
    forget_command,
    verify_command,
    claim_command,
    bundle_command,
    load_command,
    rule_commands,
    exception_commands,
    explain_command,
):
    mirror_commands.add_command(command)
