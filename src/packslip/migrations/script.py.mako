"""${message}."""

import sqlalchemy as sa
from alembic import op

import packslip.db
${imports if imports else ""}
revision = "${up_revision}"
down_revision = ${'"%s"' % down_revision if down_revision else None}

#: The oldest revision whose version of Packslip can use the schema from now on.
works_with = ${'"%s"' % down_revision if down_revision else None}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
