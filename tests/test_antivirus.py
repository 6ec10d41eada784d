"""The antivirus on a real server with a real clamd: what is held, what is shown, who is told."""

import hashlib
import re
from typing import Any

from tests import rows
from tests import scanner as antivirus
from tests.clients import EXPERT
from tests.conftest import Start
from tests.console import Console
from tests.dav import Dav, Names
from tests.deposits import AUTHOR, BOX, OTHER, PDF, at
from tests.post import Post, text
from tests.scanner import EICAR, NOTES, SIGNATURE, nested, row, shown, zipped
from tests.serving import Server, wait_for

post, scanner, server = antivirus.post, antivirus.scanner, antivirus.server  # fixtures
author, other, expert = antivirus.author, antivirus.other, antivirus.expert
SPACE: Names = ("Espace de l'expert",)


def held(server: Server, name: str) -> dict[str, Any]:
    """The deposit of this name, once it is held for a reason that stays."""
    console = Console(server.data)

    def found() -> Any:
        lines = [line for line in console.json("deposits", "held") if line["name"] == name]
        return [line for line in lines if "En attente" not in line["reason"]]

    (line,) = wait_for(found, 60, f"{name} to be held")
    assert isinstance(line, dict)
    return line


def decide(server: Server, act: str, line: dict[str, Any], reason: str) -> str:
    """What a decision about a held deposit says when it fails; "" when it is done."""
    done = server.run("deposits", act, str(line["id"]), "--reason", reason)
    assert (done.returncode == 0) is (done.stderr == ""), done
    return done.stderr


def mails(server: Server, post: Post, to: str, *words: str) -> list[str]:
    """The texts of the mails to a login that have all these words, once there are any."""
    people = Console(server.data).json("user", "list")
    (address,) = [person["email"] for person in people if person["login"] == to]

    def found() -> list[str]:
        mine = [one for one in post.mails() if str(one["X-RcptTo"]) == address]
        texts = [re.sub(r"\s+", " ", text(one)) for one in mine]
        return [one for one in texts if all(word in one for word in words)]

    result = wait_for(found, 60, f"a mail to {to} with {words}")
    assert isinstance(result, list)
    return result


def test_clean_contents_are_sealed_as_ever(server: Server, author: Dav, other: Dav) -> None:
    for name, content in {"saine.pdf": PDF, "saine.zip": zipped("a.txt", b"bonjour")}.items():
        assert author.put(at(name), content).status == 201
        shown(other, at(name), content)
        assert row(server, name)["state"] == "sealed"


def test_an_infected_deposit_is_its_authors_alone_and_he_and_the_expert_are_told(
    server: Server, post: Post, author: Dav, other: Dav, expert: Dav
) -> None:
    name = "eicar.com.txt"
    assert author.put(at(name), EICAR).status == 201
    line = held(server, name)

    assert (SIGNATURE in line["reason"], line["number"], line["sealed_at"]) == (True, None, None)
    assert author.get(at(name)).body == EICAR
    for person in (other, expert):
        assert person.get(at(name)).status == 404
        assert person.request("HEAD", at(name)).status == 404
        assert person.propfind(at(name), "0").status == 404
        assert person.delete(at(name)).status == 404
        assert person.copy(at(name), (*SPACE, name)).status in (404, 409)
        assert person.move(at(name), (*NOTES, name)).status == 404
        assert person.proppatch(at(name), "<T:a>b</T:a>").status == 404
        assert person.put(at(name), PDF).status in (403, 423)
        assert name not in person.names(BOX)
    for login in (AUTHOR, EXPERT):
        (told,) = mails(server, post, login, name, SIGNATURE)
        assert line["sha256"] in told
        assert "Rien n’est perdu" in told
    acts = Console(server.data).json("journal", "list")
    assert "deposit.hold" in [line["act"] for line in acts if name in str(line)]
    assert '"antivirus: unix:' in server.log()


def test_the_expert_releases_a_held_deposit_and_the_seal_mentions_it(
    server: Server, post: Post, author: Dav, other: Dav
) -> None:
    name = "faux positif.pdf"
    author.put(at(name), EICAR)
    line = held(server, name)

    assert decide(server, "release", line, "pièce du litige") == ""
    sealed = row(server, name)
    assert (sealed["state"], sealed["received_at"]) == ("sealed", line["received_at"])
    assert sealed["number"] and sealed["released_at"]
    assert "pièce du litige" in sealed["reason"] and SIGNATURE in sealed["reason"]
    assert other.get(at(name)).body == EICAR
    mails(server, post, EXPERT, name, "a déposé", "pièce du litige")
    assert "n'est pas retenu" in decide(server, "release", line, "encore")


def test_the_expert_rejects_a_held_deposit_and_its_author_is_told_why(
    server: Server, post: Post, author: Dav
) -> None:
    name = "rejetée.pdf"
    author.put(at(name), EICAR)
    line = held(server, name)

    assert decide(server, "reject", line, "renvoyez-la saine") == ""
    gone = row(server, name)
    assert (gone["state"], gone["sha256"]) == ("rejected", line["sha256"])
    assert author.get(at(name)).status == 404
    mails(server, post, AUTHOR, name, "rejeté", "renvoyez-la saine")
    assert "n'est pas retenu" in decide(server, "release", line, "trop tard")


