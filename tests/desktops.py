"""A desktop session without a screen: the bus on which programs of GNOME and KDE meet."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.clients import Done, run
from tests.dav import address
from tests.programs import require_program
from tests.serving import Server


@dataclass(frozen=True)
class Desktop:
    """One person's session: his home, and what each program of it has in its environment."""

    home: Path
    environment: dict[str, str]

    def __call__(self, *command: str | Path, stdin: bytes = b"") -> Done:
        """Run a program of the session, as :func:`tests.clients.run` does."""
        return run(*command, home=self.home, stdin=stdin, environment=self.environment)


@contextmanager
def desktop(home: Path) -> Iterator[Desktop]:
    """A session with a bus of its own. On leaving, all that was started on the bus is ended."""
    # A short path: the address of a socket has room for about a hundred bytes.
    runtime = Path(tempfile.mkdtemp(prefix="run-"))
    settings = {
        "XDG_RUNTIME_DIR": str(runtime),
        "QT_QPA_PLATFORM": "offscreen",
        "GIO_USE_VOLUME_MONITOR": "unix",  # no cameras, telephones and disks
    }
    base = {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8"}
    # The session lasts as long as cat, and cat as long as the test holds its input.
    bus = subprocess.Popen(
        [
            *(require_program("dbus-run-session"), "--"),
            *("sh", "-c", 'echo "$DBUS_SESSION_BUS_ADDRESS"; exec cat >/dev/null'),
        ],
        env={**base, **settings},
        cwd=home,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert bus.stdin is not None and bus.stdout is not None
    try:
        found = bus.stdout.readline().decode().strip()
        yield Desktop(home, {**settings, "DBUS_SESSION_BUS_ADDRESS": found})
    finally:
        bus.stdin.close()
        bus.wait(timeout=20)
        # Some services outlive their bus (KDE's kiod5); they are of the same group.
        with suppress(ProcessLookupError):
            os.killpg(bus.pid, signal.SIGKILL)
        bus.stdout.close()
        # What gvfs mounted there, if it did; a mount without its daemon cannot even be looked at.
        run("umount", "-l", runtime / "gvfs", home=home)
        shutil.rmtree(runtime, ignore_errors=True)


def place(scheme: str, server: Server, *names: str, user: str = "") -> str:
    """The URL by which a desktop knows a resource; ``user`` is the login, or login and password."""
    host = server.url.removeprefix("http://")
    return f"{scheme}://{user}{'@' if user else ''}{host}{address(*names)}"
