"""Two nodes of one site: a data folder each, the same rows and pieces, and HAProxy before them."""

import http.client
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.conftest import Start
from tests.dav import Dav
from tests.haproxy import HaProxy
from tests.nginx import BEHIND
from tests.serving import PASSWORD, Server
from tests.threats.doors import Forwarded


class Through(Dav):
    """One person who comes by the proxy, over TLS."""

    def __init__(self, proxy: HaProxy, login: str) -> None:
        super().__init__(proxy.url, login, PASSWORD)
        self._trust: ssl.SSLContext = proxy.trust()

    def connection(self) -> http.client.HTTPSConnection:
        parts = urlsplit(self.url)
        return http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=60, context=self._trust
        )


@dataclass(frozen=True)
class Nodes:
    """The nodes of one site, and what stands before them."""

    first: Server
    second: Server
    proxy: HaProxy

    def on_first(self, login: str, password: str = PASSWORD) -> Dav:
        """Somebody whose requests come to the first node, as the proxy sends them."""
        return Forwarded(self.first.url, login, password)

    def on_second(self, login: str, password: str = PASSWORD) -> Dav:
        """The same at the second one."""
        return Forwarded(self.second.url, login, password)

    def through(self, login: str) -> Dav:
        """Somebody who comes by the proxy."""
        return Through(self.proxy, login)


@contextmanager
def two_nodes(
    start: Start, folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Nodes]:
    """The demo site on two nodes; ``folder`` is for the second one and the proxy. At the end each
    finds that rows and pieces agree."""
    told = {**BEHIND, **(environment or {})}
    first = start(told)
    second = Server(folder / "second", command=("serve",), environment=told, site=first.data)
    made = second.run("init")
    assert "This machine is one of the site now" in made.stdout, made
    second.start()
    proxy = HaProxy((first, second), folder).start()
    try:
        yield Nodes(first, second, proxy)
    finally:
        proxy.stop()
        assert second.stop() == 0, second.log()[-2000:]
    second.verify()
