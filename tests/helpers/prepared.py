"""Data folders of which the first set-up is done, without the time that it takes."""

from __future__ import annotations

import functools
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.helpers.databases import SQLiteDatabases

#: The first admin, and their password.
ADMIN = "root"
PASSWORD = "correct horse battery"

_HASHED_PASSWORD = (
    "$argon2id$v=19$m=32768,t=3,p=1"
    "$IBnT5e9xehaNXhaIhJnlfg$A19UHHyM/yCj9016cIZznyt0CZt9NeOn6xI3iLVBvPE"
)


def prepare_data(data: Path) -> None:
    """Give the data folder a database unless it has one, and the index an admin unless
    somebody can log in."""
    data.mkdir(parents=True, exist_ok=True)
    path = data / "packslip.db"
    if not path.exists():
        path.write_bytes(_empty_database())
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "INSERT INTO users (username, name, email, hashed_password, role)"
            " SELECT ?, '', ?, ?, 'admin'"
            " WHERE NOT EXISTS (SELECT 1 FROM users WHERE hashed_password IS NOT NULL)",
            (ADMIN, f"{ADMIN}@example.com", _HASHED_PASSWORD),
        )


@functools.cache
def _empty_database() -> bytes:
    with TemporaryDirectory() as folder:
        return SQLiteDatabases(Path(folder)).template.read_bytes()
