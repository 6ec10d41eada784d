"""The drive kit of a server: its page, and its scripts, run as a person would, which log him in."""

import base64
import hashlib
import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from davserver.kit import FILES, Drive, page, written
from davserver.kit.quoting import shell
from tests.clients import DOSSIER, Curl, requests
from tests.clients import run as run_program
from tests.conftest import Start
from tests.dav import Reply
from tests.drive_kit import HOSTILE, LOGIN, SITE
from tests.programs import require_fuse, require_program
from tests.serving import PASSWORD, Server
from tests.terminal import Terminal


@pytest.fixture
def kit(demo: Server, tmp_path: Path) -> Path:
    """The files of the kit, as the lawyer's browser saved them from the server."""
    curl = Curl(demo, LOGIN, tmp_path)
    folder = tmp_path / "kit"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_bytes(asked(curl, f"/kit/{name}").body)
    return folder


def test_the_rclone_file_makes_a_remote_and_shows_the_password_to_nobody(
    demo: Server, kit: Path, tmp_path: Path
) -> None:
    real = require_program("rclone")
    witness = tmp_path / "bin" / "rclone"
    seen = tmp_path / "seen"
    witness.parent.mkdir()
    # Notes how rclone is called, then is rclone.
    witness.write_text(f'#!/bin/sh\necho "$@" >>{shell(str(seen))}\nexec {shell(real)} "$@"\n')
    witness.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    path = {"PATH": f"{witness.parent}:{os.environ['PATH']}"}

    for password, code in (("faux", 1), (PASSWORD, 0)):
        with Terminal("sh", kit / "rclone.sh", home=home, environment=path) as terminal:
            terminal.type_password(password)
            ended, shown = terminal.end()
        assert ended == code, shown
        assert password not in shown.replace("Mot de passe", "")
    assert DOSSIER in shown

    listed = run_program(real, "lsf", f"dossiers:{DOSSIER}", home=home)
    assert "04 Boîtes aux lettres/" in listed.output
    config = home / ".config" / "rclone" / "rclone.conf"
    hidden = re.findall(r"^pass = (.+)$", config.read_text(), re.M)
    assert len(hidden) == 1
    assert config.stat().st_mode & 0o077 == 0
    called = seen.read_text()
    assert "config create dossiers webdav" in called
    assert PASSWORD not in called + config.read_text() + (kit / "rclone.sh").read_text()
    assert hidden[0] not in called


def test_the_rclone_file_takes_the_password_from_a_program_too(
    demo: Server, kit: Path, tmp_path: Path
) -> None:
    program = require_program("rclone")

    done = run_program("sh", kit / "rclone.sh", home=tmp_path, stdin=f"{PASSWORD}\n".encode())

    assert done.code == 0, done.errors
    assert DOSSIER in run_program(program, "lsd", "dossiers:", home=tmp_path).output


OTHERS_REMOTES = (
    "[dossiers]\ntype = s3\naccess_key_id = ABC\nsecret_access_key = DEF\n",
    "[autre]\ntype = local\n\n[dossiers]\ntype = webdav\nurl = https://ailleurs.example/dav/\n",
)


@pytest.mark.parametrize("config", OTHERS_REMOTES)
def test_the_rclone_file_leaves_another_remote_of_that_name(
    kit: Path, tmp_path: Path, config: str
) -> None:
    file = tmp_path / ".config" / "rclone" / "rclone.conf"
    file.parent.mkdir(parents=True)
    file.write_text(config)

    done = run_program("sh", kit / "rclone.sh", home=tmp_path, stdin=f"{PASSWORD}\n".encode())

    assert done.code != 0
    assert "« dossiers »" in done.errors
    assert file.read_text() == config


def test_the_rclone_file_leaves_the_other_remotes(kit: Path, tmp_path: Path) -> None:
    file = tmp_path / ".config" / "rclone" / "rclone.conf"
    file.parent.mkdir(parents=True)
    file.write_text("[autre]\ntype = s3\nsecret_access_key = DEF\n")

    for _ in range(2):  # a new password is given by running it again
        done = run_program("sh", kit / "rclone.sh", home=tmp_path, stdin=f"{PASSWORD}\n".encode())
        assert done.code == 0, done.errors
    assert "[autre]\ntype = s3\nsecret_access_key = DEF\n" in file.read_text()


