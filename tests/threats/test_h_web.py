"""Browsers, headers, addresses in requests, queries, logs (H01 to H04, H06, H08, H09)."""

import ast
import json
import socket
import threading
import unicodedata
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest

import davserver
from tests.clients import DOSSIER, EXPERT
from tests.console import Console
from tests.dav import Dav, Names, Reply, address
from tests.serving import Server
from tests.threats.rooms import BOX, NOTES, OWNER, PDF, fresh, grant, room

SPACE: Names = ("Espace de l'expert",)
SCRIPTS = (
    "<img src=x onerror=alert(1)>.pdf",
    "<svg onload=alert(1)>.svg",
    "]]><script>alert(1)</script>.pdf",
    "\"><script xmlns='http://www.w3.org/1999/xhtml'>alert(1)</script>.pdf",
    "&lt;script&gt;alert(1)&lt;/script&gt;.pdf",
    "javascript:alert(1).pdf",
)
HTML = b"<html><script>document.title='run'</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
XML = b'<?xml version="1.0"?><x xmlns:h="http://www.w3.org/1999/xhtml"><h:script>1</h:script></x>'
ACTIVE = {
    "x.svg": SVG, "x.html": HTML, "x.htm": HTML, "x": HTML, "x.pdf": HTML, "x.xml": XML,
    "x.xhtml": XML, "x.jpg": SVG, "x.txt": HTML, "x.mhtml": HTML, "x.swf": b"CWS" + HTML,
    "x.js": b"alert(1)", "x.hta": HTML, "x.xsl": XML,
}  # fmt: skip


def assert_harmless(reply: Reply) -> None:
    """No browser runs or frames it: see RFC 9110 §8.3, CSP 3 and the Fetch standard."""
    policy = reply.headers["content-security-policy"]
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "script-src" not in policy


@pytest.mark.parametrize("name", SCRIPTS)
def test_h01_a_name_is_text_wherever_it_is_shown(demo: Server, name: str) -> None:
    expert = demo.dav(EXPERT)
    put = expert.put((*SPACE, name), PDF)
    asks = [put, expert.propfind(SPACE), expert.get((*SPACE, name)),
            expert.get((*SPACE, name, "x")), expert.mkcol((*SPACE, name, "x")),
            expert.delete((*SPACE, name)), expert.get(SPACE),
            expert.request("REPORT", (*SPACE, name), b"<x/>")]  # fmt: skip
    for number, reply in enumerate(asks):
        assert_harmless(reply)
        assert b"<script" not in reply.body and b"<img" not in reply.body, number
        assert b"<svg" not in reply.body and "html" not in reply.headers.get("content-type", "")
        assert "onerror" not in str(reply.headers).replace(quote(name, safe=""), "")
    if "<" in name or ":" in name:
        assert put.status in (400, 403)  # and the sentence, which may quote it, is escaped
        assert put.xml.tag == "{DAV:}error"


def test_h01_a_title_and_a_person_are_text_in_answers_and_on_the_page_of_the_kit(
    demo: Server,
) -> None:
    evil = "<b>x</b> & \"y\" 'z'"
    console = Console(demo.data)
    console.well(
        "user", "add", "evil.person", "--last-name", evil, "--first-name", evil, "--email",
        "evil@evil.example", "--password", "un mot de passe assez long",
    )  # fmt: skip
    grant(demo, NOTES, "evil.person", "lire")
    person = Dav(demo.url, "evil.person", "un mot de passe assez long")
    for reply in (
        person.propfind("/principals/users/", "1"),
        person.request("GET", "/kit/"),
        person.request("GET", "/"),
        person.propfind(()),
    ):
        assert reply.status in (200, 207)
        assert_harmless(reply)
        assert b"<b>x" not in reply.body


def test_h02_evidence_never_runs_in_this_origin(demo: Server) -> None:
    expert, folder = demo.dav(EXPERT), room(demo)
    for name, content in ACTIVE.items():
        path = (*folder, name)
        assert expert.put(path, content).status == 201
        for reply in (
            expert.get(path),
            expert.request("HEAD", path),
            expert.get(path, Range="bytes=0-9"),
            expert.get(path, If_None_Match="*"),
            expert.get(path, Accept="text/html,application/xhtml+xml"),
            expert.request("GET", address(*path) + "?download=0"),
        ):
            assert reply.status in (200, 206, 304)
            assert_harmless(reply)
            assert "sandbox" in reply.headers["content-security-policy"]
            assert "allow-" not in reply.headers["content-security-policy"]
            if reply.status != 304:
                assert reply.headers["content-disposition"].startswith("attachment"), name


