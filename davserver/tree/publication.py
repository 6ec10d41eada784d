"""Showing content to others: the act PUBLISH, with what is known of the very content.

What may not be shown yet stays its author's unfinished file, or is refused where something that
others have would be replaced by it.
"""

from collections.abc import Sequence

from sqlalchemy import select

from davserver.errors import Unavailable
from davserver.inspection import contents
from davserver.model import Dossier, Node, NodeKind, NodeState
from davserver.policy import Act, Action, Decision
from davserver.policy.gate import refusal
from davserver.storage import Stored
from davserver.tree.members import ids_below
from davserver.tree.write import Content, content_of
from davserver.work import Work


class Unchecked(Unavailable):
    """Nothing is known of a content that is to be shown at once; with a verdict it may be."""

    def __init__(self, decision: Decision, stored: Stored) -> None:
        sentence = f"{decision.reason} Rien n'a changé : recommencez dans un moment."
        super().__init__(sentence, phrase=decision.phrase)
        self.stored = stored


def judged(
    work: Work,
    dossier: Dossier,
    folders: Sequence[Node],
    name: str,
    content: Content,
    *,
    node: Node | None = None,
) -> Decision:
    """Whether ``content`` may be shown under ``name``, as ``node`` or as it comes."""
    return work.gate.judge(_action(work, dossier, folders, name, content, node))


def permits(
    work: Work, dossier: Dossier, folders: Sequence[Node], name: str, content: Content
) -> bool:
    """Whether ``content`` may be shown now."""
    return judged(work, dossier, folders, name, content).allowed


def require(
    work: Work, dossier: Dossier, folders: Sequence[Node], name: str, content: Content
) -> None:
    """Raise Unchecked where only a verdict is missing, Refused where ``content`` may not be
    shown."""
    action = _action(work, dossier, folders, name, content, None)
    decision = work.gate.judge(action)
    if decision.allowed:
        return
    if decision.passes and action.verdict is None and content.stored is not None:
        raise Unchecked(decision, content.stored)
    raise refusal(decision, action.act)


def require_all(work: Work, there: Dossier, folders: Sequence[Node], node: Node) -> None:
    """As :func:`require`, for all that others have of ``node`` and see in another folder now.

    Sealed pieces were judged for good; what becomes a deposit is judged at its seal.
    """
    active = work.settings.antivirus.active
    for found in work.session.scalars(
        select(Node).where(
            Node.id.in_(select(ids_below(node.id).c.id)),
            Node.kind == NodeKind.FILE,
            Node.state == NodeState.PUBLISHED,
            Node.number.is_(None),
            Node.size > 0,
            contents.without_clean_verdict(active=active),
        )
    ):
        require(work, there, folders, found.name, content_of(work, found))


def _action(
    work: Work,
    dossier: Dossier,
    folders: Sequence[Node],
    name: str,
    content: Content,
    node: Node | None,
) -> Action:
    found = None
    if content.stored is not None:
        active = work.settings.antivirus.active
        found = contents.known(work.session, content.stored, work.now, active=active)
    return work.action(
        Act.PUBLISH,
        dossier,
        folders,
        node,
        name=name,
        size=content.size,
        verdict=found.verdict if found else None,
        finding=found.finding if found else "",
    )
