"""The nginx that is shipped as an example, as a process of its own before a davserver."""

import socket
import ssl
import subprocess
from pathlib import Path

import trustme

from tests.ports import free_port
from tests.programs import require_program
from tests.serving import Server, wait_for

SHIPPED = Path(__file__).parent.parent / "config" / "nginx.conf"
BEHIND = {"DAVSERVER_SERVER__TRUSTED_PROXIES": '["127.0.0.1"]'}
"""What the settings of a davserver say that stands behind it."""

# All that the machine's own nginx.conf says, but in a folder of the test's; the shipped file is
# included as it is in /etc/nginx/conf.d.
_MACHINE = """\
daemon off;
pid {folder}/pid;
error_log {folder}/error.log info;
worker_processes 1;
worker_rlimit_nofile 16384;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    include {folder}/davserver.conf;
}}
"""


class Nginx:
    """nginx with TLS for ``localhost``, before ``server``. Everything of it is in ``folder``."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._program = require_program("nginx")
        self._folder = folder
        self._server = server
        self.port, self.plain_port = free_port(), free_port()
        self.host = f"localhost:{self.port}"
        self.url = f"https://{self.host}"
        self.authority = folder / "authority.pem"
        self._authority = trustme.CA()
        self._write()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Nginx":
        self.check()
        self._process = subprocess.Popen(self._command(), stderr=subprocess.DEVNULL)
        wait_for(self._listens, what="nginx")
        return self

    def check(self) -> None:
        """``nginx -t``: fails where nginx does not understand its file, or warns."""
        done = subprocess.run([*self._command(), "-t"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "[warn]" not in done.stderr, done.stderr

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(timeout=20)

    def trust(self) -> ssl.SSLContext:
        """What a client needs to know this server."""
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context

    def stored(self) -> list[Path]:
        """The files that nginx has put aside: bodies or answers."""
        return [
            file
            for room in ("body", "proxy")
            for file in (self._folder / room).rglob("*")
            if file.is_file()
        ]

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "error.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _command(self) -> list[str]:
        return [self._program, "-p", str(self._folder), "-c", str(self._folder / "nginx.conf")]

    def _write(self) -> None:
        pair = self._authority.issue_cert("localhost")
        self._authority.cert_pem.write_to_path(self.authority)
        certificate, key = self._folder / "fullchain.pem", self._folder / "privkey.pem"
        pair.cert_chain_pems[0].write_to_path(certificate)
        pair.private_key_pem.write_to_path(key)
        text = SHIPPED.read_text(encoding="utf-8")
        for there, here in {
            "listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "/etc/nginx/tls/fullchain.pem": str(certificate),
            "/etc/nginx/tls/privkey.pem": str(key),
            "http://127.0.0.1:8080": f"http://127.0.0.1:{self._server.port}",
        }.items():
            assert text.count(there) == 1, there
            text = text.replace(there, here)
        (self._folder / "davserver.conf").write_text(text, encoding="utf-8")
        (self._folder / "nginx.conf").write_text(_MACHINE.format(folder=self._folder))
