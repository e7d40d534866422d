"""Texts that would do something on a page if they were ever taken for more than text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from typing import cast as typed

from flask import Flask
from sqlalchemy import JSON, String, Text, cast, inspect, literal, text, update
from sqlalchemy import select as select_rows
from sqlalchemy.orm import Session
from tests.helpers.app import make_app
from tests.helpers.browsing import Browser
from tests.helpers.everything import PACKAGE, add_everything, address_of
from tests.helpers.inside import Inside
from tests.helpers.server import Server

from packslip.accounts.models import User
from packslip.db import Base, db

#: The element, and the beginning of the attributes, that nothing but `TEXT` has.
ELEMENT = "x-hostile"
ATTRIBUTE = "data-hostile"

#: Ends whatever it may stand in, then begins elements, attributes, formulas and lines.
TEXT = (
    "=HYPERLINK(1)\"'><x-hostile data-hostile=1 onfocus=alert(1)></textarea></title></script>"
    "</style></option></select></template></noscript></svg><script>alert(1)</script>"
    "<img src=x onerror=alert(1)><svg onload=alert(1)><iframe srcdoc=x></iframe>]]>-->"
    "<a href=javascript:alert(1) style=x:y>x</a>\r\nX-Hostile: 1\x0b\x1b[2J\u202e{{7*191}}"
    "\" data-hostile=1 onfocus='alert(1)' ' data-hostile=1 <!--"
)

#: An address that does something.
ADDRESS = "javascript:alert(1)//\"'><x-hostile data-hostile=1>"

#: Versions that are none (PEP 440, arbitrary equality).
RANGE = "===\"'><x-hostile/data-hostile=1/onfocus=x>"

#: A description, in whatever language it is taken to be.
DESCRIPTION = f"""{TEXT}

[a](javascript:alert(1)) <javascript:alert(1)> ![b](javascript:alert(1)) [c](data:text/html,x)
[d]: javascript:alert(1) "{ATTRIBUTE}=1"
[d] [e](//evil.example.com "' onfocus=alert(1) x='") [f](JaVa\tScRiPt:alert(1)) [[{TEXT}]]
#{ELEMENT}

```"><x-hostile>
{TEXT}
```

`a <javascript:alert(1)>`_ `b <data:text/html,x>`__

.. image:: javascript:alert(1)
   :target: javascript:alert(1)
   :alt: "><x-hostile>

.. raw:: html

   <x-hostile data-hostile=1>

.. figure:: data:image/svg+xml,x
   :class: x" onfocus=alert(1)

{TEXT}
"""

#: What decides how a row is read, and is never a text that somebody typed.
_NO_TEXTS = frozenset(
    [
        "act",
        "action",
        "canonical_version",
        "credential_id",
        "day",
        "dimension",
        "etag",
        "file_kind",
        "hashed_code",
        "hashed_password",
        "hashed_secret",
        "id",
        "kind",
        "key",
        "last_modified",
        "latest_version",
        "leased_by",
        "license_id",
        "message_id",
        "origin",
        "packagetype",
        "public_key",
        "purpose",
        "role",
        "scope",
        "sha256",
        "md5",
        "blake2_256",
        "secret",
        "sort_key",
        "state",
        "status",
        "storage_key",
        "token",
        "totp_secret",
        "transports",
        "upstream_status",
        "value",
        "version",
        "visibility",
        "metadata_sha256",
        "metadata_offered",
        "compact",
        "events",
        "failed_at",
        "filename",
        "file",
        "package_id",
        "required_id",
        "language_id",
        "tag",
        "username",
        "tags",
        "packages",
        "digests",
        "licenses",
    ]
)

#: Which texts are addresses, and which are descriptions.
_ADDRESSES = frozenset({"home_page", "docs_url", "package_url", "url", "profile_image_url"})
_DESCRIPTIONS = frozenset({"body", "description"})

_URL = re.compile(r"https?://")


@dataclass(frozen=True)
class HostileIndex:
    """An application with everything that pages show."""

    app: Flask
    parts: dict[str, Any]
    users: dict[str, int]
    package: str = PACKAGE

    def fill(self, content_type: str) -> None:
        """Make every text in the database hostile; descriptions are of that type."""
        with self.app.app_context():
            assert len(_replace_texts(db.session(), content_type)) > 50
            db.session().commit()

    def browser(self, username: str | None) -> Browser:
        """A browser in which that user is logged in."""
        browser = Browser(self.app)
        if username is not None:
            browser.log_in_as(self.users[username])
        return browser

    def addresses(self) -> dict[str, str]:
        """An address at which something is for every rule that answers a GET."""
        found = {}
        for rule in self.app.url_map.iter_rules():
            if "GET" in (rule.methods or ()):
                # For what machines read nothing else is made.
                values = dict.fromkeys(rule.arguments, 1) | {
                    "id": f"PACKSLIP-{self.parts['note_id']}"
                }
                found[address_of(rule, values | self.parts)] = rule.rule
        return found


def make_hostile_index(folder: Path, database_url: str) -> HostileIndex:
    """An index with everything, whose texts are not hostile yet."""
    url = "http://localhost"
    app = make_app(
        folder,
        database_url,
        PACKSLIP_BASE_URL=url,
        PACKSLIP_REGISTRATION="open",
        PROPAGATE_EXCEPTIONS=False,
    )
    parts = add_everything(Inside(typed(Server, SimpleNamespace(url=url)), app), folder)
    with app.app_context():
        users = {user.username: user.id for user in db.session().scalars(select_rows(User))}
    return HostileIndex(app, parts, users)


def _replace_texts(session: Session, content_type: str) -> set[str]:
    """Replace every text that somebody may have typed, in SQLite; the names of the columns.

    What a database holds may be older than today's checks, and come from an import or a mirror.
    """
    replaced = set()
    # What keeps tables from being changed.
    triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%RAISE(%'"
    for (name,) in session.execute(text(triggers)).all():
        session.execute(text(f"DROP TRIGGER {name}"))
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if column.name in _NO_TEXTS or column.foreign_keys:
                continue
            if isinstance(column.type, String | Text):
                value: Any = content_type
                if column.name != "description_content_type":
                    # Some have to differ from each other.
                    value = literal(_hostile(column.name)) + cast(text("rowid"), String)
                statement = update(table).where(column.is_not(None)).values({column: value})
                session.execute(statement)
            elif isinstance(column.type, JSON):
                keys = list(inspect(table).primary_key)
                for *key, found in session.execute(table.select().with_only_columns(*keys, column)):
                    statement = update(table).values({column: _within(found, content_type)})
                    for one, value in zip(keys, key, strict=True):
                        statement = statement.where(one == value)
                    session.execute(statement)
            else:
                continue
            replaced.add(f"{table.name}.{column.name}")
    return replaced


def _within(found: Any, content_type: str, name: str = "") -> Any:
    if isinstance(found, dict):
        return {key: _within(value, content_type, key) for key, value in found.items()}
    if isinstance(found, list):
        return [_within(value, content_type, name) for value in found]
    if name == "description_content_type":
        return content_type
    if not isinstance(found, str) or name in _NO_TEXTS or name.endswith("_id"):
        return found
    return ADDRESS if _URL.match(found) else _hostile(name)


def _hostile(name: str) -> str:
    if name in _ADDRESSES:
        return ADDRESS
    if name == "version_range":
        return RANGE
    return DESCRIPTION if name in _DESCRIPTIONS else TEXT