def test_its_author_replaces_an_infected_file_by_a_clean_one(
    server: Server, author: Dav, other: Dav
) -> None:
    name = "guérie.pdf"
    author.put(at(name), EICAR)
    held(server, name)
    assert author.put(at(name), PDF + b"saine").status == 204
    shown(other, at(name), PDF + b"saine")

    line = row(server, name)
    assert (line["state"], line["reason"], line["held_at"]) == ("sealed", "", None)


def test_what_hides_a_virus_or_cannot_be_looked_into_is_held(
    server: Server, author: Dav, other: Dav
) -> None:
    sent = {
        "archive.zip": (zipped("eicar.com", EICAR), SIGNATURE),
        "deux niveaux.zip": (zipped("b.zip", zipped("eicar.com", EICAR)), SIGNATURE),
        "chiffrée.zip": (zipped("a.txt", b"secret" * 50, encrypted=True), "Encrypted"),
        "emboîtée.zip": (nested(20), "Limits.Exceeded"),
        "grande.pdf": (PDF * 500, "Limits.Exceeded"),
        "trop grande.pdf": (PDF * 800, "plus de 3 Mo"),
    }
    for name, (content, _) in sent.items():
        assert author.put(at(name), content).status == 201

    for name, (content, word) in sent.items():
        assert word in held(server, name)["reason"]
        assert other.get(at(name)).status == 404
        assert author.get(at(name)).body == content


def test_what_an_expert_publishes_is_inspected_before_others_see_it(
    server: Server, post: Post, expert: Dav, other: Dav
) -> None:
    good, bad = (*NOTES, "note saine.pdf"), (*NOTES, "note infectée.pdf")
    assert expert.put(good, PDF + b"note").status == 201
    assert expert.put(bad, EICAR).status == 201
    assert expert.get(bad).body == EICAR
    shown(other, good, PDF + b"note")
    line = held(server, bad[-1])

    assert (other.get(bad).status, line["box"]) == (404, None)
    assert len(mails(server, post, EXPERT, bad[-1], SIGNATURE)) == 1
    assert decide(server, "release", line, "échantillon") == ""
    assert other.get(bad).body == EICAR


def test_a_document_is_not_replaced_by_an_infected_one_by_any_way(expert: Dav, other: Dav) -> None:
    document, side, source = ((*NOTES, n) for n in ("suivi.docx", "~WRD0001.tmp", "s.docx"))
    expert.put(document, PDF + b"1")
    shown(other, document, PDF + b"1")

    refused = expert.put(document, EICAR)
    assert (refused.status, SIGNATURE in refused.message) == (403, True)
    assert expert.put(side, EICAR).status == 201
    assert expert.move(side, document).status == 403
    assert expert.put(source, EICAR + b" ").status == 201
    assert expert.copy(source, document).status == 403
    assert other.get(document).body == PDF + b"1"
    assert expert.put(document, PDF + b"2").status == 204
    assert other.get(document).body == PDF + b"2"
    expert.put(side, PDF + b"3")
    assert expert.move(side, document).status == 204
    assert other.get(document).body == PDF + b"3"


def test_held_content_is_held_wherever_its_author_takes_it(
    server: Server, author: Dav, other: Dav, expert: Dav
) -> None:
    author.put(at("prise.pdf"), EICAR)
    held(server, "prise.pdf")

    assert author.move(at("prise.pdf"), at("ailleurs.pdf")).status == 201
    assert author.copy(at("ailleurs.pdf"), at("copie.pdf")).status == 201
    assert author.move(at("ailleurs.pdf"), at("~WRL0002.tmp")).status == 201
    assert author.move(at("~WRL0002.tmp"), at("retour.pdf")).status == 201
    for name in ("copie.pdf", "retour.pdf"):
        assert SIGNATURE in held(server, name)["reason"]
        assert {person.get(at(name)).status for person in (other, expert)} == {404}
    expert.put((*SPACE, "échantillon.txt"), EICAR)
    held(server, "échantillon.txt")
    assert expert.copy((*SPACE, "échantillon.txt"), (*NOTES, "copie.txt")).status == 201
    assert expert.move((*SPACE, "échantillon.txt"), (*NOTES, "échantillon.txt")).status == 201
    for name in ("copie.txt", "échantillon.txt"):
        held(server, name)
        assert other.get((*NOTES, name)).status == 404


def test_what_was_found_bad_is_held_for_ever_also_without_a_scanner(start: Start) -> None:
    server = start()
    sha256 = hashlib.sha256(EICAR).hexdigest()
    rows.alter(
        server.data,
        "INSERT INTO inspection (sha256, verdict, finding, engine, at, retry_at, attempts) VALUES"
        f" ('{sha256}', 'infected', '{SIGNATURE}', '', '2024-01-01 00:00:00.000000',"
        " '2024-01-01 00:00:00.000000', 1)",
    )

    document = (*NOTES, "ancien virus.txt")
    assert server.dav(EXPERT).put(document, EICAR).status == 201
    assert SIGNATURE in held(server, document[-1])["reason"]
    assert server.dav(OTHER).get(document).status == 404
