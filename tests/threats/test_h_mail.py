"""No name makes a mail say more than it should (threat H05)."""

import re
from email.message import EmailMessage
from pathlib import Path

import pytest

from davserver.alerts.letter import Letter, Line
from davserver.model import MessageKind
from tests.clients import DOSSIER, EXPERT
from tests.conftest import Start
from tests.console import Console
from tests.dav import Dav
from tests.letters import (
    ACCENTED,
    EVENING,
    HEADERS,
    NASTY,
    NASTY_IDS,
    arrived,
    header_lines,
    mail,
)
from tests.post import Post, settings
from tests.serving import wait_for
from tests.threats.rooms import BOX, OWNER, PDF, grant


@pytest.mark.parametrize("nasty", NASTY, ids=NASTY_IDS)
def test_h05_no_name_adds_a_header_or_a_line_to_one(nasty: str) -> None:
    line = Line(nasty, f"{nasty}/{nasty}", 1, 1, EVENING, reason=nasty)
    letter = Letter(MessageKind.DEPOSIT, nasty, nasty, nasty, (line, line))
    message = mail(letter, sender="alertes@serveur.example")
    raw = message.as_bytes()
    read = arrived(message)

    assert [line.split(":")[0] for line in header_lines(message)] == HEADERS
    assert [name for name, _ in read.items()] == HEADERS
    assert [part.get_content_type() for part in read.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert [each.addr_spec for each in read["To"].addresses] == ["apolline.testard@expert.example"]
    assert not ACCENTED.search(raw)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78
    assert all(len(word) <= 75 for word in re.findall(rb"=\?utf-8\?\S+", raw.split(b"\r\n\r\n")[0]))


EVIL = "=?UTF-8?Q?x=0ABcc:_evil@x.example?="
DECODED = "=?utf-8?b?eA0KQmNjOiBldmlsQHguZXhhbXBsZQ==?="


def test_h05_an_encoded_line_break_reaches_a_real_mail_server_as_one_subject(
    start: Start, tmp_path: Path
) -> None:
    """In the names of a person and of a file: a name of a file has no « ? » nor « : »."""
    post = Post(tmp_path / "maildir")
    post.start()
    server = start(settings(post, window=1))
    console, owner = Console(server.data), server.dav(OWNER)
    word = "un mot de passe assez long"
    console.well("user", "add", "evil", "--last-name", EVIL, "--first-name", DECODED, "--email",
                 "evil@evil.example", "--password", word)  # fmt: skip
    grant(server, (DOSSIER,), "evil", "lire")
    grant(server, BOX, "evil", "lire,ajouter")
    evil = Dav(server.url, "evil", word)

    assert owner.put((*BOX, f"{EVIL}.pdf"), PDF).status == 403
    assert evil.put((*BOX, "=UTF-8=Q=x=0ABcc=3A_evil@x.example.pdf"), PDF).status == 201
    expert = next(row["email"] for row in server.json("user", "list") if row["login"] == EXPERT)

    def told() -> list[EmailMessage]:
        return [mail for mail in post.mails() if str(mail["X-RcptTo"]) == expert]

    (message,) = wait_for(told, 30, "the expert's mail")
    assert server.stop() == 0
    post.stop()
    for found in post.mails():
        assert found.keys().count("Subject") == 1
        assert found["Bcc"] is None and found["Cc"] is None
        assert "evil@x.example" not in str(found["X-RcptTo"])
    assert EVIL in str(message["Subject"]) or "Bcc:" in str(message["Subject"])
    assert f"[{DOSSIER}"[:20] in str(message["Subject"])
    raw = b"".join(file.read_bytes() for file in (tmp_path / "maildir" / "new").iterdir())
    assert not re.search(rb"^(Bcc|Cc):", raw, re.MULTILINE | re.IGNORECASE)
