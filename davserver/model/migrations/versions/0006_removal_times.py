"""When something was removed; PostgreSQL gets a key that it lacked"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# Foreign keys point at these tables: columns are added, the tables are never made anew.
_NEVER = sa.text("'1970-01-01 00:00:00.000000'")


def upgrade() -> None:
    op.add_column("removal", sa.Column("at", sa.DateTime(), nullable=False, server_default=_NEVER))
    # When these went is not known: the time for which they are kept begins now.
    removal = sa.table("removal", sa.column("at", sa.DateTime()))
    op.execute(removal.update().values(at=datetime.now(UTC).replace(tzinfo=None)))
    if op.get_bind().dialect.name == "postgresql":
        # The first migration left this key to an ALTER TABLE; SQLite has it in the table itself.
        op.create_foreign_key(
            op.f("fk_user_dossier_id_dossier"), "user", "dossier", ["dossier_id"], ["id"]
        )
