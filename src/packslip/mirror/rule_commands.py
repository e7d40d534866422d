"""`packslip mirror rule`, `packslip mirror exception` and `packslip mirror explain`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import click
from flask.cli import with_appcontext

from packslip import db
from packslip.events.operations import Actor
from packslip.mirror.explanations import explain, rules_by_name
from packslip.mirror.rule_documents import rule_document
from packslip.mirror.rule_fields import LONGEST_COOLDOWN, LONGEST_EXCEPTION, split
from packslip.mirror.rule_models import MirrorRule
from packslip.mirror.rule_operations import add_rule, remove_rule
from packslip.mirror.rule_queries import UnknownRuleError, get_rule_row, list_rule_rows, rule_of
from packslip.mirror.rule_words import describe
from packslip.mirror.rules import FileKind, Kind, Rule, is_in_force
from packslip.simple_api.page import InvalidPackageNameError, normalize_name
from packslip.terminal import print_json, print_table

_RULES = [kind for kind in Kind if kind is not Kind.EXCEPTION]


@click.group("rule")
def rule_commands() -> None:
    """Rules about what comes through the mirror."""


@click.group("exception")
def exception_commands() -> None:
    """Exceptions from these rules, which expire."""


@rule_commands.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def list_rules(as_json: bool) -> None:
    """List the rules; exceptions have a list of their own."""
    _print(list_rule_rows(db.session(), _RULES), as_json=as_json)


@exception_commands.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def list_exceptions(as_json: bool) -> None:
    """List the exceptions, those that have expired included."""
    _print(list_rule_rows(db.session(), [Kind.EXCEPTION]), as_json=as_json)


@rule_commands.command("add")
@click.argument("kind", type=click.Choice([kind.value for kind in _RULES]))
@click.option("--package", "packages", multiple=True, metavar="PATTERN", help="acme-*, !acme-x.")
@click.option("--versions", metavar="SPEC", help="Such as <2 or ==1.3.")
@click.option("--license", "licenses", multiple=True, metavar="PATTERN", help="AGPL-*, unknown.")
@click.option("--type", "file_kind", type=click.Choice([kind.value for kind in FileKind]))
@click.option("--tag", "tags", multiple=True, metavar="PATTERN", help="Of wheels: *-*-win*.")
@click.option("--days", type=click.IntRange(1, LONGEST_COOLDOWN), help="Of a cooldown.")
@click.option(
    "--not-after", type=click.DateTime(), metavar="WHEN", help="Of a freeze: date or time, in UTC."
)
@click.option("--reason", default="", metavar="TEXT", help="One line, which clients print.")
@with_appcontext
def add(
    *,
    kind: str,
    packages: Sequence[str],
    versions: str | None,
    licenses: Sequence[str],
    file_kind: str | None,
    tags: Sequence[str],
    days: int | None,
    not_after: datetime | None,
    reason: str,
) -> None:
    """Add a rule that does KIND, and print its number alone.

    It is about what fits all of the options; without options about everything.

    Example: packslip mirror rule add cooldown --days 7
    """
    rule = Rule(
        kind=Kind(kind),
        packages=_parts(packages),
        version_range=versions,
        licenses=_parts(licenses),
        file_kind=None if file_kind is None else FileKind(file_kind),
        tags=_parts(tags),
        days=days,
        not_after=None if not_after is None else not_after.replace(tzinfo=UTC),
        reason=reason,
    )
    _add(rule)


@exception_commands.command("add")
@click.argument("package")
@click.option("--versions", metavar="SPEC", help="Such as ==1.3; all without it.")
@click.option(
    "--days",
    type=click.IntRange(1, LONGEST_EXCEPTION),
    default=30,
    show_default=True,
    help="For how long.",
)
@click.option("--even-denied", is_flag=True, help="Also lift what is denied or not allowed.")
@click.option("--reason", default="", metavar="TEXT", help="One line.")
@with_appcontext
def add_exception(
    package: str, versions: str | None, days: int, even_denied: bool, reason: str
) -> None:
    """Let PACKAGE through although it is young, and print the number of the exception alone."""
    rule = Rule(
        kind=Kind.EXCEPTION,
        packages=(package,),
        version_range=versions,
        expires_at=datetime.now(UTC) + timedelta(days=days),
        lifts_deny=even_denied,
        reason=reason,
    )
    _add(rule)


@rule_commands.command("remove")
@click.argument("rule_id", type=int, metavar="ID")
@with_appcontext
def remove(rule_id: int) -> None:
    """Remove the rule ID."""
    _remove(rule_id, is_exception=False)


@exception_commands.command("remove")
@click.argument("rule_id", type=int, metavar="ID")
@with_appcontext
def remove_exception(rule_id: int) -> None:
    """End the exception ID."""
    _remove(rule_id, is_exception=True)


@click.command("explain")
@click.argument("name")
@click.argument("version", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def explain_command(name: str, version: str | None, as_json: bool) -> None:
    """Say which rule decides about the files of the package NAME, and why.

    Of a package that is not known here the rules are told that its name fits.
    """
    try:
        package_id = normalize_name(name)
    except InvalidPackageNameError as error:
        raise click.UsageError(str(error)) from None
    now, session = datetime.now(UTC), db.session()
    found = explain(session, package_id, version, now)
    rules = rules_by_name(session, package_id, now)
    if as_json:
        print_json({"package": package_id, "verdicts": found, "rules": [_told(r) for r in rules]})
    elif found:
        rows = [
            (
                one.version,
                one.filename or "all files",
                "allowed" if one.is_allowed else "refused",
                one.rule_id,
                one.text,
            )
            for one in found
        ]
        print_table(("Version", "File", "Verdict", "Rule", "Why"), rows)
    else:
        what = f"{package_id} {version}" if version else package_id
        told = "These rules are about its name:" if rules else "No rule is about its name."
        click.echo(f"{what} is not known here as mirrored. {told}", err=True)
        print_table(("Rule", "What it does"), [(rule.id, describe(rule)) for rule in rules])


def _add(rule: Rule) -> None:
    with db.write_transaction(db.session()) as session:
        rule_id = add_rule(session, Actor.command(), None, rule).id
    click.echo(rule_id)


def _remove(rule_id: int, *, is_exception: bool) -> None:
    with db.write_transaction(db.session()) as session:
        if (get_rule_row(session, rule_id).kind == Kind.EXCEPTION) is not is_exception:
            raise UnknownRuleError(rule_id)
        rule = remove_rule(session, Actor.command(), None, rule_id)
    click.echo(f"Removed: {describe(rule)}")


def _parts(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(part for one in given for part in split(one))


def _told(rule: Rule) -> dict[str, object]:
    return {"id": rule.id, "kind": rule.kind, "text": describe(rule)}


def _print(rows: Sequence[MirrorRule], *, as_json: bool) -> None:
    if as_json:
        print_json([rule_document(row) for row in rows])
        return
    now = datetime.now(UTC)
    print_table(
        ("ID", "What it does", "Reason", "Made by", "State"),
        [
            (
                row.id,
                describe(rule_of(row)),
                row.reason,
                row.username,
                "in force" if is_in_force(rule_of(row), now) else "expired",
            )
            for row in rows
        ],
    )
