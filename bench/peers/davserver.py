"""davserver, with all its policies, its journal and its flushes."""

import http.client
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from bench import files, people
from bench.peers import Absent, Box, Peer
from davserver.demo import seed
from davserver.settings import Settings, load
from davserver.site import create_site, open_site

READERS = 50  # who may list the files, beside their owner
_ROOT = Path(__file__).parent.parent.parent
_DOSSIER = "2024-01 SDC Les Trois Pommiers contre SCCV Mirabelle"
_BOXES = {
    "cabinet.brumaire-kalve": "Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)",
    "cabinet.ortie-lambda": "Cabinet ORTIE-LAMBDA (SCCV Mirabelle)",
    "cabinet.factice-dumodele":
        "Cabinet FACTICE-DUMODÈLE (Atelier Clothoïde, Mutuelle Fictive des Architectes)",
    "cabinet.saule-exemple": "Cabinet SAULE-EXEMPLE (Étanchéité Sans-Souci SARL)",
    "cabinet.quartz-placebo": "Cabinet QUARTZ-PLACEBO (Assur'Imaginaire)",
    "ulysse.personne-lambda": "M. Ulysse PERSONNE-LAMBDA (sans avocat)",
}  # fmt: skip


class Davserver(Peer):
    """The demonstration's site; the files lie in the space of an expert, put there by PUT."""

    name = "davserver"
    prefix = "/dav/Espace de l'expert/"

    def command(self) -> Sequence[str]:
        return [
            sys.executable, "-m", "davserver", "demo", "--data", str(self.folder / "data"),
            "--port", str(self.port), "--password", files.OWNER.password,
        ]  # fmt: skip

    def boxes(self, number: int) -> list[Box]:
        """The mailboxes of the demonstration's first dossier, of their lawyers and of a party."""
        place = self.origin + "/dav/"
        return [
            Box(
                files.Person(login, files.OWNER.password),
                place + quote(f"{_DOSSIER}/04 Boîtes aux lettres/{box}/"),
            )
            for login, box in list(_BOXES.items())[:number]
        ]

    def environment(self) -> dict[str, str]:
        tls = self.tls
        told = {
            "DAVSERVER_SERVER__CERTIFICATE": str(tls.chain),
            "DAVSERVER_SERVER__PRIVATE_KEY": str(tls.key),
        } if tls else {}  # fmt: skip
        # The tree that this file belongs to, whatever is installed.
        return {**os.environ, **told, "PYTHONPATH": str(_ROOT)}

    def settings(self) -> Settings:
        """Those of the site that is made: it is the one that :meth:`environment` has served."""
        return load(None, data=self.folder / "data")

    def readers(self, number: int) -> list[files.Person]:
        return [
            files.Person(login, files.OWNER.password) for login in people.cabinets(number)[:READERS]
        ]

    def fill(self) -> None:
        """Make the site with its readers: the files that it serves come by its door, see
        :meth:`start`."""
        settings = self.settings()
        create_site(settings)
        site = open_site(settings)
        try:
            seed.seed(site, files.OWNER.password)
            people.enrol(site, people.cabinets(READERS))
            people.let_read(site, people.cabinets(READERS))
        finally:
            site.close()

    def start(self) -> None:
        super().start()
        self.write()
        door = self.door()
        for folder in sorted(self.served.iterdir()):
            self._ask(door, "MKCOL", (folder.name,))
            for file in sorted(folder.iterdir()):
                self._ask(door, "PUT", (folder.name, file.name), file)
        door.close()

    def write(self) -> None:
        """Write the files that are put there into a folder of their own."""
        files.written(self.served)

    def _ask(
        self,
        door: http.client.HTTPConnection,
        method: str,
        path: Sequence[str],
        body: Path | None = None,
    ) -> None:
        where = quote(self.prefix + "/".join(path))
        headers = files.OWNER.authorization
        if body is None:
            door.request(method, where, headers=headers)
        else:
            size = {"Content-Length": str(body.stat().st_size)}
            with body.open("rb") as file:
                door.request(method, where, file, headers | size)
        reply = door.getresponse()
        reply.read()
        if reply.status != 201:
            raise Absent(f"{method} {'/'.join(path)}: {reply.status}")
