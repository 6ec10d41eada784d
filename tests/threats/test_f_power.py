"""The power goes at the very moment of an answer: what was acknowledged is on the disk."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count, product
from pathlib import Path

import pytest
from sqlalchemy import select

from davserver import verify as verifying
from davserver.accounts.credentials import actor_of
from davserver.model import Blob, User
from davserver.settings import Settings, load
from davserver.site import CONSOLE, Site
from davserver.tree.lookup import find
from davserver.work import Client
from tests.dav import Names
from tests.faults import disks
from tests.faults.acts import await_seal, content
from tests.faults.amount import LENGTH, LONG, say
from tests.faults.site import (
    BOX,
    EXPERT,
    LAWYER,
    SPACE,
    Breakable,
    add_dossier,
    made,
    parted,
    sweep_now,
)

pytestmark = [pytest.mark.timeout(LONG if LENGTH > 1 else 120), pytest.mark.embedded]
_serial = count(1)
_CLIENT = Client("console")
IMAGES = 100  # of one pair of disks: sealed pieces and lines of the journal stay, and fill them


@dataclass
class Powered:
    """A server whose rows and pieces lie on two disks: no disk is flushed for the other's sake."""

    folder: Path
    pieces: Path  # the image
    rows: Path
    server: Breakable
    settings: Settings
    known: dict[Names, bytes | None] = field(default_factory=dict)  # as last acknowledged
    gone: set[str] = field(default_factory=set)  # dossiers that were purged

    def cut(self) -> None:
        """Copy both disks now, and find on the copies all that was acknowledged."""
        with ExitStack() as stack:
            copies = [disks.cut(disk, self.folder / f"cut {disk.name}")
                      for disk in (self.pieces, self.rows)]  # fmt: skip
            data, rows = (
                stack.enter_context(disks.mounted(copy, self.folder / f"after {copy.stem}"))
                for copy in copies
            )
            check(parted(data / "data", rows), self.known, self.gone)


def check(settings: Settings, known: Mapping[Names, bytes | None], gone: set[str]) -> None:
    """Fail unless each place holds what was acknowledged, and ``verify`` finds no difference."""
    site = Site(settings)
    try:
        assert verifying.verify(site).differences == []
        for path, body in known.items():
            assert read(site, path) == body, path
        with site.reading(CONSOLE, _CLIENT) as work:
            for title in gone:
                assert find(work, (title,)).node is None
    finally:
        site.close()


def read(site: Site, path: Names) -> bytes | None:
    """The bytes at a place of the drive, by the rows and the store; None for nothing."""
    with site.reading(CONSOLE, _CLIENT) as work:
        login = EXPERT if path[0].startswith("Espace") else LAWYER
        user = work.session.scalars(select(User).where(User.login == login)).one()
    with site.reading(actor_of(user), _CLIENT) as work:
        node = find(work, path).node
        if node is None:
            return None
        blob = work.session.get(Blob, node.blob_id) if node.blob_id is not None else None
        return b"".join(site.blobs.read(blob.key)) if blob is not None else b""


@contextmanager
def powered(folder: Path) -> Iterator[Powered]:
    """A server with a new site on two new disks, in ``folder`` which is made."""
    folder.mkdir()
    with ExitStack() as stack:
        pieces, rows = disks.image(folder, "pieces"), disks.image(folder, "rows")
        disk = stack.enter_context(disks.mounted(pieces, folder / "disk"))
        database = stack.enter_context(disks.mounted(rows, folder / "database"))
        settings = parted(disk / "data", database)
        made(disk / "data", settings)
        server = Breakable(disk, {"DAVSERVER_STORAGE__DATABASE": settings.storage.database})
        yield Powered(folder, pieces, rows, stack.enter_context(server), settings)


def put(power: Powered, name: str) -> None:
    path, body = (*SPACE, name), content(f"{name} {next(_serial)}")
    assert power.server.dav(EXPERT).put(path, body).status in (201, 204)
    power.known[path] = body


def move(power: Powered, name: str) -> None:
    source = (*SPACE, name)
    goal = (*SPACE, f"{next(_serial)} moved")
    assert power.server.dav(EXPERT).move(source, goal).status == 201
    power.known[goal], power.known[source] = power.known[source], None
    put(power, name)


def copy(power: Powered, name: str) -> None:
    source, goal = (*SPACE, name), (*SPACE, f"{next(_serial)} copied")
    assert power.server.dav(EXPERT).copy(source, goal).status == 201
    power.known[goal] = power.known[source]


def delete(power: Powered, name: str) -> None:
    path = (*SPACE, f"{next(_serial)} deleted")
    assert power.server.dav(EXPERT).copy((*SPACE, name), path).status == 201
    assert power.server.dav(EXPERT).delete(path).status == 204
    power.known[path] = None


def mkcol(power: Powered, name: str) -> None:
    folder = (*SPACE, f"{next(_serial)} folder")
    assert power.server.dav(EXPERT).mkcol(folder).status == 201
    power.known[folder] = b""


def seal(power: Powered, name: str) -> None:
    path = (*BOX, f"{next(_serial)} {name}")
    body = content(path[-1])
    assert power.server.dav(LAWYER).put(path, body).status == 201
    await_seal(power.server, path)
    power.known[path] = body


def purge(power: Powered, name: str) -> None:
    title = f"2025-{next(_serial):05} SDC contre SCCV"
    site = Site(power.settings)
    add_dossier(site, title)
    site.close()
    path = (title, *BOX[1:], name)
    assert power.server.dav(LAWYER).put(path, content(title)).status == 201
    assert power.server.command("dossier", "purge", title, "--yes") == 0
    power.gone.add(title)


ACTS: Mapping[str, Callable[[Powered, str], None]] = {
    "PUT": lambda power, name: put(power, f"{next(_serial)} new"),
    "replace": put, "MOVE": move, "COPY": copy, "DELETE": delete, "MKCOL": mkcol, "seal": seal,
    "purge": purge,
}  # fmt: skip


@pytest.mark.parametrize("length", range(1, LENGTH + 1))
def test_f02_what_was_acknowledged_survives_a_power_cut(tmp_path: Path, length: int) -> None:
    sequences = list(product(ACTS, repeat=length))
    for start in range(0, len(sequences), IMAGES):
        with powered(tmp_path / str(start)) as power:
            for acts in sequences[start : start + IMAGES]:
                name = f"{next(_serial)}.pdf"
                put(power, name)
                for act in acts:
                    ACTS[act](power, name)
                power.cut()
                clear(power)
    say(
        f"power cuts after {length} acts: {len(sequences)} images of two disks, all mounted and "
        "verified"
    )


def clear(power: Powered) -> None:
    """Forget what was acknowledged, and make room again: the disks are small."""
    expert = power.server.dav(EXPERT)
    for path, body in power.known.items():
        if path[:-1] == SPACE and body is not None:
            assert expert.delete(path).status == 204
    power.known.clear()
    power.gone.clear()
    site = Site(power.settings)
    sweep_now(site)
    site.close()


def test_f02_a_new_site_survives_a_power_cut(tmp_path: Path) -> None:
    disk = disks.image(tmp_path, "new")
    with disks.mounted(disk, tmp_path / "disk") as folder:
        made(folder / "data")
        copy = disks.cut(disk, tmp_path / "cut.img")
    with disks.mounted(copy, tmp_path / "after") as folder:
        check(load(None, data=folder / "data"), {}, set())
        assert (folder / "data" / "davserver.json").read_text().startswith("{")
