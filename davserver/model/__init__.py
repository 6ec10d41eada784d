"""The rows: what is true is in the database.

One module per subject; :mod:`davserver.model.database` opens it. Ids are never reused, times are
UTC, sizes are bytes. Rights and rules are kept by id, never by path or login.
"""

from davserver.model.accounts import (
    DevicePassword,
    Group,
    LoginTrace,
    Membership,
    SecondFactor,
    User,
    UserKind,
)
from davserver.model.alerts import (
    AlertRule,
    Message,
    MessageKind,
    MessageLine,
    Recipient,
    RecipientLine,
    RecipientState,
)
from davserver.model.columns import Base
from davserver.model.dossiers import (
    LIVE_STATES,
    Dossier,
    DossierKind,
    DossierState,
    Participant,
    Party,
    Platform,
    Representation,
    Role,
)
from davserver.model.journal import JournalLine
from davserver.model.rights import Grant
from davserver.model.site import SiteIdentity
from davserver.model.tree import (
    Blob,
    DeadProperty,
    Deposit,
    Lock,
    Node,
    NodeKind,
    NodeRole,
    NodeState,
    Removal,
)

__all__ = [
    "LIVE_STATES",
    "AlertRule",
    "Base",
    "Blob",
    "DeadProperty",
    "Deposit",
    "DevicePassword",
    "Dossier",
    "DossierKind",
    "DossierState",
    "Grant",
    "Group",
    "JournalLine",
    "Lock",
    "LoginTrace",
    "Membership",
    "Message",
    "MessageKind",
    "MessageLine",
    "Node",
    "NodeKind",
    "NodeRole",
    "NodeState",
    "Participant",
    "Party",
    "Platform",
    "Recipient",
    "RecipientLine",
    "RecipientState",
    "Removal",
    "Representation",
    "Role",
    "SecondFactor",
    "SiteIdentity",
    "User",
    "UserKind",
]