ATTACKS: dict[str, tuple[str, dict[str, str], bytes]] = {
    "form, plain text": ("POST", {"Content-Type": "text/plain"}, b"a=b"),
    "form": ("POST", {"Content-Type": "application/x-www-form-urlencoded"}, b"_method=DELETE"),
    "upload": (
        "POST",
        {"Content-Type": "multipart/form-data; boundary=x"},
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="x.pdf"\r\n\r\nx\r\n--x--',
    ),
    "override": ("POST", {"X-HTTP-Method-Override": "DELETE"}, b""),
    "override by parameter": ("GET", {"X-Method-Override": "DELETE"}, b""),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_h03_a_page_of_another_site_changes_nothing_with_a_remembered_password(
    demo: Server, attack: str
) -> None:
    expert, folder = demo.dav(EXPERT), room(demo, "x.pdf")
    method, headers, body = ATTACKS[attack]
    cross = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site",
             "Referer": "https://evil.example/", **headers}  # fmt: skip
    for path in (folder, (*folder, "x.pdf"), (*folder, "y.pdf")):
        for query in ("", "?_method=DELETE", "?method=PUT"):
            reply = expert.request(method, address(*path) + query, body, cross)
            assert reply.status == (
                405 if method == "POST" else (404 if path[-1] == "y.pdf" else 200)
            )
            assert not [key for key in reply.headers if key.startswith("access-control-")]
            assert "set-cookie" not in reply.headers
    assert expert.names(folder) == ["x.pdf"]
    assert expert.get((*folder, "x.pdf")).body == PDF


def test_h03_no_other_origin_is_ever_let_in(demo: Server) -> None:
    """A preflight is not answered as one, hence no browser sends what needs it: PUT, DELETE,
    PROPFIND; and what it may send without, it may not read."""
    expert, nobody, folder = demo.dav(EXPERT), Dav(demo.url), room(demo, "x.pdf")
    for origin in ("https://evil.example", "null", demo.url + ".evil.example", demo.url):
        for method in ("PUT", "DELETE", "PROPFIND", "MOVE", "GET"):
            asked = {"Origin": origin, "Access-Control-Request-Method": method,
                     "Access-Control-Request-Headers": "authorization,destination"}  # fmt: skip
            preflight = nobody.request("OPTIONS", (*folder, "x.pdf"), b"", asked)
            assert preflight.status == 401
            granted = expert.request("OPTIONS", (*folder, "x.pdf"), b"", asked)
            read = expert.get((*folder, "x.pdf"), Origin=origin)
            for reply in (preflight, granted, read):
                assert not [key for key in reply.headers if key.startswith("access-control-")]
                assert_harmless(reply)


NAMES = ("l'un; l'autre.pdf", "a, b=c; d.pdf", "100 % + #1 & [2].pdf", "Pièce n°2 – œuvre.pdf",
         "'; filename=x.exe; '.pdf", "=?utf-8?Q?x=0d=0aSet-Cookie=.pdf", "日本語 🧾.pdf",
         "x" * 200 + ".pdf")  # fmt: skip


@pytest.mark.parametrize("name", [name for name in NAMES if "?" not in name])
def test_h04_a_name_in_a_header_is_a_name_and_nothing_else(demo: Server, name: str) -> None:
    expert = demo.dav(EXPERT)
    reply = expert.put((*SPACE, name), PDF)
    assert reply.status in (201, 204)
    got = expert.get((*SPACE, name))
    kind, _, rest = got.headers["content-disposition"].partition("; ")
    key, _, encoded = rest.partition("=")

    assert (kind, key) == ("attachment", "filename*")
    assert encoded.isascii() and not set(encoded) & set(" \"';,\r\n").difference("'")
    assert encoded.count("'") == 2
    assert unquote(encoded.removeprefix("UTF-8''")) == name
    for answer in (reply, got, expert.copy((*SPACE, name), (*SPACE, "copie.pdf"))):
        assert all(value.isascii() for value in answer.headers.values())
        assert answer.headers.get("etag", '""').count('"') == 2
    assert expert.delete((*SPACE, name)).status == 204


