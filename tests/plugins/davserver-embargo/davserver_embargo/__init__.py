"""Two policies: a folder that opens at an hour, and mailboxes that take no programs."""

from datetime import datetime

from davserver.model import Role
from davserver.policy import Act, Action, Decision, Policy

_TAKES = frozenset({Act.FETCH, Act.LEAVE, Act.RENAME})
_PROGRAMS = (b"MZ", b"\x7fELF", b"#!")


class Embargo(Policy):
    """What lies under a folder is fetched by nobody but the expert before an hour."""

    def __init__(self, under: str, until: datetime) -> None:
        if until.tzinfo is None:
            raise ValueError("until : il manque le décalage horaire (+01:00).")
        self._under = under
        self._until = until

    def judge(self, action: Action) -> Decision | None:
        if action.act not in _TAKES or not action.within(self._under):
            return None  # not our business
        if action.now >= self._until or action.actor.role is Role.EXPERT:
            return None
        return Decision.deny(
            f"Consultable à partir du {self._until:%d/%m/%Y à %H:%M}.", phrase="Sous embargo"
        )


class NoPrograms(Policy):
    """What begins like a program is no exhibit, whatever its name says."""

    def inspect(self, action: Action, head: bytes) -> Decision | None:
        if not head.startswith(_PROGRAMS):
            return None
        return Decision.deny(
            f"« {action.name} » est un programme, pas une pièce : déposez le document lui-même.",
            phrase="Programme refuse",
        )
