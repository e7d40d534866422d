"""Migrations neither lock big tables nor break the version that runs beside the new one."""

from __future__ import annotations

import pytest
from tests.helpers.migration_linter import faults_of

from packslip.app import MIGRATIONS

#: Made before there was anything to lock or to break: the first release comes with all of them.
BEFORE_THE_FIRST_RELEASE = range(1, 20)

#: Migrations that may do what the linter warns of, each with why.
ALLOWED = {
    "0020_partition_downloads": "has its own test: what it locks, it locks for a moment",
    "0024_keep_attestations": "the triggers of the table that it makes",
}

HEAD = """
import sqlalchemy as sa
from alembic import op
works_with = "0001"
def upgrade():
    """


def test_new_migrations_lock_and_break_nothing() -> None:
    found = {
        path.stem: faults_of(path.read_text(encoding="utf-8"))
        for path in sorted((MIGRATIONS / "versions").glob("[0-9]*.py"))
        if int(path.stem[:4]) not in BEFORE_THE_FIRST_RELEASE
    }
    assert {name for name, faults in found.items() if faults} == set(ALLOWED), found


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ('op.create_index("ix", "files", ["size"])', "locks the table"),
        ('op.create_index(op.f("ix"), table_name="files", columns=["size"])', "locks the table"),
        ('for t in ("a",): op.create_index("ix", t, ["size"])', "locks the table"),
        ('op.add_column("files", sa.Column("x", sa.Text(), nullable=False))', "neither nullable"),
        ('op.add_column("files", sa.Column("x", sa.Text()))', "neither nullable"),
        ('op.add_column("files", made_elsewhere)', "not written here"),
        ('op.alter_column("files", "size", type_=sa.Text())', "changes a type"),
        ('op.alter_column("files", "size", new_column_name="bytes")', "renames"),
        ('op.alter_column("files", "size", nullable=False)', "every row"),
        ('op.rename_table("files", "archives")', "renames"),
        ('op.drop_column("files", "size")', "takes a column away"),
        ('op.execute("UPDATE files SET size = 0")', "nothing is known"),
        ('op.create_foreign_key("fk", "files", "users", ["u"], ["id"])', "every row"),
        ('op.create_unique_constraint("uq", "files", ["size"])', "locks the table"),
    ],
)
def test_the_linter_sees_what_locks_or_breaks(change: str, fault: str) -> None:
    found = faults_of(HEAD + change)
    assert len(found) == 1
    assert fault in found[0]


@pytest.mark.parametrize(
    "change",
    [
        'op.create_table("new", sa.Column("x", sa.Text())); op.create_index("i", "new", ["x"])',
        'op.add_column("files", sa.Column("x", sa.Text(), nullable=True))',
        'op.add_column("files", sa.Column("x", sa.Text(), server_default="", nullable=False))',
        'op.alter_column("files", "size", nullable=True)',
        'schema_changes.create_index("ix", "files", ["size"])',
        'op.create_foreign_key("fk", "files", "users", ["u"], ["id"], postgresql_not_valid=True)',
        'pass\ndef downgrade():\n    op.drop_column("files", "size")',
    ],
)
def test_the_linter_lets_pass_what_does_neither(change: str) -> None:
    assert faults_of(HEAD + change) == []


def test_a_migration_says_which_version_works_with_it() -> None:
    assert faults_of("def upgrade():\n    pass") == [
        "it does not say which version `works_with` it"
    ]
