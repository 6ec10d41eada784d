"""Requests to the application of a site in this process, with no server before it."""

import io
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from davserver.app import make_app
from davserver.site import Site
from tests.dav import address
from tests.serving import PASSWORD

Ask = Callable[..., tuple[int, bytes]]
"""Login, method, names below /dav, body; what else the environ has. Gives status and body."""


def asker(site: Site) -> Ask:
    """What asks the application of ``site``."""
    application = make_app(site)

    def asked(
        login: str, method: str, *names: str, body: bytes = b"", **more: str
    ) -> tuple[int, bytes]:
        word = b64encode(f"{login}:{PASSWORD}".encode()).decode()
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method, "REQUEST_URI": address(*names), "SCRIPT_NAME": "",
            "PATH_INFO": address(*names), "SERVER_NAME": "", "SERVER_PORT": "80",
            "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1", "HTTP_DEPTH": "1",
            "HTTP_AUTHORIZATION": f"Basic {word}", "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)), **more,
        }  # fmt: skip
        statuses = []
        blocks = application(environ, lambda status, *_: statuses.append(int(status[:3])))
        content = b"".join(blocks)
        return statuses[0], content

    return asked
