"""The command `packslip event`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
import msgspec
from flask.cli import AppGroup

from packslip import db
from packslip.events.export import event_data, export_events
from packslip.events.filters import read_filter
from packslip.events.queries import list_events
from packslip.terminal import print_json, print_table

F = TypeVar("F", bound=Callable[..., Any])

event_commands = AppGroup("event", help="Read the audit log.")

_FILTERS = (
    click.option("--actor", default="", metavar="NAME", help="Who did it: a username."),
    click.option("--package", default="", metavar="NAME", help="The package."),
    click.option("--action", default="", help="What was done: user.log-in, or user.* for all."),
    click.option("--address", default="", help="The network address from which it was done."),
    click.option("--since", default="", metavar="WHEN", help="From this day or moment on (UTC)."),
    click.option("--until", default="", metavar="WHEN", help="To the end of this day, or moment."),
)


def _filtered(command: F) -> F:
    for option in reversed(_FILTERS):
        command = option(command)
    return command


@event_commands.command("list")
@_filtered
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(limit: int, as_json: bool, **filters: str) -> None:
    """List the newest events, the newest first."""
    events = list_events(db.session(), read_filter(**filters), limit=limit)
    if as_json:
        print_json([event_data(event) for event in events])
        return
    print_table(
        ("ID", "When (UTC)", "Who", "What", "Package", "From", "More"),
        [
            (
                event.id,
                f"{event.created_at:%Y-%m-%d %H:%M:%S}",
                event.actor_name,
                event.action,
                event.package_id,
                event.ip_address,
                msgspec.json.encode(event.data).decode() if event.data else "",
            )
            for event in events
        ],
    )


@event_commands.command("export")
@_filtered
def export_command(**filters: str) -> None:
    """Print all events as JSON lines, the oldest first."""
    for line in export_events(db.session(), read_filter(**filters)):
        click.echo(line, nl=False)
