"""Apache with mod_dav."""

from collections.abc import Sequence
from pathlib import Path

from bench.peers import CORES, Absent, Peer, htpasswd, program

_MODULES = Path("/usr/lib/apache2/modules")
_CONFIGURATION = """\
ServerRoot {folder}
ServerName localhost
PidFile {folder}/pid
ErrorLog {folder}/error.log
User {user}
Listen 127.0.0.1:{port}
{modules}
StartServers {cores}
KeepAlive On
MaxKeepAliveRequests 0
EnableSendfile On
DavLockDB {folder}/locks
{tls}
DocumentRoot {files}
<Directory {files}>
    Dav On
    AuthType Basic
    AuthName bench
    AuthBasicProvider file
    AuthUserFile {htpasswd}
    Require valid-user
</Directory>
"""
_TLS = """\
SSLEngine On
SSLCertificateFile {tls.chain}
SSLCertificateKeyFile {tls.key}
"""


class Apache(Peer):
    """mpm_event, one process per core."""

    name = "Apache mod_dav"
    user = "www-data"  # it does not serve as root

    def command(self) -> Sequence[str]:
        apache = program("apache2")
        wanted = ["mpm_event", "authn_core", "authn_file", "authz_core", "authz_user",
                  "auth_basic", "dav", "dav_fs"]  # fmt: skip
        wanted += ["socache_shmcb", "ssl"] if self.tls else []
        if missing := [name for name in wanted if not (_MODULES / f"mod_{name}.so").exists()]:
            raise Absent(f"Apache lacks {missing}")
        configuration = self.folder / "apache.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                folder=self.folder,
                user=self.user,
                port=self.port,
                cores=CORES,
                files=self.served,
                htpasswd=htpasswd(self.folder),
                modules="\n".join(
                    f"LoadModule {name}_module {_MODULES}/mod_{name}.so" for name in wanted
                ),
                tls=_TLS.format(tls=self.tls) if self.tls else "",
            ),
            encoding="utf-8",
        )
        return [apache, "-f", str(configuration), "-DFOREGROUND"]
