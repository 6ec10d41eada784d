"""Extensions of WebDAV: access control to read (RFC 3744), MKCOL with properties (RFC 5689),
preferences (RFC 8144), mounting from a link (RFC 4709)."""

import pytest
from lxml import etree

from tests.clients import EXPERT, box
from tests.dav import Dav, Names, Reply
from tests.serving import Server, wait_for

OWNER, OTHER = "cabinet.brumaire-kalve", "cabinet.ortie-lambda"
PARTY = "ulysse.personne-lambda"
BOX = box("Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)")
SPACE: Names = ("Espace de l'expert",)
PDF = b"%PDF-1.4\n" + b"x" * 2_000


@pytest.fixture
def owner(demo: Server) -> Dav:
    return demo.dav(OWNER)


def asked(client: Dav, path: Names | str, *names: str, depth: str = "0") -> etree._Element:
    body = f'<D:propfind xmlns:D="DAV:"><D:prop>{"".join(f"<D:{n}/>" for n in names)}</D:prop>'
    reply = client.propfind(path, depth, f"{body}</D:propfind>".encode())
    assert reply.status == 207, reply.body
    return reply.xml


def privileges(client: Dav, path: Names) -> set[str]:
    found = asked(client, path, "current-user-privilege-set")
    return {etree.QName(e[0]).localname for e in found.iter("{DAV:}privilege")} - {
        "read-current-user-privilege-set"
    }


def principal(client: Dav, path: Names, name: str) -> str:
    """The display name of the one whom a property names, read at his address."""
    href = asked(client, path, name).findtext(f".//{{DAV:}}{name}/{{DAV:}}href") or ""
    return asked(client, href, "displayname").findtext(".//{DAV:}displayname") or ""


def test_privileges_are_those_that_programs_grey_out_their_buttons_by(
    owner: Dav, other: Dav, expert: Dav
) -> None:
    owner.put((*BOX, "droits.pdf"), PDF)
    assert privileges(owner, (*BOX, "droits.pdf")) == {
        "read", "write-content", "write-properties", "unbind",
    }  # fmt: skip
    assert privileges(owner, BOX) == {"read", "bind"}
    assert privileges(other, BOX) == {"read"}
    wait_for(lambda: other.get((*BOX, "droits.pdf")).status == 200, 20, "the seal")
    for reader in (owner, other):
        assert privileges(reader, (*BOX, "droits.pdf")) == {"read"}
    assert privileges(expert, SPACE) >= {"read", "bind", "read-acl"}
    shown = asked(owner, BOX, "supported-privilege-set")
    supported = {etree.QName(e[0]).localname for e in shown.iter("{DAV:}privilege")}
    assert privileges(expert, SPACE) <= supported


def test_the_owner_is_who_wrote_and_else_the_expert(owner: Dav, other: Dav) -> None:
    owner.put((*BOX, "auteur.pdf"), PDF + b"auteur")
    wait_for(lambda: other.get((*BOX, "auteur.pdf")).status == 200, 20, "the seal")

    assert principal(other, (*BOX, "auteur.pdf"), "owner") == "Cabinet BRUMAIRE-KALVÉ"
    assert principal(other, BOX, "owner") == "Apolline TESTARD"
    assert principal(other, BOX, "current-user-principal") == "Cabinet ORTIE-LAMBDA"


def test_the_acl_tells_all_grants_to_the_expert_and_to_others_their_own(
    owner: Dav, other: Dav, expert: Dav
) -> None:
    def entries(client: Dav) -> dict[str, set[str]]:
        found = {}
        for ace in asked(client, BOX, "acl").iter("{DAV:}ace"):
            href = ace.findtext("{DAV:}principal/{DAV:}href") or ""
            name = asked(client, href, "displayname").findtext(".//{DAV:}displayname") or ""
            found[name] = {etree.QName(e[0]).localname for e in ace.iter("{DAV:}privilege")}
            assert ace.find("{DAV:}protected") is not None
        return found

    everything = entries(expert)
    assert everything["Cabinet BRUMAIRE-KALVÉ"] == {"bind"}
    assert "Apolline TESTARD" in everything
    assert set(entries(owner)) == set(everything) - {"Apolline TESTARD", "Étienne BROUILLON"} or (
        set(entries(owner)) < set(everything)
    )
    assert "Cabinet BRUMAIRE-KALVÉ" in entries(owner)
    assert "Cabinet BRUMAIRE-KALVÉ" not in entries(other)
    assert all("read" in granted for name, granted in entries(other).items())
    homes = [
        e.text or "" for e in asked(other, BOX, "acl").iterfind(".//{DAV:}inherited/{DAV:}href")
    ]
    assert homes
    assert all(other.propfind(home, "0").status == 207 for home in homes)


