"""The two back ends on which the suite runs: what is embedded, and PostgreSQL with S3.

``--backend scaled`` starts a private PostgreSQL cluster and a SeaweedFS, once for all processes of
the run; each site (known by its data folder) has a database and a prefix of its own there.
"""

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import obstore
import psycopg
from obstore.store import S3Store

from davserver.settings import Settings, load
from tests.ports import free_port

CHOSEN = "TESTS_BACKEND"
_POSTGRESQL, _S3 = "TESTS_POSTGRESQL", "TESTS_S3"  # where the services of this run are
_KEY, _SECRET, _BUCKET = "davserver", "not-a-secret", "pieces"
_START = 90.0  # seconds for a service to answer

SCALED = "scaled"


def is_scaled() -> bool:
    """Whether sites are on PostgreSQL and S3 in this run."""
    return os.environ.get(CHOSEN) == SCALED


def environment(data: Path) -> dict[str, str]:
    """The settings of the site in ``data`` that come from the back end, as variables."""
    if not is_scaled():
        return {}
    name = _name(data)
    with _administration() as connection:
        there = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if there.fetchone() is None:
            connection.execute(f'CREATE DATABASE "{name}"')
    return {
        "DAVSERVER_STORAGE__DATABASE": url(name),
        "DAVSERVER_S3__BUCKET": _BUCKET,
        "DAVSERVER_S3__PREFIX": name,
        "DAVSERVER_S3__ENDPOINT": os.environ[_S3],
        "DAVSERVER_S3__ACCESS_KEY": _KEY,
        "DAVSERVER_S3__SECRET_KEY": _SECRET,
    }


@contextmanager
def chosen(data: Path) -> Iterator[None]:
    """The variables of :func:`environment`, for what is done in this process."""
    with patch.dict(os.environ, environment(data)):
        yield


def settings(data: Path) -> Settings:
    """The settings of the site in ``data``."""
    with chosen(data):
        return load(None, data=data)


def copy_site(source: Path, target: Path) -> None:
    """A copy of a whole site that is not being served."""
    shutil.copytree(source, target)
    if not is_scaled():
        return
    with _administration() as connection:
        connection.execute(f'CREATE DATABASE "{_name(target)}" TEMPLATE "{_name(source)}"')
    store, before, after = client(), _name(source), _name(target)
    for batch in obstore.list(store, prefix=before):
        for one in batch:
            obstore.copy(store, one["path"], one["path"].replace(before, after, 1))


def url(name: str, port: int | None = None) -> str:
    """The SQLAlchemy URL of a database of this run's cluster, or behind another ``port``."""
    return f"postgresql+psycopg://postgres@127.0.0.1:{port or port_of_postgresql()}/{name}"


def behind(data: Path, port: int) -> str:
    """The URL of the database of the site in ``data``, by way of another port."""
    return url(_name(data), port)


def port_of_postgresql() -> int:
    """Where the cluster of this run listens."""
    return int(os.environ[_POSTGRESQL].rpartition(":")[2])


def port_of_s3() -> int:
    """Where the S3 store of this run listens."""
    return int(os.environ[_S3].rpartition(":")[2])


def client(prefix: str = "") -> S3Store:
    """The bucket of this run, as the tests look into it."""
    return S3Store(
        _BUCKET,
        prefix=prefix or None,
        endpoint=os.environ[_S3],
        region="us-east-1",
        access_key_id=_KEY,
        secret_access_key=_SECRET,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
    )


def rows(data: Path) -> Any:
    """A connection to the database of the site in ``data``, for who plants a fault there."""
    return psycopg.connect(url(_name(data)).replace("+psycopg", ""), autocommit=True)


class Services:
    """The processes of one run, in a folder of their own that goes with them."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="davserver-services-"))
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start both and tell this process, and those that it starts, where they are."""
        self._folder.chmod(0o755)
        os.environ[_POSTGRESQL] = f"127.0.0.1:{self._start_postgresql()}"
        os.environ[_S3] = f"http://127.0.0.1:{self._start_seaweedfs()}"
        try:
            _wait(self._answer, "PostgreSQL and SeaweedFS")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End them."""
        for process in self._processes:
            process.send_signal(signal.SIGINT)
        for process in self._processes:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start_postgresql(self) -> int:
        port, folder = free_port(), self._folder / "postgresql"
        folder.mkdir()
        # PostgreSQL refuses to run as root: Debian's package has made a user for it.
        user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        if os.getuid() == 0:
            shutil.chown(folder, user)
        programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: one.parent.name)
        rows = folder / "rows"
        self._run(
            [str(programs / "initdb"), "-D", str(rows), "-U", "postgres", "-A", "trust",
             "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"],
            user,
        )  # fmt: skip
        self._spawn(
            [str(programs / "postgres"), "-D", str(rows), "-p", str(port), "-h", "127.0.0.1",
             "-k", str(folder), "-c", "max_connections=600", "-c", "shared_buffers=256MB"],
            "postgresql",
            user,
        )  # fmt: skip
        return port

    def _start_seaweedfs(self) -> int:
        folder = self._folder / "seaweedfs"
        folder.mkdir()
        identity = folder / "identities.json"
        identity.write_text(
            '{"identities": [{"name": "davserver", "actions": ["Admin", "Read", "Write", "List"],'
            f' "credentials": [{{"accessKey": "{_KEY}", "secretKey": "{_SECRET}"}}]}}]}}'
        )
        ports = {
            f"{name}.{kind}": free_port()
            for name in ("master", "volume", "filer", "s3")
            for kind in ("port", "port.grpc")
        }
        self._spawn(
            [str(Path(sys.executable).parent / "weed"), "server", f"-dir={folder}",
             "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", f"-s3.config={identity}",
             *(f"-{name}={port}" for name, port in ports.items()),
             "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false",
             "-master.volumeSizeLimitMB=64", "-volume.max=500"],
            "seaweedfs",
        )  # fmt: skip
        return ports["s3.port"]

    def _spawn(self, command: list[str], name: str, user: str | None = None) -> None:
        with (self._folder / f"{name}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **_as(user))
            )

    def _run(self, command: list[str], user: str) -> None:
        subprocess.run(command, check=True, capture_output=True, cwd="/", **_as(user))

    def _answer(self) -> bool:
        for process in self._processes:
            if process.poll() is not None:
                logs = "".join(
                    f"{file.name}: {file.read_text()[-1500:]}\n"
                    for file in self._folder.glob("*.log")
                )
                raise AssertionError(f"a service ended:\n{logs}")
        try:
            with _administration():
                pass
            obstore.put(client(), "answers", b"yes")
        except (psycopg.OperationalError, obstore.exceptions.BaseError, OSError):
            return False
        return True


def _as(user: str | None) -> Mapping[str, Any]:
    if user is None or os.getuid() != 0:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _name(data: Path) -> str:
    return "site_" + hashlib.sha256(str(data).encode()).hexdigest()[:16]


@contextmanager
def _administration() -> Iterator[Any]:
    address = url("postgres").replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True, connect_timeout=5) as connection:
        yield connection


def _wait(condition: Any, what: str) -> None:
    end = time.monotonic() + _START
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: no answer within {_START} s")
        time.sleep(0.2)
