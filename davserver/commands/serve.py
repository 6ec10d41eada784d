"""``davserver serve``: the server processes of a site."""

from typing import Annotated

import typer

from davserver.app import make_app
from davserver.commands.apart import apart
from davserver.commands.failures import Failure
from davserver.commands.options import Config, Data, opened
from davserver.logs import log_to_stderr
from davserver.server import CannotListen, Listening, WSGIApplication
from davserver.server import serve as listen
from davserver.settings import Settings, load
from davserver.site import open_site
from davserver.worker import Background


class SiteWorker:
    """One worker process: a site of its own, its application, its background work."""

    def __init__(self, settings: Settings) -> None:
        self._site = open_site(settings)
        self._background = Background(self._site)
        self.application: WSGIApplication = make_app(self._site)

    def start(self) -> None:
        """Begin to seal deposits and to send mails."""
        self._background.start()

    def stop(self) -> None:
        """Finish what is under way, give back the connections."""
        self._background.stop()
        self._site.close()


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", min=0, max=65535)] = None,
    workers: Annotated[int | None, typer.Option(help="Number of processes.", min=1)] = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Serve the site until SIGTERM or SIGINT."""
    settings = load(config, data=data)
    given = {"host": host, "port": port, "workers": workers}
    server = settings.server.model_copy(
        update={key: value for key, value in given.items() if value is not None}
    )
    raise typer.Exit(run(settings.model_copy(update={"server": server})))


def run(settings: Settings) -> int:
    """Serve the site of ``settings`` until told to stop; the exit code of the process.

    Raises BadSettings for a site that cannot be served and Failure for an address that cannot be
    listened on, before anything is started.
    """
    apart(lambda: _look(settings))
    log_to_stderr()
    server = settings.server
    listening = Listening(
        host=server.host,
        port=server.port,
        workers=server.workers,
        threads=server.threads,
        certificate=server.certificate,
        private_key=server.private_key,
        max_header_bytes=server.max_header_bytes,
        # A little more than the application takes: it refuses first, with a sentence for people.
        max_body_bytes=settings.limits.file_bytes + (1 << 20),
        idle_timeout=server.idle_timeout,
        shutdown_timeout=server.shutdown_timeout,
        idle_connections=server.idle_connections,
    )
    try:
        return listen(listening, lambda: SiteWorker(settings))
    except CannotListen as error:
        raise Failure(str(error)) from None


def _look(settings: Settings) -> None:
    """Find out whether the site can be opened."""
    with opened(settings):
        pass
