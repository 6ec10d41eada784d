"""« /principals/ »: the people and groups that access control names (RFC 3744 §2, §4), to be read.

One finds there oneself, one's groups, and the people of one's dossiers; nobody else exists.
"""

from xml.sax.saxutils import escape

from davserver.accounts import principals
from davserver.errors import NotAllowed, NotFound
from davserver.providers import listing
from davserver.providers.access import PRINCIPALS, principal_href
from davserver.providers.answers import CLASSES, Answer, multistatus, propstats, response
from davserver.providers.exchange import Exchange
from davserver.providers.live import empty
from davserver.work import Work

NAME = PRINCIPALS.strip("/")
METHODS = ("OPTIONS", "PROPFIND")
_Properties = dict[str, str]  # by Clark name: the inner XML


def answer(exchange: Exchange) -> Answer:
    """OPTIONS and PROPFIND; nothing here can be changed."""
    if exchange.method == "OPTIONS":
        return Answer(200, (*CLASSES, ("Allow", ", ".join(METHODS))))
    if exchange.method != "PROPFIND":
        raise NotAllowed("Cette opération n'a pas de sens ici.")
    depth = exchange.depth("1", ("0", "1", "infinity"))
    if depth == "infinity":
        raise listing.Endless
    asked = listing.asked(exchange.xml(), minimal=exchange.prefers("return=minimal"))
    with exchange.site.reading(exchange.actor, exchange.client) as work:
        everything = _everything(work)
    wanted = "/" + "/".join(exchange.path)
    chosen = {
        path: properties
        for path, properties in everything.items()
        if path.rstrip("/") == wanted or (depth == "1" and _parent(path) == wanted)
    }
    if wanted not in (path.rstrip("/") for path in chosen):
        raise NotFound("Cette personne ou ce groupe n'existe pas.")
    return multistatus(_described(path, found, asked) for path, found in chosen.items())


def _parent(path: str) -> str:
    return path.rstrip("/").rpartition("/")[0]


def _everything(work: Work) -> dict[str, _Properties]:
    """All that the actor may know of, by address."""
    me = work.actor.id
    own = _href(principal_href(("user", me)))
    users = principals.users_known_to(work.session, work.actor)
    groups = principals.groups_known_to(work.session, work.actor)
    known = {user.id for user in users}
    found = {
        path: _properties(name, "<D:collection/>", own)
        for path, name in (
            (PRINCIPALS, "Personnes et groupes"),
            (f"{PRINCIPALS}users/", "Personnes"),
            (f"{PRINCIPALS}groups/", "Groupes"),
        )
    }
    memberships: dict[int, list[int]] = {}
    for group in groups:
        members = [user for user in principals.members_of(work.session, group.id) if user in known]
        for user_id in members:
            memberships.setdefault(user_id, []).append(group.id)
        address = principal_href(("group", group.id))
        found[address] = _principal(address, group.name, own)
        found[address]["{DAV:}group-member-set"] = "".join(
            _href(principal_href(("user", user_id))) for user_id in members
        )
    for user in users:
        address = principal_href(("user", user.id))
        found[address] = _principal(address, user.display_name, own)
        found[address]["{DAV:}group-membership"] = "".join(
            _href(principal_href(("group", group_id))) for group_id in memberships.get(user.id, [])
        )
    return found


def _properties(name: str, kind: str, own: str) -> _Properties:
    return {
        "{DAV:}displayname": escape(name),
        "{DAV:}resourcetype": kind,
        "{DAV:}current-user-principal": own,
        "{DAV:}principal-collection-set": _href(PRINCIPALS),
        "{DAV:}current-user-privilege-set": "<D:privilege><D:read/></D:privilege>",
    }


def _principal(address: str, name: str, own: str) -> _Properties:
    return {
        **_properties(name, "<D:principal/>", own),
        "{DAV:}principal-URL": _href(address),
        "{DAV:}alternate-URI-set": "",
    }


def _href(path: str) -> str:
    return f"<D:href>{path}</D:href>"


def _described(path: str, found: _Properties, asked: listing.Asked) -> str:
    if asked.only_names:
        return response(path, propstats([(200, "".join(map(empty, found)))]))
    tags = [*found, *asked.named] if asked.everything else asked.named

    def element(tag: str) -> str | None:
        if tag not in found:
            return None
        name = tag.removeprefix("{DAV:}")
        return f"<D:{name}>{found[tag]}</D:{name}>"

    return response(path, propstats(listing.sorted_out(tags, element, asked)))
