"""Sum downloads up by day."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

import packslip.db

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "download_sums",
        sa.Column("package_id", packslip.db.BytewiseText, nullable=False),
        sa.Column("dimension", sa.String(length=12), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("value", packslip.db.BytewiseText, nullable=False),
        sa.Column("downloads", sa.BigInteger(), nullable=False),
        *_times(),
        sa.PrimaryKeyConstraint(
            "package_id", "dimension", "day", "value", name=op.f("pk_download_sums")
        ),
    )
    op.create_index(op.f("ix_download_sums_created_at"), "download_sums", ["created_at"])
    op.create_table(
        "download_totals",
        sa.Column("package_id", packslip.db.BytewiseText, nullable=False),
        sa.Column("downloads", sa.BigInteger(), nullable=False),
        sa.Column("recent", sa.BigInteger(), nullable=False),
        sa.Column("last_at", packslip.db.UTCDateTime(), nullable=False),
        sa.Column("recent_on", sa.Date(), nullable=False),
        *_times(),
        sa.PrimaryKeyConstraint("package_id", name=op.f("pk_download_totals")),
    )
    for column in ("created_at", "last_at", "recent"):
        op.create_index(op.f(f"ix_download_totals_{column}"), "download_totals", [column])
    _fill()


def downgrade() -> None:
    op.drop_table("download_totals")
    op.drop_table("download_sums")


def _times() -> list[sa.Column[Any]]:
    return [
        sa.Column(
            name,
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        )
        for name in ("updated_at", "created_at")
    ]


def _fill() -> None:
    """Sum up what was recorded so far; release 0.1 recorded for a few weeks only."""
    connection = op.get_bind()
    downloads = sa.table(
        "downloads",
        sa.column("created_at", packslip.db.UTCDateTime()),
        *(sa.column(name) for name in ("package_id", "release_id")),
        *(sa.column(name) for name in ("installer", "python_version", "system")),
    )
    found = connection.execute(sa.text("SELECT id, version FROM releases"))
    versions = {release: version for release, version in found}
    sums: Counter[tuple[Any, ...]] = Counter()
    last: dict[str, datetime] = {}
    rows = connection.execute(sa.select(downloads), execution_options={"yield_per": 10_000})
    for at, package, release, installer, python, system in rows:
        minor = ".".join(python.split(".")[:2]) if python else ""
        shared = [("total", ""), ("installer", installer or ""), ("python", minor)]
        for name in (package, ""):
            for dimension, value in [*shared, ("system", system or "")]:
                sums[name, dimension, at.date(), value] += 1
            last[name] = max(last.get(name, at), at)
        sums[package, "release", at.date(), versions.get(release, "")] += 1
    names = ("package_id", "dimension", "day", "value", "downloads")
    _insert("download_sums", [dict(zip(names, (*key, number))) for key, number in sums.items()])
    today = datetime.now(UTC).date()
    first = today - timedelta(days=29)
    totals: Counter[str] = Counter()
    recent: Counter[str] = Counter()
    for (package, dimension, day, _), number in sums.items():
        if dimension == "total":
            totals[package] += number
            recent[package] += number if day >= first else 0
    _insert(
        "download_totals",
        [
            {
                "package_id": package,
                "downloads": totals[package],
                "recent": recent[package],
                "last_at": at,
                "recent_on": today,
            }
            for package, at in last.items()
        ],
    )


_TYPES: dict[str, Any] = {"day": sa.Date(), "recent_on": sa.Date(), "last_at": packslip.db.UTCDateTime()}


def _insert(name: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        columns: list[sa.ColumnClause[Any]] = [sa.column(n, _TYPES.get(n)) for n in rows[0]]
        op.get_bind().execute(sa.insert(sa.table(name, *columns)), rows)
