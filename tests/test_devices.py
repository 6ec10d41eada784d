"""Passwords of devices: made for one device, they open no more than they were made for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients import DOSSIER, EXPERT, await_names, box
from tests.conftest import Start
from tests.console import copied
from tests.dav import Dav, Names
from tests.serving import Server

LAWYER = "cabinet.quartz-placebo"
OTHER = "2024-02 Époux NULLEPART contre Toitures du Néant"
OWNER_BOX = "Cabinet QUARTZ-PLACEBO (Assur'Imaginaire)"
BOX = box(OWNER_BOX)
PLANS: Names = (DOSSIER, "08 Plans")
PDF = b"%PDF-1.4\n" + b"x" * 2_000
Device = Callable[..., Dav]


@pytest.fixture(scope="module")
def server(start: Start) -> Server:
    return start()


@pytest.fixture
def device(server: Server, request: pytest.FixtureRequest) -> Device:
    """Makes a device of somebody, and gives his drive by its password."""

    def made(login: str, *options: str) -> Dav:
        name = f"{request.node.name} {' '.join(options)}"[:80]
        answer = server.json("device", "add", login, "--name", name, *options)
        return Dav(server.url, login, answer["password"])

    return made


def test_a_device_without_limits_does_what_its_user_does(server: Server, device: Device) -> None:
    drive = device(LAWYER)

    assert drive.names(()) == server.dav(LAWYER).names(())
    assert drive.put((*BOX, "sans limite.pdf"), PDF).status == 201
    assert drive.delete((*BOX, "sans limite.pdf")).status == 204


def test_a_device_without_limits_publishes_and_replaces_as_its_user_does(
    server: Server, device: Device
) -> None:
    drive, other = device(EXPERT), server.dav(LAWYER)
    plan, side, copied = ((*PLANS, name) for name in ("suivi.txt", "~WRD0001.tmp", "copie.txt"))

    assert drive.put(plan, b"premier").status == 201
    assert other.get(plan).body == b"premier"
    assert drive.put(plan, b"second").status == 204
    assert other.get(plan).body == b"second"
    assert drive.copy(plan, copied).status == 201
    assert drive.put(plan, b"troisieme").status == 204
    assert drive.copy(plan, copied).status == 204
    assert other.get(copied).body == b"troisieme"
    assert drive.put(side, b"quatrieme").status == 201
    assert drive.move(side, plan).status == 204  # as Office saves
    assert other.get(plan).body == b"quatrieme"


def test_a_device_of_one_dossier_finds_no_other(server: Server, device: Device) -> None:
    drive, whole = device(LAWYER, "--dossier", DOSSIER), server.dav(LAWYER)
    assert {DOSSIER, OTHER} <= set(whole.names(()))

    assert drive.names(()) == [DOSSIER]
    assert drive.names(PLANS) == whole.names(PLANS)
    assert drive.put((*BOX, "ici.pdf"), PDF).status == 201
    for path in ((OTHER,), (OTHER, "08 Plans"), (OTHER, "04 Boîtes aux lettres", OWNER_BOX)):
        hidden, absent = drive.propfind(path), drive.propfind((OTHER + " absent", *path[1:]))
        assert hidden.status == absent.status == 404
        assert hidden.message == absent.message
    refused = drive.put((OTHER, "04 Boîtes aux lettres", OWNER_BOX, "x.pdf"), PDF)
    assert refused.status in (403, 409)
    to = (OTHER, "04 Boîtes aux lettres", OWNER_BOX, "ici.pdf")
    assert drive.copy((*BOX, "ici.pdf"), to).status in (403, 409)


def test_a_device_of_one_dossier_knows_the_people_of_this_one_only(
    server: Server, device: Device
) -> None:
    drive, whole = device(LAWYER, "--dossier", OTHER), server.dav(LAWYER)

    def people(one: Dav) -> set[bytes]:
        return set(one.propfind("/principals/users/").body.split(b"<D:response>"))

    assert 1 < len(people(drive)) < len(people(whole))
    assert len(drive.propfind("/principals/groups/").body) < len(
        whole.propfind("/principals/groups/").body
    )


def test_a_device_that_reads_changes_nothing(server: Server, device: Device) -> None:
    drive, expert = device(EXPERT, "--rights", "read"), server.dav(EXPERT)
    file = (*PLANS, "à lire.txt")
    assert expert.put(file, b"texte").status == 201

    assert drive.get(file).body == b"texte"
    assert "à lire.txt" in drive.names(PLANS)
    refusals = [
        drive.put((*PLANS, "neuf.txt"), b"x"),
        drive.put(file, b"autre"),
        drive.delete(file),
        drive.mkcol((*PLANS, "dossier")),
        drive.move(file, (*PLANS, "ailleurs.txt")),
        drive.copy(file, (*PLANS, "copie.txt")),
        drive.lock(file),
        drive.lock((*PLANS, "neuf.txt")),
    ]
    assert [reply.status for reply in refusals] == [403] * len(refusals)
    assert all("l'appareil « " in reply.message for reply in refusals)
    assert b"<D:write" not in drive.propfind(file, "0", PRIVILEGES).body
    assert b"<D:write-content" in expert.propfind(file, "0", PRIVILEGES).body
    assert expert.get(file).body == b"texte"


def test_a_device_that_reads_leaves_the_locks_of_its_user(server: Server, device: Device) -> None:
    drive, expert = device(EXPERT, "--rights", "read"), server.dav(EXPERT)
    file = (*PLANS, "verrouillé.txt")
    expert.put(file, b"texte")
    token = expert.lock(file).headers["lock-token"]

    assert drive.unlock(file, token).status == 403
    assert drive.request("LOCK", file, b"", {"If": f"({token})"}).status == 403
    assert expert.unlock(file, token).status == 204


def test_a_device_that_deposits_adds_and_changes_nothing(server: Server, device: Device) -> None:
    lawyer, expert = device(LAWYER, "--rights", "deposit"), device(EXPERT, "--rights", "deposit")

    assert lawyer.put((*BOX, "du téléphone.pdf")).status == 201
    assert lawyer.put((*BOX, "du téléphone.pdf"), PDF).status == 204
    await_names(server.dav(EXPERT), BOX, {"du téléphone.pdf"})
    assert server.dav(EXPERT).put((*PLANS, "plan.txt"), b"x").status == 201
    assert expert.put((*PLANS, "photo.txt"), b"x").status == 201
    assert expert.put((*PLANS, "plan.txt"), b"autre").status == 403
    assert expert.delete((*PLANS, "plan.txt")).status == 403
    archive = (DOSSIER, "05 Archives", OWNER_BOX, "Pièces", "du téléphone.pdf")
    assert expert.move((*BOX, "du téléphone.pdf"), archive).status == 403
    await_names(server.dav(LAWYER), PLANS, {"photo.txt"})


def test_a_device_never_gives_what_its_user_has_not(server: Server, device: Device) -> None:
    drive = device(LAWYER)

    assert drive.put((*PLANS, "x.pdf"), PDF).status == 403
    assert drive.names(PLANS) == server.dav(LAWYER).names(PLANS)


def test_devices_are_listed_with_their_last_use_and_never_with_a_password(
    server: Server,
) -> None:
    made = server.json(
        "device", "add", "come.prototype", "--name", "Portable de Me X", "--rights", "read",
        "--dossier", DOSSIER,
    )  # fmt: skip
    (before,) = server.json("device", "list", "come.prototype")
    drive = Dav(server.url, "come.prototype", made["password"])
    assert drive.names(()) == [DOSSIER]
    (after,) = server.json("device", "list", "come.prototype")

    assert before["used_on"] is None
    assert (after["used_by"], after["dossier"]) == ("webdav", DOSSIER)
    assert after["used_on"] and after["rights"] == "naviguer, consulter, télécharger"
    assert made["password"] not in server.run("journal", "list").stdout
    assert "Portable de Me X" in server.run("device", "list", "come.prototype").stdout
    acts = [line["act"] for line in server.json("journal", "list") if "device." in line["act"]]
    assert acts[-1] == "device.add"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("add", "nobody", "--name", "x"), "Aucun compte"),
        (("add", EXPERT, "--name", ""), "nom d'un appareil"),
        (("add", EXPERT, "--name", "x", "--dossier", "2023-07"), "ne participe pas"),
        (("revoke", EXPERT, "absent"), "pas d'appareil"),
    ],
)
def test_what_makes_no_sense_is_said(server: Server, arguments: tuple[str, ...], word: str) -> None:
    done = server.run("device", *arguments)

    assert done.returncode == 1 and word in done.stderr


def test_explain_knows_devices_and_second_steps(server: Server) -> None:
    login = "cabinet.ortie-lambda"
    path = "/" + "/".join([*box("Cabinet ORTIE-LAMBDA (SCCV Mirabelle)"), "x.pdf"])
    question = ("rights", "explain", login, "PUT", path)
    server.json("device", "add", login, "--name", "Liseuse", "--rights", "read")

    assert server.json(*question)["status"] == 201
    by_device = server.json(*question, "--device", "Liseuse")
    assert (by_device["status"], by_device["rule"]) == (403, "devices")
    assert server.run("user", "totp", login, "enable").returncode == 0
    assert server.json(*question)["status"] == 401
    assert server.json("user", "show", login)["two_steps"] is True
    assert server.run("user", "totp", login, "enable").returncode == 1
    assert server.run("user", "totp", login, "disable").returncode == 0


def test_devices_go_with_the_dossier_or_the_account_they_are_of(
    seeded: Path, tmp_path: Path
) -> None:
    console = copied(seeded, tmp_path)
    for title in (OTHER, DOSSIER):
        console.well("device", "add", LAWYER, "--name", title[:7], "--dossier", title)
    console.well("device", "add", "theo.gabarit", "--name", "Portable")

    console.well("dossier", "state", OTHER, "clos")
    console.well("dossier", "purge", OTHER, "--yes")
    console.well("user", "remove", "theo.gabarit")

    assert [row["name"] for row in console.json("device", "list", LAWYER)] == [DOSSIER[:7]]
    assert console("verify").code == 0


PRIVILEGES = (
    b'<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop><D:current-user-privilege-set/>'
    b"</D:prop></D:propfind>"
)