@pytest.mark.parametrize(
    "name",
    ["a%0d%0aSet-Cookie:%20x=1", "a%0aX:%201", "a%0d", "a%00", "a%7f", "%E2%80%AEfdp.exe", "a%22b",
     "a%E2%80%A8b", "a%C2%85b"],
)  # fmt: skip
def test_h04_what_ends_or_turns_a_header_is_no_name(demo: Server, name: str) -> None:
    expert = demo.dav(EXPERT)
    for target in (f"/dav/{quote(SPACE[0])}/{name}", f"/dav/{quote(SPACE[0])}/{name}/x.pdf"):
        for method in ("PUT", "MKCOL", "GET", "LOCK"):
            reply = expert.request(method, target, b"")
            # These are characters of names elsewhere; what has others is not even looked for.
            elsewhere = name in ("a%22b", "a%E2%80%A8b")
            known = (403, 404, 409, 415) if elsewhere else (400,)
            assert reply.status in known, (method, reply.status)
            assert "set-cookie" not in reply.headers and "x" not in reply.headers
            assert all(value.isascii() and value.isprintable() for value in reply.headers.values())
            assert reply.reason.isascii()


@pytest.fixture
def trap() -> Iterator[tuple[int, list[str]]]:
    """A port of this machine where nobody may ever knock, and who did."""
    visitors: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def listen() -> None:
            while True:
                try:
                    line, visitor = listening.accept()
                except OSError:
                    return
                visitors.append(str(visitor))
                line.close()

        threading.Thread(target=listen, daemon=True).start()
        yield listening.getsockname()[1], visitors


def test_h06_no_address_in_a_request_makes_the_server_call_anybody(
    demo: Server, trap: tuple[int, list[str]]
) -> None:
    port, visitors = trap
    expert, folder = demo.dav(EXPERT), room(demo, "x.pdf")
    hosts = (f"127.0.0.1:{port}", f"2130706433:{port}", f"[::ffff:127.0.0.1]:{port}",
             f"localhost:{port}", f"0x7f.1:{port}")  # fmt: skip
    before = expert.names(folder)
    for host in hosts:
        url = f"http://{host}/x"
        entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{url}">]><x>&e;</x>'.encode()
        include = f'<x xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="{url}"/></x>'
        sheet = (
            f'<?xml-stylesheet href="{url}"?><D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>'
        )
        asks = [
            *(expert.request(method, (*folder, "x.pdf"), b"", {"Destination": url})
              for method in ("COPY", "MOVE")),
            *(expert.request(method, folder, entity) for method in ("PROPFIND", "REPORT", "LOCK")),
            expert.request("PROPFIND", folder, include.encode()),
            expert.request("PROPFIND", folder, sheet.encode(), {"Depth": "0"}),
            expert.get((*folder, "x.pdf"), If=f'<{url}> (["x"])'),
            expert.get((*folder, "x.pdf"), X_Forwarded_Host=host, Referer=url, Origin=url),
            expert.request("GET", url),
            expert.request("GET", address(*folder) + f"?url={url}"),
        ]  # fmt: skip
        assert not [reply for reply in asks if reply.status in (201, 204, 301, 302, 307, 308)]
    assert expert.names(folder) == before
    assert visitors == []


def test_h06_mail_is_the_only_way_out_of_the_program() -> None:
    """No module can call an address but the one that speaks to the mail server of the settings.

    (The store of objects has its own library, and its address is of the settings, too.)
    """
    calling = {"smtplib", "http.client", "urllib.request", "urllib3", "requests", "httpx", "ftplib",
               "aiohttp", "xmlrpc.client", "telnetlib", "poplib", "imaplib"}  # fmt: skip
    package = Path(davserver.__file__).parent
    found = {}
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in names:
                if name in calling:
                    found[str(file.relative_to(package))] = name

    assert found == {"alerts/smtp.py": "smtplib"}


