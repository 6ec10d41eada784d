"""What the antivirus said of contents, and the deposits that are held"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_NO = sa.false()


def upgrade() -> None:
    op.create_table(
        "inspection",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("verdict", sa.String(40), nullable=True),
        sa.Column("finding", sa.String(length=200), nullable=False),
        sa.Column("engine", sa.String(length=120), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retry_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection")),
        sa.UniqueConstraint("sha256", name=op.f("uq_inspection_sha256")),
        sqlite_autoincrement=True,
    )
    # Foreign keys point at this table: columns are added, the table is never made anew.
    for name in ("direct", "held_told"):
        op.add_column("deposit", sa.Column(name, sa.Boolean(), nullable=False, server_default=_NO))
    for name in ("held_at", "look_at", "released_at"):
        op.add_column("deposit", sa.Column(name, sa.DateTime(), nullable=True))
