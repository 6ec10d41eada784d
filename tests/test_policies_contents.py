"""The policies of contents by themselves: litter is absorbed, and what is infected is held."""

from collections.abc import Iterator
from typing import Any

import pytest

from davserver.model import Verdict
from davserver.policy import Act, Action, Rights
from davserver.policy.antivirus import Antivirus
from davserver.policy.gate import Gate
from davserver.policy.side_files import SideFiles
from tests import actions
from tests.actions import ARCHIVE, BOX, LAWYER, MAILBOXES, NOTES, READ, action, file

pytestmark = pytest.mark.embedded  # no site, or none whose back end matters
gate = actions.gate  # a fixture

COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
FINDER, EXPLORER = "WebDAVFS/3.0.0 (03008000) Darwin/24.6.0", "Microsoft-WebDAV-MiniRedir/10.0.1"


def side(name: str, *, rights: Rights = READ | Rights.ADD, agent: str = "", **facts: Any) -> Action:
    return action(Act.SIDE, BOX, name=name, actor=LAWYER, rights=rights, agent=agent, **facts)


@pytest.mark.parametrize("agent", ["", "rclone/v1", FINDER, EXPLORER])
@pytest.mark.parametrize("rights", [READ, READ | Rights.ADD, READ | Rights.MODIFY])
def test_side_files_are_taken_in_where_one_writes_and_from_finder_and_explorer_anywhere(
    agent: str, rights: Rights
) -> None:
    decision = SideFiles().judge(side("~$Dire.docx", rights=rights, agent=agent))

    assert decision is not None
    assert decision.allowed is (rights != READ or agent in (FINDER, EXPLORER))


def contents() -> Iterator[tuple[str, bytes, int, bool]]:
    """Names, first bytes, sizes, and whether they are absorbed."""
    owner = b"\x06auteur".ljust(162)
    yield "~$Dire.docx", owner, 162, True
    yield "~$Dire.docx", owner + b"   ", 165, True
    yield "~$Dire.docx", b"%PDF-1.7".ljust(162), 162, False
    yield "~$Dire.docx", b"Le mur penche.", 14, False
    yield "~$Dire.doc", COMPOUND.ljust(4_096), 30_000, False
    yield "._Constat.pdf", b"\x00\x05\x16\x07", 4_096, True
    yield "._Constat.pdf", b"\x00\x05\x16\x07", 1_000_000, True
    yield "._Constat.pdf", b"%PDF-1.7", 4_096, False
    yield "._notes.txt", b"Le mur penche.", 14, False
    yield "Thumbs.db", COMPOUND + "Catalog".encode("utf-16-le"), 1_000_000, True
    yield "Thumbs.db", COMPOUND + "256_0a".encode("utf-16-le"), 1_000_000, True
    yield "Thumbs.db", COMPOUND + "Catalog".encode("utf-16-le"), 40_000_000, False
    yield "Thumbs.db", COMPOUND.ljust(4_096), 3_000_000, False
    yield "desktop.ini", b"\xff\xfe" + "\r\n[.ShellClassInfo]".encode("utf-16-le"), 400, True
    yield ".~lock.Dire.odt#", b",ortie,poste,01.02.2024 10:00,file:///x;", 40, True
    yield ".Dire.odt.swp", b"b0VIM 9.0", 16_384, True
    yield ".DS_Store", b"\x00\x00\x00\x01Bud1", 6_148, True
    yield ".DS_Store", b"PK\x03\x04", 6_148, False
    yield "~WRD0001.tmp", b"PK\x03\x04", 5_000_000, True  # a document that is being saved
    yield "Constat.pdf.part", b"%PDF-1.7", 5_000_000, True


@pytest.mark.parametrize(("name", "head", "size", "absorbed"), list(contents()))
def test_litter_is_absorbed_only_if_it_is_litter(
    name: str, head: bytes, size: int, absorbed: bool
) -> None:
    judged = side(name, size=size)

    decisions = [SideFiles().judge(judged), SideFiles().inspect(judged, head)]

    refused = [decision for decision in decisions if decision and not decision.allowed]
    assert (refused == []) is absorbed
    assert all(name in decision.reason for decision in refused)


def test_side_files_are_no_other_policys_business(gate: Gate) -> None:
    for chain in (BOX, ARCHIVE, MAILBOXES, NOTES):
        assert gate.permits(action(Act.SIDE, chain, name=".DS_Store", rights=READ, agent=FINDER))


def test_ordinary_acts_are_not_the_side_files_business() -> None:
    for act in set(Act) - {Act.SIDE}:
        assert SideFiles().judge(action(act, name=".DS_Store")) is None
        assert SideFiles().inspect(action(act, name=".DS_Store"), b"%PDF") is None


@pytest.mark.parametrize("active", [True, False])
def test_the_verdict_on_the_content_decides_what_is_shown(active: bool) -> None:
    def allowed(verdict: Verdict | None, size: int = 10) -> bool:
        shown = action(Act.PUBLISH, BOX, file(), size=size, verdict=verdict, finding="Eicar")
        decision = Antivirus(active=active).judge(shown)
        assert decision is not None
        assert decision.passes is (not decision.allowed and verdict is None)
        return decision.allowed

    assert allowed(Verdict.CLEAN)
    assert allowed(None, size=0)
    # A verdict that is known counts even when the scanner was switched off since.
    assert not allowed(Verdict.INFECTED) and not allowed(Verdict.UNSCANNABLE)
    assert allowed(None) is not active


def test_the_antivirus_is_silent_about_all_other_acts() -> None:
    for act in set(Act) - {Act.PUBLISH}:
        assert Antivirus(active=True).judge(action(act, verdict=Verdict.INFECTED)) is None
