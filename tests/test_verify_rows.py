"""``verify`` of the rows: each that was changed is named."""

from pathlib import Path

import pytest

from tests import damaged
from tests.conftest import Start
from tests.console import Console, copied
from tests.damaged import BOX, OWNER, A, damage, differences

console = damaged.console  # a fixture

REMOVAL = (
    "INSERT INTO removal (dossier_id, parent_id, node_id, name, kind, change, at) SELECT"
    " dossier_id, id, 1, 'x', 'file', {}, '2024-01-01' FROM node WHERE {} AND dossier_id ="
    " (SELECT id FROM dossier WHERE title LIKE '2024-01%')"
)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE dossier SET used = used + 1 WHERE title LIKE '2024-01%'", "bytes, its files have"),
        ("UPDATE platform SET used = used + 1", "bytes, its dossiers"),
        ("UPDATE dossier SET title = 'x' WHERE title LIKE '2024-01%'", "its source folders are"),
        ("UPDATE dossier SET next_number = 99 WHERE title LIKE '2024-01%'", "not numbered 1 to n"),
        ("UPDATE node SET size = size + 1 WHERE number = 2", "not that of its bytes"),
        ("UPDATE node SET sha256 = 'x' WHERE number = 2", "not that of its file"),
        ("UPDATE node SET blob_id = NULL WHERE number = 2", "and no bytes"),
        ("UPDATE node SET blob_id = 1 WHERE name = '08 Plans'", "a folder with bytes"),
        ("UPDATE node SET number = 77 WHERE number = 2", "bears the number 77, not 2"),
        ("UPDATE node SET number = 77 WHERE name LIKE 'Plan RDC%'", "numbered, but no sealed"),
        ("UPDATE node SET name_key = 'x' WHERE number = 2", "its key is not that of its name"),
        ("UPDATE node SET state = 'received' WHERE number = 2", "numbered, but no sealed deposit"),
        ("UPDATE node SET state = 'reserved' WHERE name LIKE 'Plan RDC%'", "nobody will ever"),
        ("UPDATE node SET state = 'side' WHERE number = 2", "a side file without author"),
        ("UPDATE node SET role = 'source' WHERE name = '08 Plans'", "only source folders"),
        ("UPDATE node SET dossier_id = 1 WHERE name = '08 Plans'", "another dossier than"),
        ("UPDATE node SET parent_id = id WHERE name = '08 Plans'", "no way leads to it"),
        ("UPDATE node SET parent_id = 9999 WHERE number = 9", "no way leads to it"),
        ("UPDATE node SET role = 'plain' WHERE id = 1", "it is not the root"),
        ("UPDATE node SET parent_id = (SELECT id FROM node WHERE name LIKE 'Plan RDC%')"
         " WHERE name LIKE 'Coupe AA%'", "it lies in a file"),
        ("UPDATE blob SET sha256 = 'x' WHERE size > 8000000", "is not that of its bytes"),
        ("DELETE FROM node WHERE number = 2", "the piece is gone"),
        ("DELETE FROM deposit WHERE number = 2", "numbered, but no sealed deposit"),
        ("DELETE FROM deposit WHERE number = 2", "tells of a deposit that is not there"),
        ("UPDATE deposit SET sha256 = 'x' WHERE number = 2", "is not that of journal line"),
        ("UPDATE deposit SET sealed_at = NULL WHERE number = 2", "numbered without seal"),
        ("UPDATE deposit SET rejected_at = sealed_at WHERE number = 2", "rejected, and yet there"),
        ("UPDATE deposit SET sealed_at = NULL, number = NULL WHERE number = 2", "its file is not"),
        ("UPDATE deposit SET held_at = sealed_at WHERE number = 2", "held, and yet sealed"),
        ("INSERT INTO inspection (sha256, verdict, finding, engine, at, attempts, retry_at) SELECT"
         " sha256, 'infected', 'X', '', '2020-01-01 00:00:00.000000', 0,"
         " '2020-01-01 00:00:00.000000' FROM deposit WHERE number = 2", "nobody has decided so"),
        ("DELETE FROM journal WHERE act = 'deposit.seal'", "does not tell of its seal"),
        ("UPDATE journal SET facts = '{}' WHERE act = 'rights.grant'", "the line was changed"),
        ('UPDATE "grant" SET rights = 4096 WHERE id = 1', "4096 are no rights"),
        ('UPDATE "grant" SET node_id = (SELECT id FROM node WHERE name LIKE \'Plan RDC%\')'
         " WHERE id = 1", "it stands on a file"),
        ('UPDATE "grant" SET node_id = (SELECT id FROM node WHERE role = \'source\' AND name LIKE'
         " '2024-01%') WHERE group_id = (SELECT max(id) FROM \"group\")", "is of another dossier"),
        # PostgreSQL keeps references whole by itself.
        pytest.param("UPDATE alert_rule SET node_id = 9999", "names a row of node that is not "
                     "there", marks=pytest.mark.embedded),
        ("INSERT INTO membership SELECT (SELECT min(id) FROM \"group\"), id FROM"
         " \"user\" WHERE login = 'soustraitant.sept'", "a private user of another dossier"),
        pytest.param("INSERT INTO lock VALUES (1, 't', 9999, 1, 1, 0, '', 1, '2024-01-01',"
                     " '2024-01-01', '', 0)", "lock 1: names a row of node",
                     marks=pytest.mark.embedded),
        ("UPDATE node SET name = '..', name_key = '..' WHERE number = 2", "can show its name"),
        ("UPDATE node SET spelt = 'autre' WHERE number = 2", "« autre » is no other form of"),
        ("UPDATE node SET state = 'side', scratch_of = 1 WHERE name LIKE 'Plan RDC%'",
         "under the name of another"),
        ("UPDATE node SET author_id = NULL, state = 'reserved' WHERE name LIKE 'Plan RDC%'",
         "nobody will ever see it"),
        ("UPDATE node SET role = 'archives' WHERE name LIKE 'Plan RDC%'", "the part of a folder"),
        ("UPDATE node SET change = 1000000 WHERE name LIKE 'Plan RDC%'", "that has not been"),
        ("UPDATE node SET came = 1000000 WHERE role = 'mailboxes'", "that has not been"),
        ("UPDATE node SET representation_id = NULL WHERE role = 'mailbox'", "a box or archive of"),
        ("UPDATE node SET representation_id = 1 WHERE name = '08 Plans'", "that is neither"),
        ("UPDATE node SET role = 'archive' WHERE id = (SELECT min(id) FROM node WHERE role ="
         " 'mailbox')", "its boxes are ["),
        ("UPDATE representation SET dossier_id = (SELECT max(id) FROM dossier) WHERE id = 1",
         "to somebody of another dossier"),
        ("UPDATE deposit SET received_at = NULL WHERE number = 2", "and never received"),
        ("UPDATE deposit SET author_id = 1 WHERE number = 2", "another author's"),
        ("UPDATE \"user\" SET dossier_id = NULL WHERE login = 'soustraitant.sept'",
         "private without"),
        ("UPDATE \"user\" SET dossier_id = 1 WHERE login = 'come.prototype'", "or public with one"),
        ("UPDATE \"user\" SET login = NULL WHERE login = 'come.prototype'", "and yet a password"),
        ("UPDATE \"user\" SET login = NULL WHERE login = 'come.prototype'",
         "that account was removed"),
        ("DELETE FROM participant WHERE role = 'expert'", "its expert does not take part"),
        ("INSERT INTO participant SELECT d.id, u.id, 'conseil technique' FROM dossier d, \"user\" u"
         " WHERE d.kind LIKE 'espace%' AND u.login = 'come.prototype'", "others than its expert"),
        ("UPDATE dossier SET state = 'purgé' WHERE title LIKE '2024-01%'", "purged, and somebody"),
        ("UPDATE dossier SET kind = 'espace de l''expert' WHERE title LIKE '2024-01%'", "2 spaces"),
        ("INSERT INTO dead_property SELECT id, '{urn:x}a', '<a xmlns=\"urn:x\">' FROM node"
         " WHERE number = 2", "no XML element of this name"),
        ("INSERT INTO dead_property SELECT id, '{urn:x}a', '<b xmlns=\"urn:x\"/>' FROM node"
         " WHERE number = 2", "no XML element of this name"),
        pytest.param("INSERT INTO dead_property SELECT id, '{urn:x}a', '<a xmlns=\"urn:x\">"
                     + "0" * 66_000 + "</a>' FROM node WHERE number = 2", "bytes of properties",
                     id="endless properties"),
        (REMOVAL.format(0, "role = 'source'"), "of a change that has not been"),
        (REMOVAL.format(1000000, "role = 'source'"), "of a change that has not been"),
        (REMOVAL.format(1, "name LIKE 'Plan RDC%'"), "where no folder of its dossier is"),
        pytest.param("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'node'",
                     "and was not given yet", marks=pytest.mark.embedded),
        # PostgreSQL's sequences have gaps by themselves.
        pytest.param("DELETE FROM journal WHERE id = (SELECT max(id) FROM journal)",
                     "journal: it ends at", marks=pytest.mark.embedded),
    ],
)  # fmt: skip
def test_a_changed_row_is_found(console: Console, statement: str, said: str) -> None:
    damage(console, statement)

    assert any(said in line for line in differences(console, "--quick")), differences(console)