def test_the_linux_file_connects_gnome(demo: Server, kit: Path, tmp_path: Path) -> None:
    require_program("gio")
    session = require_program("dbus-run-session")
    drive = f"dav://{LOGIN}@127.0.0.1:{demo.port}/dav/"
    # A session of its own, as one is logged in: what is mounted ends with it.
    inside = (
        f"sh {shell(str(kit / 'linux.sh'))} gnome || exit 9; gio list {drive}; gio mount -u {drive}"
    )
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)

    with Terminal(
        *(session, "--", "sh", "-c", inside),
        home=tmp_path,
        environment={"XDG_RUNTIME_DIR": str(runtime)},
    ) as terminal:
        terminal.type_password(PASSWORD)
        code, shown = terminal.end()

    assert code == 0, shown
    assert "Connecté" in shown
    assert DOSSIER in shown.splitlines()
    assert PASSWORD not in shown
    assert requests(demo, LOGIN, "PROPFIND")


def test_the_linux_file_mounts_a_folder_with_davfs2(
    demo: Server, kit: Path, tmp_path: Path
) -> None:
    require_fuse()
    require_program("mount.davfs")
    point = tmp_path / "Dossiers-expertise"

    try:
        with Terminal("sh", kit / "linux.sh", "davfs2", home=tmp_path, environment={}) as terminal:
            terminal.type_password(PASSWORD)
            code, shown = terminal.end()
        assert code == 0, shown
        assert PASSWORD not in shown
        assert f"Connecté : {point}" in shown
        assert f'{demo.url}/dav/ "{LOGIN}" VOTRE_MOT_DE_PASSE' in shown
        assert os.path.ismount(point)
        assert (point / DOSSIER).is_dir()
    finally:
        if run_program("umount", point, home=tmp_path).code:
            run_program("umount", "-l", point, home=tmp_path)
        kept = str(point).strip("/").replace("/", "-")
        for cache in Path("/var/cache/davfs2").glob(f"*{kept}*"):
            shutil.rmtree(cache)
    assert not os.path.ismount(point)


def test_the_linux_file_says_what_to_do_when_nothing_connects(kit: Path, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "id", "mkdir"):
        (tools / name).symlink_to(require_program(name))
    for wanted in ("gnome", "kde", "davfs2"):
        done = run_program(
            *(tools / "sh", kit / "linux.sh", wanted),
            home=tmp_path,
            environment={"PATH": str(tools)},
        )
        assert done.code == 1
        assert "La connexion n'a pas eu lieu." in done.errors
    done = run_program("sh", kit / "linux.sh", "beos", home=tmp_path)
    assert (done.code, done.output) == (2, "")


def asked(curl: Curl, target: str, *options: str) -> Reply:
    """What curl gets at a target outside the drive."""
    return curl((), "--request-target", target, *options)


