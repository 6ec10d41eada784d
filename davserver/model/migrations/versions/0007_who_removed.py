"""Who took a name away from a folder"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    # Of those before nobody asks any more: only what was renamed a moment ago can come back.
    op.add_column("removal", sa.Column("actor_id", sa.BigInteger(), nullable=True))
