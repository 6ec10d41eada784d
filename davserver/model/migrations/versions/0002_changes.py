"""What changed, in order: the ground of folder ETags and of synchronisation"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# Foreign keys point at these tables: columns are added, the tables are never made anew.
_NEVER = sa.text("'1970-01-01 00:00:00.000000'")
_NONE = sa.text("0")


def upgrade() -> None:
    op.add_column(
        "dossier", sa.Column("change", sa.BigInteger(), nullable=False, server_default=_NONE)
    )
    op.add_column(
        "node", sa.Column("written", sa.DateTime(), nullable=False, server_default=_NEVER)
    )
    op.execute("UPDATE node SET written = modified")
    for name in ("change", "members_change"):
        op.add_column(
            "node", sa.Column(name, sa.BigInteger(), nullable=False, server_default=_NONE)
        )
    op.create_index("ix_node_change", "node", ["dossier_id", "change"])
    op.add_column(
        "node",
        sa.Column("spelt", sa.String(length=255), nullable=False, server_default=sa.text("''")),
    )
    op.add_column("deposit", sa.Column("receiving_until", sa.DateTime(), nullable=True))
    op.create_table(
        "removal",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "dossier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "parent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("node_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("only_for", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dossier_id"],
            ["dossier.id"],
            name=op.f("fk_removal_dossier_id_dossier"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["node.id"], name=op.f("fk_removal_parent_id_node"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["only_for"], ["user.id"], name=op.f("fk_removal_only_for_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removal")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_removal_change", "removal", ["dossier_id", "change"])
    op.create_index("ix_removal_parent_id", "removal", ["parent_id"])