@pytest.mark.parametrize(
    ("statement", "folder"),
    [
        ("UPDATE node SET parent_id = (SELECT id FROM node WHERE name = '08 Plans' AND dossier_id ="
         " (SELECT dossier_id FROM node WHERE number = 9)) WHERE number = 9", "08 Plans"),
        ("UPDATE node SET state = 'side', scratch_of = 1, author_id = 1, role = 'plain',"
         " representation_id = NULL WHERE id = (SELECT parent_id FROM node WHERE number = 9)",
         "06 Sapiteurs et investigations/M. PROTOTYPE Côme (structure)"),
    ],
    ids=["a plain folder", "a side folder"],
)  # fmt: skip
def test_a_piece_outside_of_box_and_archive_is_named(
    console: Console, statement: str, folder: str
) -> None:
    damage(console, statement)

    found = differences(console, "--quick")[0]

    piece = f"/{A}/{folder}/Avis technique - structure du balcon.pdf"
    assert found.endswith(f" ({piece}): a piece outside of box and archive")


@pytest.mark.parametrize(
    "lowered",
    [
        "(SELECT parent_id FROM node WHERE number = 9)",
        "(SELECT box.parent_id FROM node box JOIN node piece ON piece.parent_id = box.id"
        " WHERE piece.number = 9)",
    ],
    ids=["its own parent", "in its own child"],
)
def test_a_piece_in_a_circle_of_folders_is_found_and_ends_the_search(
    console: Console, lowered: str
) -> None:
    box = "(SELECT parent_id FROM node WHERE number = 9)"
    damage(console, f"UPDATE node SET parent_id = {box} WHERE id = {lowered}")

    said = "Avis technique - structure du balcon.pdf): no way leads to it from the root"
    assert any(line.endswith(said) for line in differences(console, "--quick"))


