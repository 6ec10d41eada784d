"""Who the site is: its rows, its bytes and its data folder must be of one and the same."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from davserver.model.columns import Base, Id, Time


class SiteIdentity(Base):
    """The one row that names the site: 32 hexadecimal digits, chosen when it was made.

    The store of the bytes and the data folder of each machine bear the same name, so that an empty
    or a foreign one is never taken for the site's own.
    """

    __tablename__ = "site"

    id: Mapped[Id]
    identity: Mapped[str] = mapped_column(String(32), unique=True)
    created: Mapped[Time]