def test_one_meets_the_people_of_ones_dossiers_and_nobody_else(
    demo: Server, other: Dav, expert: Dav
) -> None:
    def people(client: Dav) -> set[str]:
        found = asked(client, "/principals/users/", "displayname", depth="1")
        return {e.text or "" for e in found.iter("{DAV:}displayname")}

    assert "Apolline TESTARD" in people(other)
    strangers = people(demo.dav("barnabe.essai")) - people(demo.dav(PARTY))
    assert strangers
    listed = asked(demo.dav(PARTY), "/principals/users/", "displayname", depth="1")
    known = {e.text for e in listed.iter("{DAV:}href")}
    for number in range(1, 60):
        address = f"/principals/users/{number}"
        status = demo.dav(PARTY).propfind(address, "0").status
        assert status == (207 if address in known else 404)
    me = asked(other, BOX, "current-user-principal").findtext(".//{DAV:}href[1]/../{DAV:}href")
    assert me
    assert other.request("DELETE", "/principals/users/1").status == 405
    assert other.request("GET", "/principals/").status == 405
    assert other.propfind("/principals/nothing", "0").status == 404
    assert Dav(demo.url).propfind("/principals/", "1").status == 401
    kinds = asked(expert, "/principals/groups/", "resourcetype", "group-member-set", depth="1")
    assert len(kinds.findall(".//{DAV:}resourcetype/{DAV:}principal")) >= 1
    assert kinds.find(".//{DAV:}group-member-set/{DAV:}href") is not None


def mkcol(client: Dav, path: Names, properties: str, kind: str = "<D:collection/>") -> Reply:
    body = (
        '<?xml version="1.0"?><D:mkcol xmlns:D="DAV:" xmlns:T="urn:test"><D:set><D:prop>'
        f"<D:resourcetype>{kind}</D:resourcetype>{properties}</D:prop></D:set></D:mkcol>"
    ).encode()
    return client.request("MKCOL", path, body, {"Content-Type": "application/xml"})


def test_a_folder_is_made_with_its_properties_or_not_at_all(expert: Dav) -> None:
    folder = (*SPACE, "étendu")
    assert "extended-mkcol" in expert.request("OPTIONS", SPACE).headers["dav"]

    assert mkcol(expert, folder, "<D:getetag>x</D:getetag><T:a>1</T:a>").status == 403
    refused = mkcol(expert, folder, "<D:displayname>autre nom</D:displayname><T:a>1</T:a>")
    assert refused.status == 403
    assert refused.xml.tag == "{DAV:}mkcol-response"
    statuses = [e.text or "" for e in refused.xml.iter("{DAV:}status")]
    assert [status.split()[1] for status in statuses] == ["403", "424"]
    wrong = mkcol(expert, folder, "", "<D:collection/><T:calendar/>")
    assert wrong.status == 403
    assert wrong.xml.find(".//{DAV:}error/{DAV:}valid-resourcetype") is not None
    assert expert.propfind(folder, "0").status == 404

    made = mkcol(expert, folder, "<D:displayname>étendu</D:displayname><T:a>1</T:a>")
    assert made.status == 201
    body = b'<D:propfind xmlns:D="DAV:"><D:prop><a xmlns="urn:test"/></D:prop></D:propfind>'
    assert expert.propfind(folder, "0", body).xml.findtext(".//{urn:test}a") == "1"
    assert mkcol(expert, folder, "<T:a>2</T:a>").status == 405
    for body in (b"<a/>", b"<D:mkcol", b"texte"):
        reply = expert.request("MKCOL", (*SPACE, "x"), body, {"Content-Type": "text/xml"})
        assert reply.status in (400, 415)
    assert expert.request("MKCOL", (*SPACE, "x"), b"texte").status == 415
    expert.delete(folder)


def test_a_lawyers_folder_in_his_box_may_come_with_properties(owner: Dav, other: Dav) -> None:
    assert mkcol(owner, (*BOX, "avec"), "<T:a>1</T:a>").status == 201
    assert mkcol(other, (*BOX, "sans droit"), "<T:a>1</T:a>").status == 403
    owner.delete((*BOX, "avec"))


def test_who_prefers_little_gets_little(expert: Dav) -> None:
    name = (*SPACE, "peu.txt")
    expert.put(name, b"x")
    ask = (
        b'<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/><absent xmlns="urn:x"/></D:prop>'
        b"</D:propfind>"
    )
    only_absent = (
        b'<D:propfind xmlns:D="DAV:"><D:prop><absent xmlns="urn:x"/></D:prop></D:propfind>'
    )

    def statuses(body: bytes, **headers: str) -> list[str]:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        reply = expert.request("PROPFIND", name, body, {"Depth": "0", **named})
        assert ("preference-applied" in reply.headers) == bool(headers)
        return [(e.text or "").split()[1] for e in reply.xml.iter("{DAV:}status")]

    assert statuses(ask) == ["200", "404"]
    assert statuses(ask, Prefer="return=minimal") == ["200"]
    assert statuses(only_absent, Prefer='return="minimal"; x=1') == ["200"]
    listing = expert.request("PROPFIND", SPACE, b"", {"Depth": "1", "Prefer": "depth-noroot"})
    hrefs = [e.text or "" for e in listing.xml.iterfind("{DAV:}response/{DAV:}href")]
    assert hrefs
    assert not any(href.endswith("/Espace%20de%20l'expert/") for href in hrefs)
    quiet = {"Prefer": "return=minimal"}
    patch = (
        b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>%s</D:prop></D:set></D:propertyupdate>'
    )
    done = expert.request("PROPPATCH", name, patch % b'<a xmlns="urn:x">1</a>', quiet)
    assert (done.status, done.body) == (204, b"")
    assert (
        expert.request("PROPPATCH", name, patch % b"<D:getetag>1</D:getetag>", quiet).status == 207
    )
    expert.delete(name)


