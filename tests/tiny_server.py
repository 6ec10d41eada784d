"""A small application behind the real server, in processes of its own, and a client for raw bytes.

Run as a module it is the server: ``python -m tests.tiny_server {"workers": 1, …}``; at a SIGHUP, it
reads what is otherwise from then on in the file ``renewed``, if it is told one.
"""

import itertools
import json
import logging
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from davserver.server import (
    CannotListen,
    Listening,
    NotRenewed,
    Worker,
    child,
    following,
    serve,
    weight,
)

ROOT = Path(__file__).parent.parent
DEFAULTS: dict[str, Any] = {
    "host": "127.0.0.1",
    "port": 0,
    "workers": 1,
    "threads": 4,
    "certificate": None,
    "private_key": None,
    "max_header_bytes": 8_192,
    "max_body_bytes": 1 << 30,
    "idle_timeout": 10.0,
    "shutdown_timeout": 5.0,
    "worker_memory": 0,
    "idle_connections": 100,
    "min_body_rate": 1_000.0,
    "connections_per_address": 100,
    "requests_per_address": 100,
    "proxies": frozenset(),
}
GET = b"GET /pid HTTP/1.1\r\nHost: x\r\n\r\n"
SLOW = b"GET /sleep?%s HTTP/1.1\r\nHost: x\r\n\r\n"  # seconds
MEBIBYTE = 1 << 20


