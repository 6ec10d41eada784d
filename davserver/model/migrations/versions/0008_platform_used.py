"""How many bytes the dossiers of a platform take together"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column(
        "platform",
        sa.Column("used", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
    )
    op.execute(
        "UPDATE platform SET used = (SELECT coalesce(sum(dossier.used), 0) FROM dossier"
        " WHERE dossier.platform_id = platform.id)"
    )
