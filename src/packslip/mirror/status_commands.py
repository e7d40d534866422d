"""`packslip mirror status` and `packslip mirror names`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import click
from flask.cli import with_appcontext

from packslip import db
from packslip.errors import PackslipError
from packslip.mirror.current import current_mirror
from packslip.mirror.keeper import renew_names
from packslip.mirror.status import MirrorStatus, NamesState, mirror_status
from packslip.mirror.upstream_states import UpstreamState
from packslip.terminal import print_json, print_table
from packslip.web.context import current_settings


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def status_command(as_json: bool) -> None:
    """Tell how upstreams are doing, what is kept, and what goes wrong. No upstream is asked."""
    now = datetime.now(UTC)
    status = mirror_status(db.session(), current_mirror(), current_settings(), now)
    if as_json:
        upstreams = [asdict(state) | {"names": asdict(n)} for state, n in status.upstreams]
        shared = [{"package": name, "upstream": one} for name, one in status.shared_names]
        print_json(asdict(status) | {"upstreams": upstreams, "shared_names": shared})
        return
    _print(status, now)


@click.command("names")
@with_appcontext
def names_command() -> None:
    """Take the lists of all names that upstreams have now, instead of once a day.

    Exit code 1: one of them could not be had.
    """
    mirror, failed = current_mirror(), False
    if not mirror:
        click.echo("Nothing is mirrored.", err=True)
    for upstream in mirror.upstreams:
        try:
            count = renew_names(upstream, at_once=True)
        except PackslipError as error:
            failed = True
            click.echo(f"{upstream.name}: {error}", err=True)
        else:
            said = "another process is taking it" if count is None else f"{count} names"
            click.echo(f"{upstream.name}: {said}")
    if failed:
        raise SystemExit(1)


def _print(status: MirrorStatus, now: datetime) -> None:
    if status.upstreams:
        columns = ("Upstream", "Address", "Asked for", "State", "Last answer", "Names")
        rows = [
            (
                state.name,
                state.url,
                ", ".join(state.packages),
                _state(state),
                _ago(state.answered_at, now),
                _names(names, now),
            )
            for state, names in status.upstreams
        ]
        print_table(columns, rows)
    else:
        click.echo("Nothing is mirrored: no upstream is set.")
    limit = "no limit" if status.limit is None else f"of {status.limit}"
    click.echo(
        f"packages: {status.packages}\n"
        f"files: {status.files}, {status.kept_files} of them kept, {status.vanished_files} gone"
        f" upstream, {status.refused} refused\n"
        f"bytes kept: {status.kept_size}, {limit}\n"
        f"pages that fail: {status.failing}\n"
        f"hosted names that upstream has too: {len(status.shared_names)}"
    )
    if status.failing_pages:
        failing = [(p.package, _ago(p.failed_at, now), p.failure) for p in status.failing_pages]
        print_table(("Failing page", "Since", "Why"), failing)
    if status.refused_files:
        refused = [
            (file.package, file.filename, file.reason, _time(file.retry_at) or "never")
            for file in status.refused_files
        ]
        print_table(("Package", "Refused file", "Why", "Asked for again"), refused)
    if status.shared_names:
        print_table(("Hosted name", "Upstream that has it too"), status.shared_names)


def _state(state: UpstreamState) -> str:
    if state.broken_until is not None:
        return f"not asked until {_time(state.broken_until)}: {state.failure}"
    if state.failure is not None:
        return f"failed at {_time(state.failed_at)}: {state.failure}"
    return "not asked yet" if state.answered_at is None else "answers"


def _names(names: NamesState, now: datetime) -> str:
    if names.count is None:
        return "no list yet"
    return f"{names.count}, {_ago(names.taken_at, now)}"


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


def _ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "never"
    return f"{timedelta(seconds=max(0, int((now - moment).total_seconds())))} ago"