class TinyWorker:
    """Answers by path; says on standard error what is done to it. ``broken`` cannot be made."""

    def __init__(self, broken: bool, hangs: bool) -> None:
        say(f"made in {os.getpid()}")
        if broken:
            raise RuntimeError("no database")
        self.hangs = hangs
        self.held: list[bytes] = []

    def start(self) -> None:
        say("started")

    def leave(self) -> None:
        say("left")

    def stop(self) -> None:
        say("stopped")
        if self.hangs:
            time.sleep(20)

    def application(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterator[bytes]:
        say(f"called {environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        answer = getattr(self, environ["PATH_INFO"].strip("/").replace("-", "_") or "pid")
        status, body = answer(environ)
        start_response(status, [("Content-Length", str(len(body)))])
        yield body

    def pid(self, environ: dict[str, Any]) -> tuple[str, bytes]:
        return "200 OK", str(os.getpid()).encode()

    def echo(self, environ: dict[str, Any]) -> tuple[str, bytes]:
        """The body, or the name of the error that reading it raises."""
        blocks = []
        try:
            while block := environ["wsgi.input"].read(1_000):
                blocks.append(block)
        except OSError as error:
            return "400 Bad Request", type(error).__name__.encode()
        return "200 OK", b"".join(blocks)

    def count(self, environ: dict[str, Any]) -> tuple[str, bytes]:
        """How many bytes the body has. What reading it raises is left to the server."""
        length = 0
        while block := environ["wsgi.input"].read(131_072):
            length += len(block)
        return "200 OK", str(length).encode()

    def lines(self, environ: dict[str, Any]) -> tuple[str, bytes]:
        return "200 OK", b"|".join(environ["wsgi.input"])

    def refuse(self, environ: dict[str, Any]) -> tuple[str, bytes]:
        return "403 Forbidden", b"no"

    def environ(self, environ: dict[str, Any]) -> tuple[str, bytes]:
        texts = {key: value for key, value in environ.items() if isinstance(value, (str, bool))}
        return "200 OK", json.dumps(texts).encode()

    def memory(self, environ: dict[str, Any]) -> tuple[str, bytes]:
        """The most memory that this process has had, in bytes."""
        unit = 1 if sys.platform == "darwin" else 1_024
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        return "200 OK", str(most).encode()

    def empty(self, environ: dict[str, Any]) -> tuple[str, bytes]:
        return "204 No Content", b""

    def big(self, environ: dict[str, Any]) -> tuple[str, bytes]:
        return "200 OK", bytes(50_000_000)

    def sleep(self, environ: dict[str, Any]) -> tuple[str, bytes]:
        time.sleep(float(environ["QUERY_STRING"]))
        return "200 OK", b"slept"

    def hold(self, environ: dict[str, Any]) -> tuple[str, bytes]:
        """Keep 100 MB, for good."""
        self.held.append(b"x" * 100_000_000)
        return "200 OK", b"held"

    def swell(self, environ: dict[str, Any]) -> tuple[str, bytes]:
        """Take 100 MB, for a moment."""
        return "200 OK", str(len(b"x" * 100_000_000)).encode()

    def die(self, environ: dict[str, Any]) -> tuple[str, bytes]:
        os.kill(os.getpid(), signal.SIGKILL)
        return "200 OK", b""

    def crash(self, environ: dict[str, Any]) -> tuple[str, bytes]:
        raise LookupError("piece secrete.pdf")

    def exit(self, environ: dict[str, Any]) -> tuple[str, bytes]:
        sys.exit(3)

    def eat_files(self, environ: dict[str, Any]) -> tuple[str, bytes]:
        """Leave this process without a file descriptor for a second."""
        eaten: list[int] = []
        try:
            while True:
                eaten.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            threading.Timer(1.0, lambda: [*map(os.close, eaten)]).start()
        return "200 OK", b"full"


class CarelessWorker(TinyWorker):
    """Its answers break the rules of WSGI in the way that the path names."""

    def application(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterator[bytes]:
        path = environ["PATH_INFO"]
        say(f"called {path}")
        if path == "/control":
            start_response("200 OK", [("X-Name", "a\r\nX-Evil: 1"), ("Content-Length", "0")])
        elif path == "/silent":
            return
        elif path == "/unlengthed":
            start_response("200 OK", [])
            yield b"one"
            yield b"two"
        elif path == "/empty":
            start_response("204 No Content", [])
        elif path == "/close":
            start_response("200 OK", [("Connection", "close"), ("Content-Length", "2")])
            yield b"ok"
        else:
            start_response("200 OK", [("Content-Length", "10")])
            yield b"1234"
            if path == "/longer":
                yield b"x" * 100
            elif path == "/fails-midway":
                raise LookupError
            elif path == "/whole":
                yield b"567890"


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def main() -> int:
    wanted = json.loads(sys.argv[1])
    logging.basicConfig(stream=sys.stderr, level="INFO", format="%(levelname)s %(message)s")
    if "files" in wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted["files"], wanted["files"]))
    if wanted.get("hangs"):
        child.STOP_GRACE = 0.5
    weight.LOOK = 0.1
    following._TO_CLOSE = following._TO_BEGIN = 3.0
    kind = CarelessWorker if wanted.get("careless") else TinyWorker

    def plan() -> tuple[Listening, Callable[[], Worker]]:
        now = dict(wanted)
        if "renewed" in wanted and Path(wanted["renewed"]).exists():
            now |= json.loads(Path(wanted["renewed"]).read_text())
        if "sentence" in now:
            raise NotRenewed(now["sentence"])
        values = {**DEFAULTS, **{key: value for key, value in now.items() if key in DEFAULTS}}
        values["proxies"] = frozenset(values["proxies"])
        for name in ("certificate", "private_key"):
            values[name] = Path(values[name]) if values[name] else None
        return Listening(**values), lambda: kind(now.get("broken", False), now.get("hangs", False))

    try:
        return serve(*plan(), plan if "renewed" in wanted else None)
    except CannotListen as error:
        print(error)
        return 3


class Running:
    """A running server. ``log`` is what it has said on standard error by now."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.tiny_server", json.dumps(wanted)],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        url = self.wait_for(r"listening on (\S+)")
        self.port = int(url.rsplit(":", 1)[1])

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line.rstrip("\n"))

    def wait_for(self, pattern: str, *, times: int = 1, within: float = 10.0) -> str:
        """The first group, or all, of the ``times``-th match in the log."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            found = [match for line in self.log[:] if (match := re.search(pattern, line))]
            if len(found) >= times:
                return found[times - 1].group(found[times - 1].re.groups and 1)
            time.sleep(0.01)
        raise AssertionError(f"{pattern!r} is not in the log: {self.log}")

    def wait(self, within: float = 10.0) -> int:
        """The exit code, once all its processes have closed standard error."""
        code = self.process.wait(within)
        self._reader.join(within)
        assert not self._reader.is_alive(), "a worker has outlived its parent"
        return code

    def connect(self, timeout: float = 10.0, *, source: str = "127.0.0.1") -> "Client":
        """A connection from the address ``source``: all of 127.0.0.0/8 are this machine's."""
        return Client(
            socket.create_connection(("127.0.0.1", self.port), timeout, source_address=(source, 0))
        )

    def ask(self, data: bytes = GET, *, source: str = "127.0.0.1") -> "Answer":
        """The answer to ``data`` on a connection of its own."""
        with self.connect(source=source) as client:
            client.send(data)
            return client.answer()


@contextmanager
def running(**wanted: Any) -> Iterator[Running]:
    """A server for the time of a test; it is killed at the end, if it still runs."""
    server = Running(wanted)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait()
        server._reader.join(10)
        if server.process.stderr:
            server.process.stderr.close()


@dataclass
class Answer:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Client:
    """A connection that sends what it is told, and reads answers one by one."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._file = sock.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def end(self) -> None:
        """Say that nothing more is sent."""
        self.socket.shutdown(socket.SHUT_WR)

    def answer(self, *, to_head: bool = False) -> Answer:
        """The next answer; 100 counts as one. Raises EOFError where the server has closed."""
        line = self._file.readline()
        if not line:
            raise EOFError
        answer = Answer(int(line.split()[1]))
        while (line := self._file.readline()) != b"\r\n":
            name, _, value = line.decode("latin-1").partition(":")
            assert name.lower() not in answer.headers, name
            answer.headers[name.lower()] = value.strip()
        if answer.headers.get("transfer-encoding") == "chunked":
            while size := int(self._file.readline(), 16):
                answer.body += self._file.read(size)
                self._file.read(2)
            assert self._file.readline() == b"\r\n"
        elif not to_head:
            answer.body = self._file.read(int(answer.headers.get("content-length", "0")))
        return answer

    def is_closed(self) -> bool:
        """Whether nothing more comes, and the server has closed."""
        try:
            return self._file.read(1) == b""
        except ConnectionResetError:
            return True


def tls_client(server: Running, context: ssl.SSLContext) -> Client:
    plain = socket.create_connection(("127.0.0.1", server.port), 10)
    return Client(context.wrap_socket(plain, server_hostname="localhost"))


def put(path: str, *fields: str, body: bytes = b"") -> bytes:
    lines = [f"PUT {path} HTTP/1.1", "Host: x", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def chunked(path: str, body: bytes) -> bytes:
    return put(path, "Transfer-Encoding: chunked", body=body)


_marks = itertools.count()


def calls(server: Running) -> int:
    """How often the application was called so far. The log comes by a pipe: a call of our own marks
    where it must have arrived."""
    mark = f"/mark-{next(_marks)}"
    server.ask(f"GET {mark} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    server.wait_for(f"called GET {mark}$")
    return sum(line.startswith("called") and "/mark-" not in line for line in server.log)


def memory(server: Running) -> int:
    return int(server.ask(b"GET /memory HTTP/1.1\r\nHost: x\r\n\r\n").body)


def worker_ids(server: Running) -> list[int]:
    made = [re.fullmatch(r"made in (\d+)", line) for line in server.log]
    return [int(match.group(1)) for match in made if match]


def make_no_worker() -> Worker:
    """For a server that must not come so far."""
    raise AssertionError("a worker was made")


if __name__ == "__main__":
    sys.exit(main())
