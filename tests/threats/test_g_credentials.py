"""Logins and accounts: what comes with a request, and what an account leaves behind."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from davserver.accounts.passwords import LONGEST
from tests.clients import DOSSIER, box, paper
from tests.conftest import Start
from tests.console import Console, copied, sentence_of
from tests.console import run as command
from tests.dav import address
from tests.ports import free_port
from tests.post import PUBLIC, Post, settings, text
from tests.serving import PASSWORD, Server, wait_for
from tests.threats.stranger import Stranger, basic

LAWYER = "cabinet.brumaire-kalve"
BOX = box("Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)")


def run(server: Server, *arguments: str) -> str:
    done = server.run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_g01_bad_credentials_are_401_and_all_alike(demo: Server) -> None:
    stranger = Stranger(demo.url)
    bad = [
        "Basic !!!", "Basic", "Basic ", "Basic //4=", "Basic bm8tY29sb24=", "Basic Og==",
        "basic " + "A" * 4_000, "Basic\t" + basic(LAWYER, PASSWORD)[6:] + " x", "", "\xff\xfe",
    ]  # fmt: skip
    answers = [stranger.ask(header) for header in bad]

    assert [answer.status for answer in answers] == [401] * len(bad)
    assert len({len(answer.body) for answer in answers}) <= 2, "said who he is, or not"
    for answer in answers:
        assert answer.headers["www-authenticate"] == 'Basic realm="davserver", charset="UTF-8"'
        assert "1, 2" in answer.headers["dav"], "some Macs look here"


def test_g02_passwords_of_any_length_up_to_a_limit_work_and_differ(demo: Server) -> None:
    stranger = Stranger(demo.url)
    for number, password in enumerate(["x" * 72 + "a", "é" * 80, "y" * LONGEST, "a:b c\u0142"]):
        login = f"long-{number}"
        run(demo, "user", "add", login, "--last-name", "LONG", "--email", f"{login}@x.example",
            "--password", password)  # fmt: skip
        assert stranger.login(login, password) == 207
        assert stranger.login(login, password[:72] + "b") == 401
        assert stranger.login(login, password + "\0") == 401
    done = demo.run("user", "password", "long-0", "--password", "z" * (LONGEST + 1))
    assert done.returncode == 1 and str(LONGEST) in done.stderr
    assert stranger.login("long-0", "z" * (LONGEST + 1)) == 401


def test_g07_a_login_given_again_inherits_nothing(demo: Server) -> None:
    login, title = "ulysse.encore", DOSSIER
    add = ("user", "add", login, "--last-name", "ENCORE", "--email", "e@x.example")
    run(demo, *add, "--password", "premier", "--dossier", title)
    group = ("group", "join", "Tous les participants", login, "--dossier", title)
    run(demo, *group)
    first = Stranger(demo.url)
    source = address(DOSSIER, slash=True)
    assert first.ask(basic(login, "premier"), path=source).status == 207
    before = first.ask(basic(login, "premier"), path="/principals/", headers={"Depth": "1"}).body
    run(demo, "user", "remove", login)
    run(demo, *add, "--password", "second", "--dossier", title)

    assert first.ask(basic(login, "second"), path=source).status == 404
    assert first.login(login, "premier") == 401
    after = first.ask(basic(login, "second"), path="/principals/", headers={"Depth": "1"}).body
    assert before != after


def test_g07_no_device_lock_or_second_step_goes_to_the_next_one(demo: Server) -> None:
    login = "ulysse.toujours"
    add = ("user", "add", login, "--last-name", "TOUJOURS", "--email", "t@x.example")
    run(demo, *add, "--password", "premier")
    device = demo.json("device", "add", login, "--name", "Portable")["password"]
    run(demo, "user", "totp", login, "enable")
    stranger = Stranger(demo.url)
    assert stranger.login(login, device) == 207

    run(demo, "user", "remove", login)
    run(demo, *add, "--password", "second")

    assert demo.json("device", "list", login) == []
    assert stranger.login(login, device) == 401
    assert stranger.login(login, "second") == 207, "no second step is asked"


@pytest.mark.embedded
def test_g07_the_id_of_an_account_that_is_gone_is_never_given_again(
    seeded: Path, tmp_path: Path
) -> None:
    """Even of a private one that a purge takes away with its row."""
    console = copied(seeded, tmp_path)
    add = ("user", "add", "--last-name", "X", "--email", "x@x.example", "--password", "p")
    console.well(*add, "dernier", "--dossier", DOSSIER)
    number = _id_of(console, "dernier")
    console.well("dossier", "state", DOSSIER, "clos")
    console.well("dossier", "purge", DOSSIER, "--yes")
    assert _id_of(console, "dernier") is None

    console.well(*add, "dernier")

    again = _id_of(console, "dernier")
    assert number is not None and again is not None and again > number


def _id_of(console: Console, login: str) -> int | None:
    with closing(sqlite3.connect(console.data / "davserver.sqlite")) as rows:
        found = rows.execute("SELECT id FROM user WHERE login = ?", (login,)).fetchone()
    return None if found is None else int(found[0])


def test_g08_the_drive_does_not_skip_the_second_step(demo: Server) -> None:
    login = "barnabe.essai"
    stranger = Stranger(demo.url)
    assert stranger.login(login, PASSWORD) == 207
    device = demo.json("device", "add", login, "--name", "Portable")["password"]

    printed = run(demo, "user", "totp", login, "enable")

    assert "otpauth://totp/" in printed
    refused = stranger.ask(basic(login, PASSWORD))
    assert refused.status == 401
    assert "mots de passe d'appareil" in refused.message
    assert stranger.login(login, device) == 207
    for header in ("Bearer " + device, "Bearer " + PASSWORD, "Token x", f"Basic {device}"):
        assert stranger.ask(header, headers={"Cookie": "session=half"}).status == 401
    run(demo, "user", "totp", login, "disable")
    assert stranger.login(login, PASSWORD) == 207


def test_g09_a_captured_digest_is_worth_nothing(demo: Server) -> None:
    stranger = Stranger(demo.url)
    captured = (
        f'Digest username="{LAWYER}", realm="davserver", nonce="x", uri="/dav/", qop=auth, '
        'nc=00000001, cnonce="y", response="6629fae49393a05397450978507c4ef1", algorithm=MD5'
    )
    for _ in range(2):
        answer = stranger.ask(captured)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert "igest" not in answer.headers["www-authenticate"]


def test_g09_no_password_is_taken_in_the_clear_and_nobody_is_sent_there(demo: Server) -> None:
    stranger = Stranger(demo.url)
    for path in ("/", "/dav", "/dav/", address(DOSSIER)):
        answer = stranger.ask(basic(LAWYER, PASSWORD), path=path)
        assert answer.status == 207 and "location" not in answer.headers
        # From another machine, by a proxy that nobody named.
        answer = stranger.ask(
            basic(LAWYER, PASSWORD), path=path, headers={"X-Forwarded-For": "203.0.113.9"}
        )
        assert answer.status == 403 and "location" not in answer.headers
        assert "https" in answer.message


def test_g11_a_query_logs_nobody_out(demo: Server) -> None:
    stranger = Stranger(demo.url)
    for query in ("?logout", "?file=logoutform", "?logout=1&x"):
        assert stranger.ask(basic(LAWYER, PASSWORD), path="/dav/" + query).status == 207


def test_g12_what_a_client_says_of_itself_lets_nobody_in(demo: Server) -> None:
    stranger = Stranger(demo.url)
    claims = {
        "Remote-User": LAWYER, "X-Remote-User": LAWYER, "X-Forwarded-User": LAWYER,
        "Cookie": f"user={LAWYER}", "X-Authenticated-User": LAWYER,
    }  # fmt: skip
    for header in (
        basic(LAWYER, ""), basic("", ""), basic("", PASSWORD), "Negotiate x", "NTLM x", "Bearer ",
        "AWS4-HMAC-SHA256 Credential=/", "Basic " + basic(LAWYER, PASSWORD),
        "Token " + basic(LAWYER, PASSWORD).removeprefix("Basic "),
    ):  # fmt: skip
        assert stranger.ask(header, headers=claims).status == 401, header


def test_g12_an_account_without_a_password_is_closed(seeded: Path, tmp_path: Path) -> None:
    console = copied(seeded, tmp_path)
    for bad in ("", "a\0b"):
        assert "mot de passe" in console.refused("user", "password", LAWYER, "--password", bad)
    assert "mot de passe" in console.refused(
        "user", "add", "--last-name", "X", "--email", "x@x.example", "--password", ""
    )


@pytest.mark.embedded  # settings are read before any back end
def test_g12_a_rule_that_is_not_there_stops_the_start(seeded: Path, tmp_path: Path) -> None:
    console = copied(seeded, tmp_path)
    config = tmp_path / "davserver.toml"
    for written, word in (
        ('[[policy]]\nuse = "absent"\n', "absent"),
        ('[authentication]\nscheme = "none"\n', "authentication"),
        ("[login]\nguesses = 0\n", "guesses"),
    ):
        config.write_text(written, encoding="utf-8")
        done = command("user", "list", "--config", str(config), "--data", str(console.data))
        assert word in sentence_of(done)
        served = subprocess.run(
            [sys.executable, "-m", "davserver", "serve", "--port", str(free_port()),
             "--config", str(config), "--data", str(console.data)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert served.returncode == 1 and word in served.stderr


def test_g13_no_link_follows_the_host_that_a_client_names(start: Start, tmp_path: Path) -> None:
    """No password is reset by mail yet; every link of a mail has the address of the settings."""
    post = Post(tmp_path / "maildir")
    post.start()
    try:
        server = start(settings(post, window=0.2))
        run(server, "user", "disable", "theo.gabarit")
        owner = server.dav(LAWYER)
        poisoned = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
        path = (*BOX, "Pièce empoisonnée.pdf")
        assert owner.request("PUT", path, paper(path[-1]), poisoned).status == 201
        mails = wait_for(post.mails, 30, "the mails of the deposit")
        wait_for(lambda: all(r["state"] != "queued" for r in server.json("alerts", "queue")), 30)
        mails = post.mails()
    finally:
        post.stop()

    assert mails
    for mail in mails:
        assert "evil" not in mail.as_string() and "evil" not in text(mail)
        assert PUBLIC in text(mail)
    people = {row["login"]: row["email"] for row in server.json("user", "list")}
    told = {str(mail["X-RcptTo"]) for mail in mails}
    assert people["theo.gabarit"] not in told
    assert people["cabinet.ortie-lambda"] in told
