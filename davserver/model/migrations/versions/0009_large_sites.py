"""Finding what is not shown among all that is; when a folder came with all below it"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_HIDDEN = sa.text("state <> 'published'")


def upgrade() -> None:
    op.add_column(
        "node", sa.Column("came", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )
    op.create_index(
        "ix_node_hidden",
        "node",
        ["state", "author_id"],
        sqlite_where=_HIDDEN,
        postgresql_where=_HIDDEN,
    )