def test_a_displayname_may_only_say_what_the_name_says(owner: Dav, expert: Dav) -> None:
    name = (*SPACE, "vrai nom.txt")
    expert.put(name, b"x")

    same = expert.proppatch(name, "<D:displayname>vrai nom.txt</D:displayname>")
    other = expert.proppatch(name, "<D:displayname>faux nom.txt</D:displayname>")
    assert b"200 OK" in same.body
    assert b"403 Forbidden" in other.body
    shown = asked(expert, name, "displayname").findtext(".//{DAV:}displayname")
    assert shown == "vrai nom.txt"
    expert.delete(name)


def test_a_link_to_a_folder_mounts_the_drive_there(owner: Dav) -> None:
    wanted = {"Accept": "text/html, application/davmount+xml"}
    reply = owner.request("GET", BOX, b"", wanted)

    assert reply.headers["content-type"].startswith("application/davmount+xml")
    space = "{http://purl.org/NET/webdav/mount}"
    assert reply.xml.tag == f"{space}mount"
    base, opens = reply.xml.findtext(f"{space}url"), reply.xml.findtext(f"{space}open")
    assert reply.xml.findtext(f"{space}username") == OWNER
    assert base == f"{owner.url}/dav/"
    assert owner.propfind(f"/dav/{opens}", "0").status == 207
    assert owner.get(BOX).headers["content-type"].startswith("text/plain")


def test_a_405_names_the_methods_that_make_sense(owner: Dav, expert: Dav) -> None:
    for reply, sensible in (
        (expert.mkcol(BOX), "PROPFIND"),
        (expert.put(BOX, b"x"), "PROPFIND"),
        (owner.request("PATCH", BOX), "PUT"),
        (owner.request("DELETE", "/kit/"), "GET"),
        (owner.request("PUT", "/principals/", b"x"), "PROPFIND"),
    ):
        assert reply.status == 405, reply
        assert sensible in reply.headers["allow"].split(", ")


def test_properties_are_all_set_or_none_and_come_back_as_they_were(expert: Dav) -> None:
    name = (*SPACE, "propriétés.txt")
    expert.put(name, b"x")

    refused = expert.proppatch(name, "<T:a>1</T:a><D:getetag>x</D:getetag>")
    statuses = [(e.text or "").split()[1] for e in refused.xml.iter("{DAV:}status")]
    assert statuses == ["403", "424"]
    body = (
        b'<D:propfind xmlns:D="DAV:"><D:allprop/><D:include><a xmlns="urn:test"/>'
        b"<D:quota-used-bytes/><D:current-user-principal/></D:include></D:propfind>"
    )
    absent = expert.propfind(name, "0", body).xml
    assert absent.find(".//{urn:test}a").text is None  # type: ignore[union-attr]

    assert expert.proppatch(name, '<T:a xml:lang="fr">é<T:b/></T:a>').status == 207
    found = expert.propfind(name, "0", body).xml
    kept = found.find(".//{urn:test}a")
    assert kept is not None
    assert kept.get("{http://www.w3.org/XML/1998/namespace}lang") == "fr"
    assert (kept.text, len(kept)) == ("é", 1)
    assert found.find(".//{DAV:}current-user-principal/{DAV:}href") is not None
    assert found.find(".//{DAV:}getcontentlength") is not None
    expert.delete(name)


def test_only_the_program_that_forgets_its_token_may_write_without_it(
    demo: Server, expert: Dav
) -> None:
    name = (*SPACE, "Note n°4 – Projet.odt")
    writer = demo.dav(EXPERT, agent="LibreOffice 7.4.7.2")
    expert.put(name, b"avant")
    assert writer.lock(name).status == 200

    for stranger in (expert, demo.dav(EXPERT, agent="Microsoft-WebDAV-MiniRedir/10.0.22631")):
        assert stranger.put(name, b"autre").status == 423
    wrong = "(<opaquelocktoken:00000000-0000-4000-8000-000000000000>)"
    assert writer.put(name, b"autre", If=wrong).status == 412
    assert writer.put(name, b"apres").status == 204
    token = writer.lock(name, scope="shared").status
    assert token == 423
    assert expert.get(name).body == b"apres"

    expert_locks = (*SPACE, "verrou d'un autre programme.odt")
    expert.put(expert_locks, b"avant")
    assert expert.lock(expert_locks).status == 200
    assert writer.put(expert_locks, b"autre").status == 423
