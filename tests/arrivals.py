"""What must be true once a folder of pieces was dropped into a mailbox, by whatever program."""

from collections import Counter
from collections.abc import Mapping

from tests.clients import EXPERT, await_names, composed, contents, sha256
from tests.dav import Names
from tests.serving import Server

# Seconds: longer than any drop lasts, so that all its pieces belong into the same mail.
ONE_MAIL = {"DAVSERVER_MAIL__GROUP_WINDOW": "600"}


def assert_arrived_once(
    server: Server,
    login: str,
    folder: Names,
    pieces: Mapping[str, bytes],
    *,
    reader: str = EXPERT,
    seconds: float = 60,
) -> None:
    """Wait until ``reader``, a third party, sees the ``pieces`` that ``login`` dropped into
    ``folder``, which was empty before: each is one deposit, whole, and nothing else is there.

    The server must run with ONE_MAIL: one mail to each member tells of all of them.
    """
    sent = {composed(name): sha256(content) for name, content in pieces.items()}
    assert len(sent) == len(pieces)
    third = server.dav(reader)
    await_names(third, folder, sent, seconds)
    assert sorted(third.names(folder)) == sorted(sent)
    assert contents(third, folder, sent) == sent

    path = "/".join(folder)
    listed = server.json("deposits", "list", "--dossier", folder[0])
    rows = [row for row in listed if row["path"].startswith(f"/{path}/")]
    assert Counter(row["name"] for row in rows) == Counter(list(sent))
    assert {row["name"]: row["sha256"] for row in rows} == sent
    assert {(row["author"], row["state"]) for row in rows} == {(login, "sealed")}
    assert len({row["number"] for row in rows}) == len(pieces)

    told = [
        (message, [line["name"] for line in message["lines"] if line["folder"] == path])
        for message in server.json("alerts", "queue")
    ]
    ((message, names),) = [(message, names) for message, names in told if names]
    assert Counter(names) == Counter(list(sent))
    people = [recipient["login"] for recipient in message["recipients"]]
    assert {login, reader} <= set(people)
    assert len(people) == len(set(people))
