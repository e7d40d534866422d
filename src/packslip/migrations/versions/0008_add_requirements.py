"""Keep which package requires which."""

from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from alembic import op

import packslip.db
from packslip.packages.requirements import required_packages

revision = "0008"
down_revision = "0007"

#: Packages that are looked at together.
BATCH = 500

_RELEASES = sa.table(
    "releases",
    *(sa.column(name) for name in ("id", "package_id", "yanked", "is_prerelease", "sort_key")),
    sa.column("metadata", sa.JSON()),
)
_REQUIREMENTS = sa.table(
    "requirements", *(sa.column(name) for name in ("package_id", "required_id", "text"))
)


def upgrade() -> None:
    op.create_table(
        "requirements",
        sa.Column("package_id", packslip.db.BytewiseText, nullable=False),
        sa.Column("required_id", packslip.db.BytewiseText, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column(
            "updated_at",
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            packslip.db.UTCDateTime(),
            server_default=packslip.db.utc_now(),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["package_id"],
            ["packages.id"],
            name=op.f("fk_requirements_package_id_packages"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("package_id", "required_id", name=op.f("pk_requirements")),
    )
    op.create_index(op.f("ix_requirements_created_at"), "requirements", ["created_at"])
    op.create_index(
        op.f("ix_requirements_required_id_package_id"), "requirements", ["required_id", "package_id"]
    )
    _fill()


def downgrade() -> None:
    op.drop_table("requirements")


def _fill() -> None:
    """Read what the packages that are there require, some hundred at a time."""
    packages, last = sa.table("packages", sa.column("id")), ""
    query = sa.select(packages.c.id).order_by(packages.c.id).limit(BATCH)
    while ids := op.get_bind().scalars(query.where(packages.c.id > last)).all():
        last = ids[-1]
        rows = [
            {"package_id": package_id, "required_id": required_id, "text": text}
            for package_id, metadata in _described(list(ids)).items()
            for required_id, text in required_packages(
                package_id, metadata.get("requires_dist", ())
            ).items()
        ]
        if rows:
            op.get_bind().execute(sa.insert(_REQUIREMENTS), rows)


def _described(packages: list[str]) -> dict[str, dict[str, Any]]:
    """The metadata of the release that speaks for each package, if there is any."""
    by_precedence = (
        sa.select(_RELEASES.c.id, _RELEASES.c.package_id)
        .where(_RELEASES.c.package_id.in_(packages))
        .order_by(_RELEASES.c.yanked, _RELEASES.c.is_prerelease, _RELEASES.c.sort_key.desc())
    )
    releases: defaultdict[str, list[int]] = defaultdict(list)
    for release_id, package_id in op.get_bind().execute(by_precedence):
        releases[package_id].append(release_id)
    found: dict[str, dict[str, Any]] = {}
    while releases:
        # One step is enough for nearly all: reading the metadata of all releases takes long.
        query = sa.select(_RELEASES.c.package_id, _RELEASES.c.metadata)
        firsts = [ids.pop(0) for ids in releases.values()]
        for package_id, metadata in op.get_bind().execute(query.where(_RELEASES.c.id.in_(firsts))):
            if metadata:
                found[package_id] = metadata
        releases = defaultdict(
            list, {p: ids for p, ids in releases.items() if ids and p not in found}
        )
    return found
