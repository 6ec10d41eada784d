"""Finding what is hidden, and folders, among all nodes; when a folder came with all below it"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_PARTS = {
    "ix_node_hidden": (["state", "author_id"], sa.text("state <> 'published'")),
    "ix_node_folder": (["dossier_id"], sa.text("kind = 'folder'")),
    "ix_node_source": (["dossier_id"], sa.text("role = 'source'")),
}


def upgrade() -> None:
    op.add_column(
        "node", sa.Column("came", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )
    for name, (columns, part) in _PARTS.items():
        op.create_index(name, "node", columns, sqlite_where=part, postgresql_where=part)
