"""Who may do what, told to clients: the reading side of RFC 3744, and RFC 5397.

Rights are given by the commands and the web pages, never by ACL: its privileges are too coarse for
« may add, neither change nor remove ». What is told here is what the rights amount to in them.
"""

from collections.abc import Callable
from xml.sax.saxutils import escape

from davserver.policy.rights import Rights
from davserver.providers.address import href
from davserver.providers.view import View
from davserver.work.rights_map import Given, Principal

PRINCIPALS = "/principals/"
_PRIVILEGES = {
    "read": Rights.VIEW,
    "write-content": Rights.MODIFY,
    "write-properties": Rights.MODIFY,
    "bind": Rights.ADD,
    "unbind": Rights.DELETE,
    "read-acl": Rights.MANAGE,
}


def principal_href(principal: Principal) -> str:
    """The address of a user or of a group."""
    kind, number = principal
    return f"{PRINCIPALS}{kind}s/{number}"


def _href(path: str) -> str:
    return f"<D:href>{path}</D:href>"


def _privileges(names: list[str]) -> str:
    return "".join(f"<D:privilege><D:{name}/></D:privilege>" for name in names)


def _own_privileges(view: View) -> str:
    granted = ["read-current-user-privilege-set"]
    if Rights.VIEW in view.rights or Rights.BROWSE in view.rights:
        granted.append("read")
    if view.node.is_folder and Rights.ADD in view.rights:
        granted.append("bind")
    if view.facts.changeable:
        granted += ["write-content", "write-properties"]
    if view.own_open or (Rights.DELETE in view.rights and not view.node.is_piece):
        granted.append("unbind")
    if Rights.MANAGE in view.rights:
        granted.append("read-acl")
    return _privileges(granted)


def _owner(view: View) -> str:
    """The author; of what nobody in particular made, the expert, whose dossier it is."""
    owner = view.node.author_id
    if owner is None and view.dossier is not None:
        owner = view.dossier.platform.expert_id
    return _href(principal_href(("user", owner))) if owner is not None else ""


def _acl(view: View) -> str | None:
    """The grants that count here: all of them for who manages rights, else one's own."""
    if view.dossier is None:
        return None
    rights_map = view.work.rights_map(view.dossier)
    own = rights_map.principals(view.work.actor.id)
    told = [
        given
        for given in rights_map.all_given(view.chain)
        if Rights.MANAGE in view.rights or given.principal in own
    ]
    return "".join(_ace(view, given) for given in told)


def _ace(view: View, given: Given) -> str:
    names = [name for name, right in _PRIVILEGES.items() if right in given.rights]
    if not names:
        return ""  # « naviguer » alone has no word in RFC 3744
    here = view.chain and given.folder_id == view.chain[-1] and view.node.is_folder
    mark = "" if here else f"<D:inherited>{_href(_home(view, given.folder_id))}</D:inherited>"
    return (
        f"<D:ace><D:principal>{_href(principal_href(given.principal))}</D:principal>"
        f"<D:grant>{_privileges(names)}</D:grant><D:protected/>{mark}</D:ace>"
    )


def _home(view: View, folder_id: int) -> str:
    """The address of the folder on the way down that bears a grant."""
    depth = view.chain.index(folder_id)
    return escape(href(view.path[: depth + 1], folder=True))


def _supported(view: View) -> str:
    """All privileges, in the one tree of them (RFC 3744 §5.3)."""
    words = {
        "read": "Lire",
        "read-acl": "Lire les droits",
        "read-current-user-privilege-set": "Lire ses propres droits",
        "write-content": "Modifier le contenu",
        "write-properties": "Modifier les propriétés",
        "bind": "Ajouter",
        "unbind": "Supprimer",
    }
    inner = "".join(
        f"<D:supported-privilege><D:privilege><D:{name}/></D:privilege>"
        f'<D:description xml:lang="fr">{word}</D:description></D:supported-privilege>'
        for name, word in words.items()
    )
    return (
        "<D:supported-privilege><D:privilege><D:all/></D:privilege><D:abstract/>"
        f'<D:description xml:lang="fr">Tout</D:description>{inner}</D:supported-privilege>'
    )


PROPERTIES: dict[str, Callable[[View], str | None]] = {
    # Told only to who asks for them by name (RFC 3744 §5).
    "owner": _owner,
    "supported-privilege-set": _supported,
    "current-user-privilege-set": _own_privileges,
    "acl": _acl,
    "acl-restrictions": lambda _: "<D:grant-only/><D:no-invert/>",
    "principal-collection-set": lambda _: _href(PRINCIPALS),
    "current-user-principal": lambda view: _href(principal_href(("user", view.work.actor.id))),
}
