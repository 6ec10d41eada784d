"""What people and programs do on a drive all day, and what was promised to them."""

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping

from tests.changes import report
from tests.clients import DOSSIER, SlowUpload, archive, box, sha256
from tests.dav import Dav, Names, Reply
from tests.serving import Server

CABINETS = {
    "cabinet.brumaire-kalve": "Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)",
    "cabinet.ortie-lambda": "Cabinet ORTIE-LAMBDA (SCCV Mirabelle)",
}
EXPERT = "apolline.testard"
SPACE = ("Espace de l'expert",)
WAITING = 5  # pieces in a box before the expert files one: the last ones are not sealed yet
ENOUGH = 400  # pieces, as a dossier has: from then on what is deposited is taken back
PROPERTIES = "<Z:Win32LastModifiedTime>Wed, 25 Nov 2026 08:00:00 GMT</Z:Win32LastModifiedTime>"


class Promises:
    """What was acknowledged, and what was answered otherwise than it should be."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pieces: dict[Names, str] = {}
        self.answers: Counter[int] = Counter()
        self.wrong: list[str] = []

    def expect(self, reply: Reply, *statuses: int) -> bool:
        """Note the answer; whether it is one of ``statuses``."""
        with self._lock:
            self.answers[reply.status] += 1
            if reply.status in statuses:
                return True
            self.wrong.append(f"{reply.status} instead of {statuses}: {reply.body[:300]!r}")
        return False

    def keep(self, path: Names, content: bytes) -> None:
        with self._lock:
            self._pieces[path] = sha256(content)

    def gone(self, path: Names, to: Names | None = None) -> None:
        """What was at ``path`` is removed, or is at ``to`` now."""
        with self._lock:
            digest = self._pieces.pop(path)
            if to is not None:
                self._pieces[to] = digest

    def all(self) -> Mapping[Names, str]:
        """The hashes of what must be there."""
        with self._lock:
            return dict(self._pieces)

    def any(self, chance: random.Random, folder: Names) -> Names | None:
        """One of what is there, in ``folder`` or below."""
        found = [path for path in self.all() if path[: len(folder)] == folder]
        return chance.choice(found) if found else None


class Person(threading.Thread):
    """Somebody who does one thing after another, ``pace`` a second, until he is told to stop."""

    def __init__(self, dav: Dav, promises: Promises, pace: float, seed: int) -> None:
        super().__init__(daemon=True)
        self.dav = dav
        self.promises = promises
        self.chance = random.Random(seed)
        self.number = itertools.count()
        self._pace = pace
        self._stop_asked = threading.Event()
        self.failure = ""
        self._token = ""

    def deeds(self) -> list[Callable[[], None]]:
        """What this person does; what stands there twice is done twice as often."""
        raise NotImplementedError

    def run(self) -> None:
        deeds = self.deeds()
        try:
            while not self._stop_asked.wait(self.chance.expovariate(self._pace)):
                self.chance.choice(deeds)()
        except Exception as error:
            self.failure = f"{self.dav.login}: {error!r}"

    def leave(self) -> None:
        """Finish what is begun, and stop."""
        self._stop_asked.set()
        self.join(timeout=90)
        if self.is_alive():
            self.failure = f"{self.dav.login} has not come back"

    def content(self) -> bytes:
        """A new document, small as most are, or large."""
        size = self.chance.choice((300, 5_000, 80_000, 1_500_000))
        return b"%PDF-1.4\n" + self.chance.randbytes(size)

    def read(self) -> None:
        """Somebody's piece is read, whole or in part, as it was acknowledged."""
        path = self.promises.any(self.chance, (DOSSIER,))
        if path is None:
            return
        known = self.promises.all().get(path)
        reply = self.dav.get(path)
        # The expert may just have filed it.
        if self.promises.expect(reply, 200, 404) and reply.status == 200 and known:
            if sha256(reply.body) != known and self.promises.all().get(path) == known:
                self.promises.wrong.append(f"{path} is not what was acknowledged")
        self.promises.expect(self.dav.get(path, Range="bytes=10-99"), 206, 404)

    def look(self) -> None:
        """A folder is listed, as drives do every few seconds."""
        name = self.chance.choice(list(CABINETS.values()))
        for place in ((), (DOSSIER,), box(name), archive(name)[:-1]):
            self.promises.expect(self.dav.propfind(place), 207)

    def synchronise(self) -> None:
        """What is new is asked for, as the programs that keep a copy do: they begin anew when they
        are told to, since what went long ago is forgotten once an hour."""
        reply = report(self.dav, (DOSSIER,), self._token)
        if self._token and reply.status == 403 and b"valid-sync-token" in reply.body:
            reply = report(self.dav, (DOSSIER,))
        if self.promises.expect(reply, 207):
            self._token = reply.xml.findtext("{DAV:}sync-token") or ""