class Page(HTMLParser):
    """What a browser would open or fetch, and whether every element that was opened is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.foreign: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br"):
            self._open.append(tag)
        for name, value in attrs:
            if name == "href":
                self.links.append(value or "")
            elif name in ("src", "style", "action") or name.startswith("on"):
                self.foreign.append(f"{tag} {name}")
        if tag in ("script", "link", "img", "iframe", "form"):
            self.foreign.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def test_the_page_offers_the_files_made_for_who_asks(demo: Server, tmp_path: Path) -> None:
    curl = Curl(demo, LOGIN, tmp_path)
    reply = asked(curl, "/kit/")

    assert (reply.status, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    html = reply.body.decode()
    assert f"{demo.url}/dav/" in html
    assert LOGIN in html
    found = Page(html)
    assert found.links == [f"/kit/{name}" for name in FILES]
    assert found.foreign == []
    assert '<html lang="fr">' in html
    assert "width=device-width" in html
    for link in found.links:
        file = asked(curl, link)
        name = link.rpartition("/")[2]
        assert file.status == 200
        assert file.body.decode() == written(FILES[name], Drive.of(demo.url, LOGIN))
        assert file.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert asked(curl, "/kit").body == reply.body


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("windows.cmd", "application/x-bat; charset=us-ascii"),
        ("macos.command", "application/x-sh; charset=utf-8"),
        ("linux.sh", "application/x-sh; charset=utf-8"),
        ("rclone.sh", "application/x-sh; charset=utf-8"),
        ("dossiers.davmount", 'application/davmount+xml; charset="utf-8"'),
    ],
)
def test_a_file_is_saved_not_shown(demo: Server, tmp_path: Path, name: str, kind: str) -> None:
    reply = asked(Curl(demo, LOGIN, tmp_path), f"/kit/{name}")

    assert reply.headers["content-type"] == kind
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-store"


def test_a_browser_runs_and_fetches_nothing_for_the_page(demo: Server, tmp_path: Path) -> None:
    reply = asked(Curl(demo, LOGIN, tmp_path), "/kit/")

    style = re.findall(r"<style>(.*)</style>", reply.body.decode(), re.S)
    hashed = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    assert reply.headers["content-security-policy"].split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{hashed}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    assert reply.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("target", ["/kit/", "/kit/linux.sh"])
def test_head_has_the_headers_of_get(demo: Server, tmp_path: Path, target: str) -> None:
    curl = Curl(demo, LOGIN, tmp_path)
    head, get = asked(curl, target, "--head"), asked(curl, target)

    changing = {"date"}
    assert head.status == 200
    assert {k: v for k, v in head.headers.items() if k not in changing} == {
        k: v for k, v in get.headers.items() if k not in changing
    }
    assert int(head.headers["content-length"]) == len(get.body)


@pytest.mark.parametrize("target", ["/kit", "/kit/", "/kit/linux.sh", "/kit/rien.sh"])
def test_nothing_of_the_kit_is_for_strangers(demo: Server, tmp_path: Path, target: str) -> None:
    for stranger in (
        Curl(demo, "", tmp_path),
        Curl(demo, LOGIN, tmp_path, password="faux"),
    ):
        reply = asked(stranger, target)
        assert reply.status == 401
        assert reply.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "PROPFIND", "MKCOL"])
@pytest.mark.parametrize("target", ["/kit/", "/kit/linux.sh"])
def test_the_kit_is_read_only(demo: Server, tmp_path: Path, method: str, target: str) -> None:
    reply = asked(Curl(demo, LOGIN, tmp_path), target, "--request", method)

    assert reply.status == 405


@pytest.mark.parametrize(
    "target", ["/kit/rien.sh", "/kit/page.html.j2", "/kit/linux.sh/a", "/kit/LINUX.SH", "/kits/"]
)
def test_another_name_is_not_there(demo: Server, tmp_path: Path, target: str) -> None:
    reply = asked(Curl(demo, LOGIN, tmp_path), target)

    assert reply.status == 404
    assert "n'existe pas" in reply.message


def test_the_root_says_where_the_kit_is(demo: Server, tmp_path: Path) -> None:
    reply = asked(Curl(demo, LOGIN, tmp_path), "/")

    assert "/kit/" in reply.body.decode()


@pytest.mark.parametrize("host", ["evil.example", 'a"&calc', "127.0.0.1:8080'$(id)", "a<b>c"])
def test_a_host_that_cannot_be_the_sites_makes_no_kit(
    demo: Server, tmp_path: Path, host: str
) -> None:
    curl = Curl(demo, LOGIN, tmp_path)

    for target in ("/kit/", "/kit/windows.cmd"):
        assert asked(curl, target, "--header", f"Host: {host}").status == 400


def test_behind_a_proxy_the_address_is_that_of_the_client(start: Start, tmp_path: Path) -> None:
    server = start({"DAVSERVER_SERVER__TRUSTED_PROXIES": '["127.0.0.1"]'})
    curl = Curl(server, LOGIN, tmp_path)

    reply = asked(
        *(curl, "/kit/dossiers.davmount", "--header", "Host: dossiers.example"),
        *("--header", "X-Forwarded-Proto: https"),
    )

    assert "<dm:url>https://dossiers.example/dav/</dm:url>" in reply.body.decode()


def test_the_address_of_the_settings_wins(start: Start, tmp_path: Path) -> None:
    server = start({"DAVSERVER_SERVER__ADDRESS": "https://reglages.example/"})

    reply = asked(Curl(server, LOGIN, tmp_path), "/kit/linux.sh")

    assert "\nadresse=https://reglages.example/dav/\n" in reply.body.decode()


@pytest.mark.parametrize("login", HOSTILE)
def test_a_hostile_login_is_only_text_on_the_page(login: str) -> None:
    html = page(Drive.of(SITE, login))

    assert Page(html).foreign == []
    assert (
        "<code>"
        + login.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&#34;")
        .replace("'", "&#39;")
        + "</code>"
        in html
    )
