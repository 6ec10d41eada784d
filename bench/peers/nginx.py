"""nginx with its two WebDAV modules; it tells fewer properties than the others."""

from collections.abc import Sequence
from pathlib import Path

from bench.peers import CORES, Absent, Peer, htpasswd, program

_MODULE = Path("/usr/lib/nginx/modules/ngx_http_dav_ext_module.so")
_CONFIGURATION = """\
load_module {module};
daemon off;
user root;
worker_processes {cores};
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    dav_ext_lock_zone zone=locks:10m;
    server {{
        listen 127.0.0.1:{port} {ssl};
        {tls}
        client_max_body_size 0;
        root {files};
        auth_basic bench;
        auth_basic_user_file {htpasswd};
        location / {{
            dav_methods PUT DELETE MKCOL COPY MOVE;
            dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK;
            dav_ext_lock zone=locks;
        }}
    }}
}}
"""


class Nginx(Peer):
    """One process per core."""

    name = "nginx dav-ext"

    def command(self) -> Sequence[str]:
        nginx = program("nginx")
        if not _MODULE.exists():
            raise Absent("nginx lacks its module dav-ext")
        tls = self.tls
        configuration = self.folder / "nginx.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                module=_MODULE,
                folder=self.folder,
                cores=CORES,
                port=self.port,
                ssl="ssl" if tls else "",
                tls=f"ssl_certificate {tls.chain}; ssl_certificate_key {tls.key};" if tls else "",
                files=self.served,
                htpasswd=htpasswd(self.folder),
            ),
            encoding="utf-8",
        )
        return [nginx, "-e", str(self.folder / "start.log"), "-c", str(configuration)]