class Lawyer(Person):
    """Deposits like Explorer and like curl, reads, and tries what he may not."""

    def __init__(self, server: Server, promises: Promises, pace: float, login: str) -> None:
        super().__init__(server.dav(login), promises, pace, hash(login))
        self._server = server
        self._box = box(CABINETS[login])

    def deeds(self) -> list[Callable[[], None]]:
        return [
            self.deposit, self.deposit_as_explorer, self.cut, self.overreach, self.read, self.read,
            self.look, self.look, self.synchronise, self.take_back,
        ]  # fmt: skip

    def _new(self) -> Names:
        return (*self._box, f"Pièce n° {next(self.number)} {self.chance.randrange(10**9)}.pdf")

    def deposit(self) -> None:
        if self._has_enough():
            return self.take_back()
        path, content = self._new(), self.content()
        if self.promises.expect(self.dav.put(path, content), 201):
            self.promises.keep(path, content)

    def deposit_as_explorer(self) -> None:
        if self._has_enough():
            return self.take_back()
        path, content = self._new(), self.content()
        if not self.promises.expect(self.dav.put(path), 201):
            return
        locked = self.dav.lock(path, Timeout="Second-3600")
        token = locked.headers.get("lock-token", "")
        self.promises.expect(locked, 200)
        if self.promises.expect(self.dav.put(path, content, If=f"({token})"), 200, 204):
            self.promises.keep(path, content)
        self.promises.expect(self.dav.proppatch(path, PROPERTIES, If=f"({token})"), 207)
        self.promises.expect(self.dav.unlock(path, token), 204)

    def _has_enough(self) -> bool:
        """Nothing leaves an archive, so a day that never ended would measure how a dossier grows,
        and not what the server keeps of the day."""
        return len(self.promises.all()) >= ENOUGH

    def cut(self) -> None:
        """A line that breaks off leaves nothing."""
        path = self._new()
        upload = SlowUpload(self._server, self.dav.login, path, 200_000)
        upload.send(b"%PDF-1.4\n" + b"x" * 50_000)
        upload.cut()

    def take_back(self) -> None:
        """What has just been deposited is one's own for a moment, and then it is not."""
        path, content = self._new(), self.content()
        if not self.promises.expect(self.dav.put(path, content), 201):
            return
        dropped = self.dav.delete(path)
        if self.promises.expect(dropped, 204, 403):
            if dropped.status == 403:
                self.promises.keep(path, content)
            self.promises.expect(self.dav.get(path), 404 if dropped.status == 204 else 200)

    def overreach(self) -> None:
        others = [name for name in CABINETS.values() if box(name) != self._box]
        path = (*box(self.chance.choice(others)), "à vous.pdf")
        self.promises.expect(self.dav.put(path, b"%PDF-1.4"), 403)
        self.promises.expect(self.dav.mkcol((DOSSIER, "Mon dossier")), 403)
        filed = self.promises.any(self.chance, (DOSSIER, archive("")[1]))
        if filed is not None:
            self.promises.expect(self.dav.delete(filed), 403, 404)
            self.promises.expect(self.dav.put(filed, b"%PDF-1.4 autre"), 403)


class Expert(Person):
    """Files what was deposited, and works in his own space."""

    def __init__(self, server: Server, promises: Promises, pace: float) -> None:
        super().__init__(server.dav(EXPERT), promises, pace, 1)
        self.dav.mkcol((*SPACE, "Travail"))

    def deeds(self) -> list[Callable[[], None]]:
        return [
            self.file, self.file, self.file, self.take_out, self.work, self.save, self.read,
            self.look,
        ]  # fmt: skip

    def file(self) -> None:
        name = self.chance.choice(list(CABINETS.values()))
        deposited = [path for path in self.promises.all() if path[:-1] == box(name)]
        if len(deposited) < WAITING:
            return
        path = deposited[0]
        to = (*archive(name), path[-1])
        # Not sealed yet: its author's alone, and to the expert not there.
        reply = self.dav.move(path, to)
        if self.promises.expect(reply, 201, 404) and reply.status == 201:
            self.promises.gone(path, to)

    def take_out(self) -> None:
        """What was filed goes back into its box."""
        name = self.chance.choice(list(CABINETS.values()))
        path = self.promises.any(self.chance, archive(name))
        if path is not None:
            back = (*box(name), path[-1])
            if self.promises.expect(self.dav.move(path, back), 201):
                self.promises.gone(path, back)

    def work(self) -> None:
        path = (*SPACE, "Travail", f"{self.chance.randrange(10**9)}.docx")
        copy, moved = (*path[:-1], f"c{path[-1]}"), (*path[:-1], f"m{path[-1]}")
        self.promises.expect(self.dav.put(path, self.content()), 201)
        self.promises.expect(self.dav.copy(path, copy), 201)
        self.promises.expect(self.dav.move(path, moved), 201)
        for one in (copy, moved):
            self.promises.expect(self.dav.delete(one), 204)

    def save(self) -> None:
        """As Word saves: by two renames."""
        folder, content = (*SPACE, "Travail"), self.content()
        document, new, old = ((*folder, n) for n in ("note.docx", "~WRD1.tmp", "~WRL2.tmp"))
        self.promises.expect(self.dav.put(new, content), 201)
        self.promises.expect(self.dav.move(document, old), 201, 404)  # there is none at first
        self.promises.expect(self.dav.move(new, document), 201)
        self.promises.expect(self.dav.delete(old), 204, 404)
        self.promises.expect(self.dav.get(document), 200)


class Stranger(Person):
    """Guesses passwords and sends what is no request."""

    def __init__(self, server: Server, promises: Promises, pace: float) -> None:
        super().__init__(Dav(server.url, "personne", "rien"), promises, pace, 2)

    def deeds(self) -> list[Callable[[], None]]:
        return [self.guess, self.knock, self.babble]

    def guess(self) -> None:
        login = self.chance.choice((*CABINETS, "personne"))
        guess = Dav(self.dav.url, login, f"mot {self.chance.randrange(10**9)}")
        self.promises.expect(guess.propfind(()), 401, 503)

    def knock(self) -> None:
        self.promises.expect(Dav(self.dav.url).propfind(()), 401)

    def babble(self) -> None:
        junk = f"/dav/{'%' * self.chance.randrange(1, 9)}?{self.chance.random()}"
        self.promises.expect(self.dav.request("PUT", junk, b"x"), 400, 401)
