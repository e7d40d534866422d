"""Pages of the documentation that are made from the code: `python -m tools.reference`.

A test makes them too, and fails when one is not as the code is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path

from flask import Flask
from sqlalchemy import Column
from sqlalchemy.dialects import postgresql
from werkzeug.routing import Rule

from packslip.app import create_app
from packslip.db import Base
from packslip.events.models import Action

FOLDER = Path(__file__).parent.parent / "docs" / "reference"

_MADE = "<!-- Made by tools/reference.py from the code. -->\n"


def pages() -> Mapping[str, str]:
    """The pages by filename."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app({"PACKSLIP_DATA": folder, "PACKSLIP_UPSTREAM_URL": ""})
        return {
            "addresses.md": _addresses(app),
            "tables.md": _tables(),
            "events.md": _events(),
        }


def _addresses(app: Flask) -> str:
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, _methods(rule)))
    rows = [
        (f"`{rule.rule}`", ", ".join(_methods(rule)), _summary(app.view_functions[rule.endpoint]))
        for rule in rules
        if rule.endpoint != "static"
    ]
    return _page(
        "All addresses",
        "What the [main ones](../api.md) are for, and what they take, is told there. `HEAD` works "
        "wherever `GET` does.",
        _table(("address", "methods", "what"), rows),
    )


def _methods(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def _tables() -> str:
    classes = {mapper.local_table: mapper.class_ for mapper in Base.registry.mappers}
    parts = []
    for table in sorted(Base.metadata.tables.values(), key=lambda table: table.name):
        rows = [_column(column) for column in table.columns]
        summary = _summary(classes[table]) if table in classes else ""
        parts.append(
            f"## {table.name}\n\n{summary}\n\n" + _table(("column", "type", "rules"), rows)
        )
    return _page(
        "Tables",
        "The schema as PostgreSQL has it; SQLite has the same names. Times are UTC. The next "
        "version may have others: programs had better use [the API](../api.md).",
        "\n".join(parts),
    )


def _column(column: Column[object]) -> tuple[str, str, str]:
    kind = column.type.compile(postgresql.dialect())  # type: ignore[no-untyped-call]
    rules = ["key"] if column.primary_key else []
    rules += [f"→ `{key.target_fullname}`" for key in column.foreign_keys]
    rules += ["may be empty"] if column.nullable else []
    return f"`{column.name}`", kind.lower(), ", ".join(rules)


def _events() -> str:
    things = groupby(Action, key=lambda action: action.value.partition(".")[0])
    rows = [
        (f"`{thing}`", ", ".join(f"`{action.value}`" for action in actions))
        for thing, actions in things
    ]
    return _page(
        "Events",
        "What the [audit log](../admin.md) records, and nothing else. Each has a time, an actor, "
        "what it is about, and what was there before and after.",
        _table(("about", "events"), rows),
    )


def _summary(thing: object) -> str:
    return (thing.__doc__ or "").strip().partition("\n")[0].replace("|", "\\|")


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _page(title: str, text: str, rest: str) -> str:
    return f"# {title}\n\n{_MADE}\n{text}\n\n{rest}"


def main() -> None:
    """Write the pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
