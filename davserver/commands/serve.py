"""``davserver serve``: the server processes of a site."""

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated

import typer

from davserver import journal
from davserver.accounts import passwords
from davserver.app import make_app
from davserver.clock import Clock
from davserver.commands.apart import apart
from davserver.commands.failures import FAILURES, Failure, sentence
from davserver.commands.options import CLIENT, Config, Data, opened
from davserver.logs import log_to_stderr
from davserver.server import CannotListen, Listening, NotRenewed, WSGIApplication, alone
from davserver.server import serve as listen
from davserver.settings import Settings, load
from davserver.site import CONSOLE, open_site
from davserver.worker import Background

log = logging.getLogger(__name__)

_BEHIND = timedelta(minutes=1)  # that the clock may be behind the last line of the journal


class SiteWorker:
    """One worker process: a site of its own, its application, its background work."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._site = open_site(settings, clock=clock)
        self._background = Background(self._site)
        self.application: WSGIApplication = make_app(self._site)

    def start(self) -> None:
        """Begin to seal deposits and to send mails."""
        scanner = self._site.settings.antivirus.clamd
        log.info("antivirus: %s", scanner or "none, contents are not inspected (antivirus.clamd)")
        self._background.start()

    def leave(self) -> None:
        """Seal and send no more: the worker that follows does, by the settings of now."""
        self._background.stop()

    def stop(self) -> None:
        """Finish what is under way, give back the connections."""
        self._background.stop()
        self._site.close()


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", min=0, max=65535)] = None,
    workers: Annotated[int | None, typer.Option(help="Number of processes.", min=1)] = None,
    accept_clock: Annotated[
        bool,
        typer.Option("--accept-clock", help="The clock is right: the journal was ahead of time."),
    ] = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Serve the site until SIGTERM or SIGINT."""
    # A reload that comes before anything is served ends nothing: it finds the newest settings.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    given = {"host": host, "port": port, "workers": workers}
    told = {key: value for key, value in given.items() if value is not None}

    def read() -> Settings:
        settings = load(config, data=data)
        server = settings.server.model_copy(update=told)
        return settings.model_copy(update={"server": server})

    settings = read()
    apart(lambda: _look(settings))
    with sole_server(settings):
        apart(lambda: _require_clock(settings, accepted=accept_clock))
        raise typer.Exit(run(settings, read))


def _look(settings: Settings) -> None:
    """Find out whether the site can be opened, and written: what cannot must not look served."""
    with opened(settings) as site:
        site.require_writable()


def _require_clock(settings: Settings, *, accepted: bool) -> None:
    """Deposits are dated by the clock: refuse one that is behind the journal, unless somebody says
    that it is right; this is then a line of the journal."""
    with opened(settings) as site:
        with site.reading(CONSOLE, CLIENT) as work:
            last, now = journal.last(work.session), work.now
        if last is None or last - now < _BEHIND:
            return
        if not accepted:
            raise Failure(
                f"L'horloge de cette machine ({now:%Y-%m-%d %H:%M:%S} UTC) est en retard sur le "
                f"journal ({last:%Y-%m-%d %H:%M:%S}) : réglez-la. Si c'est le journal qui était en "
                "avance, lancez « davserver serve --accept-clock »."
            )
        with site.writing(CONSOLE, CLIENT) as work:
            journal.record(
                work.session, "clock.accept", at=work.now, actor=work.actor.login,
                channel=work.client.channel, before=last,
            )  # fmt: skip


@contextmanager
def sole_server(settings: Settings) -> Iterator[None]:
    """Keep other servers away from the data folder. Raises Failure when one is at work there."""
    try:
        with alone(settings.storage.data):
            yield
    except CannotListen as error:
        raise Failure(str(error)) from None


def run(settings: Settings, again: Callable[[], Settings]) -> int:
    """Serve the site of ``settings`` until told to stop; the exit code of the process. At a SIGHUP
    the settings that ``again`` reads take their place, if they can.

    Whoever calls it is the sole server of the data folder, and has seen that it can be opened.
    Raises Failure for an address that cannot be listened on.
    """
    log_to_stderr()
    passwords.cost()  # the first hash, computed once for all workers
    clock = Clock()  # one for all workers, also for those that are started in a year

    def renewed() -> tuple[Listening, Callable[[], SiteWorker]]:
        try:
            new = again()
            if _kept_where(new) != _kept_where(settings):
                raise Failure("Un autre stockage demande un redémarrage du serveur.")
            apart(lambda: _open(new))
        except FAILURES as failure:
            raise NotRenewed(sentence(failure)[0]) from None
        return _listening(new), lambda: SiteWorker(new, clock)

    try:
        return listen(_listening(settings), lambda: SiteWorker(settings, clock), renewed)
    except CannotListen as error:
        raise Failure(str(error)) from None


def _kept_where(settings: Settings) -> object:
    """Where rows and bytes are: what old workers write must be what new ones read."""
    return settings.storage.data, settings.storage.database, settings.s3


def _open(settings: Settings) -> None:
    with opened(settings):
        pass


def _listening(settings: Settings) -> Listening:
    server = settings.server
    return Listening(
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
        worker_memory=server.worker_memory,
        idle_connections=server.idle_connections,
        min_body_rate=server.min_body_rate,
        connections_per_address=server.connections_per_address,
        requests_per_address=server.requests_per_address,
        proxies=frozenset(map(str, server.trusted_proxies)),
    )
