"""What the expert has filed is not deposited again by who sends it again."""

from typing import Any

import pytest

from tests.clients import EXPERT
from tests.conftest import Start
from tests.deposits import ARCHIVE, AUTHOR, PDF, at, sealed
from tests.serving import Server, wait_for


@pytest.fixture(scope="module")
def impatient(start: Start) -> Server:
    """A server that forgets at once what was put lately."""
    return start({"DAVSERVER_DEPOSIT__REPLAY": "0.1"})


def deposited(server: Server, name: str) -> list[dict[str, Any]]:
    """The rows of the deposits of a name."""
    return [line for line in server.json("deposits", "list") if line["name"] == name]


def test_what_the_expert_has_filed_is_not_deposited_again_whenever_it_is_sent(
    impatient: Server,
) -> None:
    author, expert = impatient.dav(AUTHOR), impatient.dav(EXPERT)
    name, content = at("classée.pdf"), PDF + b"filed"
    author.put(name, content)
    sealed(expert, name[-1])
    assert expert.move(name, (*ARCHIVE, "Pièces", name[-1])).status == 201

    # Programs look at what they have just sent: it is there, and a moment later it is no deposit.
    assert author.put(name, content).status == 201
    assert author.propfind(name, "0").status == 207
    wait_for(lambda: author.get(name).status == 404, 20, "the end of what is sent again")
    (first,) = deposited(impatient, name[-1])
    (word,) = [
        line
        for mail in impatient.json("alerts", "queue")
        if mail["kind"] == "pièce déjà déposée"
        for line in mail["lines"]
    ]
    assert word["name"] == name[-1]
    journal = str([x for x in impatient.json("journal", "list") if x["act"] == "deposit.repeat"])
    assert name[-1] in journal
    assert first["sha256"] in journal

    # Another content, or another place, is another deposit.
    assert author.put(name, content + b"autre").status == 201
    author.mkcol(at("Lot"))
    assert author.put((*at("Lot"), name[-1]), content).status == 201
    sealed(expert, name[-1])
    sealed(expert, name[-1], at("Lot"))
    assert len(deposited(impatient, name[-1])) == 3


def test_a_folder_that_the_expert_has_filed_is_not_deposited_again(impatient: Server) -> None:
    author, expert = impatient.dav(AUTHOR), impatient.dav(EXPERT)
    pieces = {f"lot 3 {number}.pdf": PDF + b"%d" % number for number in range(3)}
    for sending in ("first", "again"):
        assert author.mkcol(at("Lot3")).status == 201
        for name, content in pieces.items():
            assert author.put((*at("Lot3"), name), content).status == 201
        if sending == "first":
            for name in pieces:
                sealed(expert, name, at("Lot3"))
            assert expert.move(at("Lot3"), (*ARCHIVE, "Pièces", "Lot3")).status == 201
    wait_for(lambda: author.names(at("Lot3")) == [], 20, "the end of what is sent again")

    assert expert.propfind(at("Lot3")).status == 404
    for name in pieces:
        assert len(deposited(impatient, name)) == 1