ODD = ("100%.pdf", "_.pdf", "a_b%c.pdf", "'); DROP TABLE node;--.pdf", "' OR '1'='1.pdf",
       "%s %(x)s.pdf", "{0} {x}.pdf", "$(id).pdf", "`id`.pdf", "=HYPERLINK(1).pdf", "+1-1.pdf",
       "@SUM(1).pdf",        "-2+3.pdf")  # fmt: skip


def test_h08_names_are_no_patterns_and_no_commands(demo: Server) -> None:
    expert, folder = demo.dav(EXPERT), room(demo)
    for name in ODD:
        assert expert.put((*folder, name), name.encode()).status == 201, name
    assert sorted(expert.names(folder)) == sorted(ODD)
    for name in ODD:
        assert expert.get((*folder, name)).body == name.encode()
        assert expert.move((*folder, name), (*folder, f"1 {name}")).status == 201
        assert expert.copy((*folder, f"1 {name}"), (*folder, name)).status == 201
        assert expert.delete((*folder, f"1 {name}")).status == 204
    assert sorted(expert.names(folder)) == sorted(ODD)

    console = Console(demo.data)
    for pattern in ("%", "_", "2024-0_", "%2024-01%", "' OR 1=1 --", "*", "2024-01%"):
        assert "Aucun dossier" in console.refused("dossier", "show", pattern)
        assert "Aucun compte" in console.refused("user", "show", pattern)
    assert len(console.json("dossier", "list")) == 3


def test_h08_nothing_that_is_exported_is_a_table_that_computes(
    demo: Server, tmp_path: Path
) -> None:
    """The manifest and the journal are JSON, where a name is a string whatever it begins with."""
    expert = demo.dav(EXPERT)
    name = "=HYPERLINK(1)+@SUM.pdf"
    assert expert.put((*NOTES, name), PDF).status == 201
    Console(demo.data).well("dossier", "export", DOSSIER, str(tmp_path / "export"))

    top = [path.name for path in (tmp_path / "export").iterdir()]
    assert sorted(top) == sorted([DOSSIER, "journal.jsonl", "manifest.json"])
    manifest = json.loads((tmp_path / "export" / "manifest.json").read_text())
    assert f"{DOSSIER}/{NOTES[1]}/{name}" in [row["path"] for row in manifest["files"]]
    for line in (tmp_path / "export" / "journal.jsonl").read_text().splitlines():
        assert isinstance(json.loads(line)["facts"], dict)


FORGED = "2026-01-01T00:00:00 OK deposit"


def test_h09_no_name_login_or_program_makes_a_line_of_the_log(demo: Server) -> None:
    owner, before = demo.dav(OWNER), len(demo.log())
    paths = [f"/dav/x%0a{quote(FORGED)}", f"/dav/x%0d%0a{quote(FORGED)}",
             f"/dav/x%E2%80%A8{quote(FORGED)}", f'/dav/x","event":"{quote(FORGED)}']  # fmt: skip
    for target in paths:
        assert owner.request("PUT", target, PDF).status in (400, 403, 409)
    for login in (f"x\n{FORGED}", f"x\r\n{FORGED}", f'x","event":"{FORGED}', f"x\x1b[2J{FORGED}"):
        pair = b64encode(f"{login}:x".encode()).decode()
        reply = Dav(demo.url).request("GET", "/dav/", b"", {"Authorization": f"Basic {pair}"})
        assert reply.status == 401
    for agent in (f'x","event":"{FORGED}', f"x\u0085{FORGED}", f"x\u00a0{FORGED}"):
        assert owner.request("PUT", (*NOTES, fresh()), PDF, {"User-Agent": agent}).status == 403
    assert owner.put((*BOX, f"\u202e{FORGED}".replace(":", "")), PDF).status == 400

    for line in demo.log()[before:].split("\n")[:-1]:
        found = json.loads(line)
        assert line.isascii() and line.isprintable()
        assert FORGED not in found["event"]
    rows = Console(demo.data).json("journal", "list")
    assert not [row for row in rows if FORGED in row["act"] or FORGED in row["actor"]]
    printed = Console(demo.data).well("journal", "list", "--last", "12")
    assert len(printed.splitlines()) == 13
    assert all(char == "\n" or unicodedata.category(char)[0] != "C" for char in printed)
    assert urlsplit(demo.url).hostname == "127.0.0.1"