def test_a_device_or_second_step_that_could_not_be_made_is_found(console: Console) -> None:
    console.well("device", "add", OWNER, "--name", "Portable")
    console.well("user", "totp", OWNER, "enable")
    assert differences(console, "--quick") == []

    damage(
        console,
        "UPDATE device_password SET rights = 128, digest = 'x'",
        "UPDATE second_factor SET secret = 'x'",
        f"UPDATE \"user\" SET login = NULL WHERE login = '{OWNER}'",
    )

    found = [
        one.split(": ", 1)[1]
        for one in differences(console, "--quick")
        if one.startswith(("device", "second factor"))
    ]
    assert found == [
        "the account is gone", "128 are no rights of a device", "its digest is none",
        "the account is gone", "its secret is none",
    ]  # fmt: skip


def test_a_recipient_of_nothing_or_of_another_message_is_found(console: Console) -> None:
    message = (
        "INSERT INTO message (id, dossier_id, depositor_id, kind, opened_at, due_at) "
        "SELECT {0}, max(id), 1, 'dépôt', '2024-01-01', '2024-01-01' FROM dossier"
    )
    recipient = (
        "INSERT INTO recipient (id, message_id, user_id, email, state, attempts, retry_at, outcome)"
        " VALUES ({0}, {0}, 1, 'x@x.example', 'queued', 0, '2024-01-01', '')"
    )
    damage(
        console,
        message.format(1),
        message.format(2),
        recipient.format(1),
        recipient.format(2),
        "INSERT INTO message_line (id, message_id, name, folder, size, late_seconds, reason, at) "
        "VALUES (1, 1, 'x', 'y', 1, 0, '', '2024-01-01')",
        "INSERT INTO recipient_line VALUES (2, 1)",
    )

    assert differences(console, "--quick")[:2] == [
        "recipient 2: told of line 1 of another message",
        "recipient 1: told of nothing",
    ]


