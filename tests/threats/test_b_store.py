"""B12: links that somebody laid in the store lead nowhere."""

import pytest

from tests.conftest import Start
from tests.dav import Dav, Names
from tests.serving import Server
from tests.threats.scene import EXPERT, PLANS


@pytest.fixture
def planted(start: Start) -> tuple[Server, Dav, Names]:
    """A site of its own whose store is tampered with, and a name in it."""
    server = start()
    return server, server.dav(EXPERT), (*PLANS, "planté.pdf")


@pytest.mark.embedded
def test_b12_a_link_in_the_store_leads_nowhere(planted: tuple[Server, Dav, Names]) -> None:
    server, expert, name = planted
    content = b"reconnaissable entre tous " * 10
    assert expert.put(name, content).status == 201
    (blob,) = [
        path for path in (server.data / "blobs").rglob("*")
        if path.is_file() and path.stat().st_size == len(content)
    ]  # fmt: skip
    secret = server.data.parent / "secret"
    secret.write_bytes(b"S" * len(content))

    aside = blob.rename(server.data.parent / "aside")
    blob.symlink_to(secret)
    # In part, too: only the end of a piece is proven by its hash.
    for reply in (expert.get(name), expert.get(name, Range="bytes=0-99")):
        assert reply.status == 503, reply
        assert b"S" * 9 not in reply.body
        assert str(server.data).encode() not in reply.body
    blob.unlink()
    aside.rename(blob)

    # A second name of the bytes, made outside: new content is a new file, and leaves it as it is.
    outside = server.data.parent / "outside"
    outside.hardlink_to(blob)
    assert expert.put(name, b"nouveau").status == 204
    assert expert.delete(name).status == 204
    assert outside.read_bytes() == content
