"""Find the newest hosted packages and releases among any number of mirrored ones."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    origin = sa.Column("origin", sa.String(16), server_default="hosted", nullable=False)
    op.add_column("releases", origin)
    op.execute(
        "UPDATE releases SET origin = 'mirrored'"
        " WHERE package_id IN (SELECT id FROM packages WHERE origin = 'mirrored')"
    )
    for table in ("packages", "releases"):
        name = op.f(f"ix_{table}_origin_created_at")
        op.create_index(name, table, ["origin", "created_at"])


def downgrade() -> None:
    for table in ("releases", "packages"):
        op.drop_index(op.f(f"ix_{table}_origin_created_at"), table)
    op.drop_column("releases", "origin")
