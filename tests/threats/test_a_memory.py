"""A08 and A13: a refusal costs neither memory nor a transfer.

Behind nginx: nginx keeps its own connection to the client until the rest has come or an hour has
passed; it answers ``Expect: 100-continue`` by itself, before it asks davserver, so that the client
sends what is then refused. The refusal is the same.
"""

from contextlib import ExitStack, suppress

import pytest

from tests.clients import DOSSIER
from tests.dav import Names
from tests.serving import wait_for
from tests.threats.doors import (
    BOX,
    LAWYER,
    MEBIBYTE,
    SPACE,
    Door,
    forget_peak,
    peak,
    resident,
)
from tests.tiny_server import Client

SENT = 100 * MEBIBYTE
GROWTH = 16 * MEBIBYTE
PLANS: Names = (DOSSIER, "08 Plans", "x.pdf")

# What is refused, by status: who asks, where, and the announced size.
REFUSED: dict[int, tuple[str, Names, int]] = {
    401: ("", (*SPACE, "x.pdf"), 2_000_000_000),
    403: (LAWYER, PLANS, 2_000_000_000),
    409: ("apolline.testard", (*SPACE, "nowhere", "x.pdf"), 2_000_000_000),
    413: ("apolline.testard", (*SPACE, "x.pdf"), 20_000_500_000),
    507: ("apolline.testard", (*SPACE, "x.pdf"), 11_000_000_000),
}


@pytest.mark.parametrize("status", REFUSED)
def test_a08_a_refusal_is_told_from_the_head_alone(door: Door, status: int) -> None:
    login, path, size = REFUSED[status]
    with door.connect() as client:
        client.send(door.head("PUT", path, f"Content-Length: {size}", login=login))

        answer = client.answer()
        assert answer.status == status
        assert door.nginx or answer.headers["connection"] == "close"


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
@pytest.mark.parametrize("status", REFUSED)
def test_a08_a_refused_body_is_not_kept_in_memory(door: Door, status: int, chunked: bool) -> None:
    login, path, size = REFUSED[status]
    pids = door.server.workers()
    warm(door, login)
    upload(door, login, path, size, chunked=chunked, sent=MEBIBYTE)
    forget_peak(pids)
    before = resident(pids)

    assert upload(door, login, path, size, chunked=chunked, sent=SENT) == status

    assert peak(pids) - before <= GROWTH


def warm(door: Door, login: str) -> None:
    """Have each worker know the password: what checks it needs memory on purpose, once."""
    straight = Door(door.server)
    asked = straight.head("OPTIONS", "/dav/", "X-Forwarded-Proto: https", login=login)
    with ExitStack() as stack:
        # Kept open, they are shared evenly.
        for _ in range(6):
            client = stack.enter_context(straight.connect())
            client.send(asked)
            assert client.answer().status == (200 if login else 401)


def upload(door: Door, login: str, path: Names, size: int, *, chunked: bool, sent: int) -> int:
    """The status that a client gets who sends ``sent`` bytes of his body, whatever comes."""
    # Finder's way of saying how long the content of its chunks is.
    coded = ("Transfer-Encoding: chunked", f"X-Expected-Entity-Length: {size}")
    fields = coded if chunked else (f"Content-Length: {size}",)
    block = b"100000\r\n" + bytes(MEBIBYTE) + b"\r\n" if chunked else bytes(MEBIBYTE)
    with door.connect() as client:
        client.send(door.head("PUT", path, *fields, login=login))
        with suppress(OSError):  # the server may close
            for _ in range(sent // MEBIBYTE):
                client.send(block)
        return client.answer().status


def final(client: Client) -> int:
    """The status of the final answer. Fails if the client is invited to send its body first."""
    status = client.answer().status
    assert status != 100
    return status


def unwelcome(door: Door) -> dict[int, bytes]:
    """Heads of uploads that are refused, which ask first, by the status that is due."""
    huge, over = (f"Content-Length: {size}" for size in (4_000_000_000, 11_000_000_000))
    asks, box = "Expect: 100-continue", (*SPACE, "x.pdf")
    sealed = (*BOX, "a13.pdf")
    assert door.look(LAWYER).put(sealed, b"%PDF-1.4 a13").status in (201, 204)
    other = door.look("cabinet.ortie-lambda")
    wait_for(lambda: other.get(sealed).status == 200, 30, "the seal")
    return {
        401: door.head("PUT", box, huge, asks, password="wrong"),
        507: door.head("PUT", box, over, asks),
        403: door.head("PUT", sealed, huge, asks, login=LAWYER),
    }


def test_a13_nobody_is_invited_to_send_what_is_refused(direct: Door) -> None:
    for status, head in unwelcome(direct).items():
        with direct.connect() as client:
            client.send(head)
            assert final(client) == status
            assert client.is_closed()


def test_a13_what_is_refused_behind_a_proxy_is_refused_before_a_byte_of_it_is_sent(
    nginx: Door,
) -> None:
    for status, head in unwelcome(nginx).items():
        with nginx.connect() as client:
            client.send(head)
            assert client.answer().status == 100  # nginx's own, before it asks davserver
            assert client.answer().status == status  # the client has sent nothing of its body
    assert nginx.look().get((*SPACE, "x.pdf")).status == 404
    assert nginx.look("cabinet.ortie-lambda").get((*BOX, "a13.pdf")).body == b"%PDF-1.4 a13"


def test_a13_who_may_send_is_invited(door: Door) -> None:
    path = (*door.room(), "x.pdf")
    with door.connect() as client:
        client.send(door.head("PUT", path, "Content-Length: 4", "Expect: 100-continue"))
        assert client.answer().status == 100
        client.send(b"%PDF")
        assert client.answer().status == 201
    assert door.look().get(path).body == b"%PDF"
