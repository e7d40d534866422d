"""Find what is hosted, and names that nobody has, among any number of mirrored packages.

Who watches a package can be told of new upstream releases.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_INDEXES = {
    "packages": ["origin", "created_at"],
    "releases": ["origin", "created_at"],
    "mirror_pages": ["state", "updated_at"],
}


def upgrade() -> None:
    origin = sa.Column("origin", sa.String(16), server_default="hosted", nullable=False)
    op.add_column("releases", origin)
    op.execute(
        "UPDATE releases SET origin = 'mirrored'"
        " WHERE package_id IN (SELECT id FROM packages WHERE origin = 'mirrored')"
    )
    op.add_column(
        "watches",
        sa.Column("of_releases", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    for table, columns in _INDEXES.items():
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, columns)


def downgrade() -> None:
    for table, columns in _INDEXES.items():
        op.drop_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table)
    op.drop_column("watches", "of_releases")
    op.drop_column("releases", "origin")
