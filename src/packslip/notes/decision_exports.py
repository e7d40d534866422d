"""The decision log as Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from packslip.notes.decisions import Decision

_COLUMNS = ("id", "at", "what", "package", "about", "act", "who", "note", "title", "url")

#: What Markdown, or HTML in it, would take for more than text.
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+!|~&-])")

#: With these a spreadsheet takes what follows for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def decision_data(decision: Decision, base: str) -> dict[str, Any]:
    """The entry as it is written in JSON; `base` is the address of this index."""
    note_id = decision.note_id
    return {
        "id": decision.id,
        "at": decision.at,
        "what": decision.what,
        "package": decision.package,
        "about": decision.about,
        "act": decision.act,
        "who": decision.who,
        "note": note_id,
        "title": decision.title,
        "url": None if note_id is None else f"{base}/notes/{note_id}",
    }


def as_json(decisions: Sequence[Decision], heading: str, base: str) -> bytes:
    """One JSON object with all entries."""
    entries = [decision_data(one, base) for one in decisions]
    return msgspec.json.format(msgspec.json.encode({"title": heading, "entries": entries}))


def as_csv(decisions: Sequence[Decision], heading: str, base: str) -> bytes:
    """A table with a row for the names of its columns (RFC 4180)."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for one in decisions:
        data = decision_data(one, base) | {"at": one.at.isoformat()}
        writer.writerow([_cell(data[name]) for name in _COLUMNS])
    return text.getvalue().encode()


def as_markdown(decisions: Sequence[Decision], heading: str, base: str) -> bytes:
    """A heading and a table."""
    lines = [
        f"# {_plain(heading)}",
        "",
        "| When (UTC) | What | Package | By | Why |",
        "|---|---|---|---|---|",
    ]
    for one in decisions:
        subject = " ".join(_plain(text) for text in (one.package, one.about) if text)
        cells = (f"{one.at:%Y-%m-%d %H:%M}", one.what, subject, _plain(one.who), _why(one, base))
        lines.append(f"| {' | '.join(cells)} |")
    return ("\n".join(lines) + "\n").encode()


#: By what `?format=` says: how it is written, and its media type.
FORMATS: Mapping[str, tuple[Callable[[Sequence[Decision], str, str], bytes], str]] = {
    "md": (as_markdown, "text/markdown"),
    "csv": (as_csv, "text/csv"),
    "json": (as_json, "application/json"),
}


def _why(decision: Decision, base: str) -> str:
    if decision.note_id is None:
        return _plain(decision.title)
    title = _plain(decision.title) or "without a title"
    return f"{title} ([note {decision.note_id}]({base}/notes/{decision.note_id}))"


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
