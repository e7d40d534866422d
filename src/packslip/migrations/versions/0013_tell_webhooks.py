"""Say which webhooks may reach private networks, and by what their receivers know a message."""

import sqlalchemy as sa
from alembic import op

import packslip.db

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column(
        "webhooks",
        sa.Column("allow_private", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column(
        "webhook_deliveries",
        sa.Column("message_id", sa.String(40), server_default="", nullable=False),
    )
    op.add_column(
        "webhook_deliveries", sa.Column("attempted_at", packslip.db.UTCDateTime(), nullable=True)
    )


def downgrade() -> None:
    op.drop_column("webhook_deliveries", "attempted_at")
    op.drop_column("webhook_deliveries", "message_id")
    op.drop_column("webhooks", "allow_private")
