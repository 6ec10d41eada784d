"""lighttpd with mod_webdav."""

from collections.abc import Sequence
from pathlib import Path

from bench import files
from bench.peers import CORES, Absent, Peer, program

_MODULE = Path("/usr/lib/lighttpd/mod_webdav.so")
_CONFIGURATION = """\
server.modules = ("mod_auth", "mod_authn_file", "mod_webdav")
server.document-root = "{files}"
server.port = {port}
server.bind = "127.0.0.1"
server.errorlog = "{folder}/error.log"
server.upload-dirs = ("{folder}")
server.max-worker = {cores}
server.max-keep-alive-requests = 1000000
auth.backend = "plain"
auth.backend.plain.userfile = "{logins}"
auth.require = ("" => ("method" => "basic", "realm" => "bench", "require" => "valid-user"))
webdav.activate = "enable"
webdav.sqlite-db-name = "{folder}/locks.db"
"""


class Lighttpd(Peer):
    """One process per core."""

    name = "lighttpd mod_webdav"

    def command(self) -> Sequence[str]:
        lighttpd = program("lighttpd")
        if not _MODULE.exists():
            raise Absent("lighttpd lacks mod_webdav")
        logins = self.folder / "logins"
        logins.write_text(f"{files.OWNER.login}:{files.OWNER.password}\n", encoding="utf-8")
        configuration = self.folder / "lighttpd.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                folder=self.folder, files=self.served, port=self.port, cores=CORES, logins=logins
            ),
            encoding="utf-8",
        )
        return [lighttpd, "-D", "-f", str(configuration)]
