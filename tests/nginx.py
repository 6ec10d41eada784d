"""The nginx that is shipped as an example, as a process of its own before a davserver."""

from pathlib import Path

from tests.front import Front
from tests.serving import Server

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


class Nginx(Front):
    """nginx before ``server``."""

    program = "nginx"
    warning = "[warn]"

    def __init__(self, server: Server, folder: Path) -> None:
        super().__init__(folder, log="error.log")
        self._server = server
        self._write()

    def command(self) -> list[str]:
        return [self.path, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    def checking(self) -> list[str]:
        return [*self.command(), "-t"]

    def stored(self) -> list[Path]:
        """The files that nginx has put aside: bodies or answers."""
        return [
            file
            for room in ("body", "proxy")
            for file in (self.folder / room).rglob("*")
            if file.is_file()
        ]

    def _write(self) -> None:
        pair = self.issued()
        certificate, key = self.folder / "fullchain.pem", self.folder / "privkey.pem"
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
        (self.folder / "davserver.conf").write_text(text, encoding="utf-8")
        (self.folder / "nginx.conf").write_text(_MACHINE.format(folder=self.folder))
