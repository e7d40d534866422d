"""The command `packslip gc`."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from packslip import db
from packslip.downloads.drain import drain
from packslip.terminal import print_json, print_table
from packslip.upkeep.clearing import clear
from packslip.web.context import current_settings, current_storage


@click.command("gc", short_help="Remove what is not needed any more.")
@click.option("--dry-run", is_flag=True, help="Only count what would go.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def gc_command(*, dry_run: bool, as_json: bool) -> None:
    """Remove what has expired, and what the settings keep no longer.

    That is downloads, events and drafts older than PACKSLIP_KEEP_DOWNLOADS, PACKSLIP_KEEP_EVENTS
    and PACKSLIP_KEEP_DRAFTS days, sessions and links that ended, and uploads that nobody confirmed.
    The index may be in use. Bytes that no row names are for `packslip fsck`.
    """
    session, settings = db.session(), current_settings()
    if settings.keep_downloads is not None and not dry_run:
        # What is summed up now, and not before it goes, would be missing in statistics.
        drain(session, settings.downloads_folder)
    cleared = list(clear(session, current_storage(), settings, dry_run=dry_run))
    if as_json:
        removed = {one.what: one.count for one in cleared}
        print_json({"dry_run": dry_run, "removed": removed})
        return
    if dry_run:
        click.echo("Nothing was removed. This would go:", err=True)
    print_table(("What", "Number"), [(one.what, one.count) for one in cleared])
