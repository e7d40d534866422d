"""`packslip mirror`."""

from __future__ import annotations

import click

from packslip.mirror.rule_commands import exception_commands, explain_command, rule_commands


@click.group("mirror")
def mirror_commands() -> None:
    """What is mirrored from other indexes."""


for command in (rule_commands, exception_commands, explain_command):
    mirror_commands.add_command(command)