def test_what_a_mail_tells_must_have_been(console: Console) -> None:
    damage(
        console,
        "INSERT INTO message (id, dossier_id, depositor_id, kind, opened_at, due_at) SELECT 1,"
        " dossier_id, 1, 'dépôt', '2024-01-01', '2024-01-01' FROM deposit WHERE number = 9",
        "INSERT INTO recipient (id, message_id, user_id, email, state, attempts, retry_at, outcome)"
        " VALUES (1, 1, 1, 'x@x.example', 'sent', 1, '2024-01-01', '')",
        "INSERT INTO message (id, dossier_id, depositor_id, kind, opened_at, due_at) SELECT 2,"
        " dossier_id, 1, 'dépôt', '2024-01-01', '2024-01-01' FROM deposit WHERE number = 9",
        *(
            "INSERT INTO message_line (id, message_id, name, folder, size, number, late_seconds,"
            f" reason, at) SELECT {number}, 1, {name}, '', {size}, {told}, 0, '', '2024-01-01'"
            " FROM deposit WHERE number = 9"
            for number, name, size, told in (
                (1, "name", "size", "number"),
                (2, "name", "size", "number"),
                (3, "'x'", "size", "8"),
                (4, "name", "size", "99"),
            )
        ),
        "INSERT INTO recipient_line VALUES (1, 1)",
    )

    found = differences(console, "--quick")

    assert [line.split(":")[0].split(" (")[0] + line.rpartition(":")[2] for line in found] == [
        "recipient 1 sent without a date, or dated and not sent",
        "message line 2 its deposit was announced before",
        "message line 3 its name or size is not that of the deposit",
        "message line 4 it announces a deposit that is not there",
        "message 2 it tells of nothing",
        "message 2 it goes to nobody",
    ]


def test_the_journal_must_tell_of_what_came_and_of_what_was_rejected(
    start: Start, tmp_path: Path
) -> None:
    server = start({"DAVSERVER_DEPOSIT__QUIET_UNLOCKED": "3600"})
    assert server.dav(OWNER).put((*BOX, "inachevée.pdf"), b"%PDF-1.4 x").status == 201
    server.stop()
    console = copied(server.data, tmp_path)
    assert differences(console, "--quick") == []

    damage(console, "UPDATE journal SET facts = '{}' WHERE act = 'deposit.receive' AND id = (SELECT"
           " max(id) FROM journal)")  # fmt: skip
    found = differences(console, "--quick")
    assert any(line.endswith("(inachevée.pdf): the journal does not tell of its content")
               for line in found)  # fmt: skip
    damage(console, "UPDATE deposit SET rejected_at = opened_at, node_id = NULL WHERE name LIKE"
           " 'inachev%'")  # fmt: skip
    found = differences(console, "--quick")
    assert any("does not tell of its rejection" in line for line in found)
