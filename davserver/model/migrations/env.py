"""Alembic's entry: runs the migrations on the connection that the program hands over."""

from typing import Any, Literal

from alembic import context

from davserver.model import Base
from davserver.model.columns import Utc, Word


def plain_type(kind: str, item: Any, autogenerate: Any) -> str | Literal[False]:
    """A migration names the type as it was then, not ours as it will be."""
    if kind == "type" and isinstance(item, Utc):
        return "sa.DateTime()"
    if kind == "type" and isinstance(item, Word):
        return f"sa.String({item.length})"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    render_item=plain_type,
)
with context.begin_transaction():
    context.run_migrations()
