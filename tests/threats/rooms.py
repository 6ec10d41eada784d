"""Who is who in the tests of threats, and rooms of a dossier that not everybody may see."""

import itertools
from collections.abc import Callable

from tests.clients import DOSSIER, EXPERT, box
from tests.console import Console
from tests.dav import Dav, Names, Reply, address
from tests.serving import Server, wait_for

OWNER, OTHER = "cabinet.brumaire-kalve", "cabinet.ortie-lambda"
READER = "theo.gabarit"  # an adviser: reads all, has no box
STRANGER = "cabinet.zephyr-neant"  # in another expert's dossier only
BOX = box("Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)")
OTHERS_BOX = box("Cabinet ORTIE-LAMBDA (SCCV Mirabelle)")
NOTES: Names = (DOSSIER, "03 Notes aux parties et comptes rendus")
PDF = b"%PDF-1.4\n" + b"piece " * 500
FINDER = "WebDAVFS/3.0.0 (03008000) Darwin/24.6.0 (arm64)"
WINDOWS = "Microsoft-WebDAV-MiniRedir/10.0.22631"
_numbers = itertools.count(1)


def fresh(name: str = "salle") -> str:
    """A name that no test has used."""
    return f"{name} {next(_numbers)}"


def room(server: Server, *members: str, closed: bool = False) -> Names:
    """A new folder of the expert's, among those that all members of the dossier read, with a file
    of each of these names in it. ``closed``: nobody but the expert sees it."""
    expert = server.dav(EXPERT)
    folder = (*NOTES, fresh())
    assert expert.mkcol(folder).status == 201
    if closed:
        cut(server, folder)
    for name in members:
        assert expert.put((*folder, name), PDF).status == 201
    return folder


def grant(server: Server, folder: Names, who: str, rights: str) -> None:
    """Give rights on a folder; they replace what ``who`` had there."""
    Console(server.data).well("rights", "grant", "/" + "/".join(folder), who, rights)


def cut(server: Server, folder: Names) -> None:
    """Close a folder to all but who manages it."""
    Console(server.data).well("rights", "cut", "/" + "/".join(folder))


def group(server: Server, dossier: str = DOSSIER) -> str:
    """The group of all members, as commands name it."""
    rows = Console(server.data).json("rights", "show", f"/{dossier}")["grants"]
    return next(str(row["principal"]) for row in rows if row["principal"].startswith("group:"))


def sealed(reader: Dav, path: Names) -> None:
    """Wait until somebody else sees the piece."""
    wait_for(lambda: reader.get(path).status == 200, 30, f"{path[-1]} to be sealed")


def tree(person: Dav, folder: Names) -> dict[str, str]:
    """All that a person finds at any depth: entity tags by path, as a whole report tells them."""
    body = (
        b'<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>infinite</D:sync-level>'
        b"<D:prop><D:getetag/></D:prop></D:sync-collection>"
    )
    reply = person.request("REPORT", folder, body, {"Content-Type": "application/xml"})
    assert reply.status == 207, (reply.status, reply.body)
    return {
        response.findtext("{DAV:}href") or "": response.findtext(".//{DAV:}getetag") or ""
        for response in reply.xml.iterfind("{DAV:}response")
    }


Shown = tuple[int, str, tuple[tuple[str, str], ...], bytes]


def shown(reply: Reply, *names: str) -> Shown:
    """All that an answer tells: status, phrase, headers, body; the ``names`` asked for, which the
    client knows, and the clock are left out."""
    body = reply.body
    for name in names:
        for form in (address(name)[5:], name):
            body = body.replace(form.encode(), b"NAME")
    told = ((key, value) for key, value in sorted(reply.headers.items()) if key != "date")
    return reply.status, reply.reason, tuple(told), body


LOCKINFO = (
    b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
    b"<D:locktype><D:write/></D:locktype></D:lockinfo>"
)
PROPERTY = (
    b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x xmlns="urn:t">1</x></D:prop></D:set>'
    b"</D:propertyupdate>"
)
REPORT = (
    b'<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level>'
    b"<D:prop><D:getetag/></D:prop></D:sync-collection>"
)
Request = tuple[str, bytes, dict[str, str]]


def requests_to(person: Dav, own: Names, own_folder: Names) -> dict[str, Callable[[Names], Reply]]:
    """Every method on a path, also as Destination and as the tag of an If header. ``own``: a file
    that the person may copy, ``own_folder`` where he may write."""
    xml = {"Content-Type": "application/xml"}

    def plain(method: str, body: bytes = b"", **headers: str) -> Callable[[Names], Reply]:
        sent = {key.replace("_", "-"): value for key, value in headers.items()}
        return lambda path: person.request(method, path, body, sent)

    def conditional(path: Names) -> Reply:
        tagged = f"<{person.url}{address(*path)}>"
        return person.request("PROPFIND", own, b"", {"Depth": "0", "If": f'{tagged} (Not ["x"])'})

    def matching(path: Names) -> Reply:
        tagged = f"<{person.url}{address(*path)}>"
        return person.request("PROPFIND", own, b"", {"Depth": "0", "If": f'{tagged} (["x"])'})

    return {
        "GET": plain("GET"),
        "GET range": plain("GET", Range="bytes=0-3"),
        "GET if-none-match": plain("GET", If_None_Match="*"),
        "HEAD": plain("HEAD"),
        "OPTIONS": plain("OPTIONS"),
        "PROPFIND 0": plain("PROPFIND", Depth="0"),
        "PROPFIND 1": plain("PROPFIND", Depth="1"),
        "REPORT": plain("REPORT", REPORT, Depth="0", **xml),
        "PUT": plain("PUT", PDF),
        "PUT if-match": plain("PUT", PDF, If_Match="*"),
        "PUT if-none-match": plain("PUT", PDF, If_None_Match="*"),
        "MKCOL": plain("MKCOL"),
        "PROPPATCH": plain("PROPPATCH", PROPERTY),
        "LOCK": plain("LOCK", LOCKINFO, Depth="0"),
        "LOCK refresh": plain("LOCK", b"", Depth="0", If="(<opaquelocktoken:none>)"),
        "UNLOCK": plain("UNLOCK", Lock_Token="<opaquelocktoken:none>"),
        "DELETE": plain("DELETE"),
        "COPY from": lambda path: person.copy(path, (*own_folder, "copie.pdf")),
        "MOVE from": lambda path: person.move(path, (*own_folder, "copie.pdf")),
        "COPY to": lambda path: person.copy(own, path),
        "COPY to, F": lambda path: person.copy(own, path, Overwrite="F"),
        "MOVE to": lambda path: person.move(own, path),
        "MOVE to, F": lambda path: person.move(own, path, Overwrite="F"),
        "If": conditional,
        "If match": matching,
    }
