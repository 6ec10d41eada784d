"""Servers that lack one rule, and the cells of the table that must notice."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from cheroot.wsgi import Server

from davserver.app import make_app
from davserver.policy import Policy
from davserver.policy.gate import Gate
from davserver.site import open_site
from tests import backends
from tests.rights_table.playing import MAC

# For each built-in policy, cells that depend on it alone: state, person, request, place, detail.
DECISIVE = {
    "structure": [
        ("en cours", "expert", "LOCK itself", "/source", ""),
        ("en cours", "trop", "LOCK itself", "/04/B", ""),
        ("en cours", "expert", "PROPPATCH itself", "/source", ""),
    ],
    "mailbox": [
        ("en cours", "trop", "PUT over", "04/B", ""),
        ("en cours", "trop", "RENAME", "04/B", ""),
        ("en cours", "expert", "PUT new", "04", ""),
    ],
    "archives": [
        ("en cours", "expert", "FILE wrongly", "04/B", ""),
        ("en cours", "trop", "FILE", "04/B", ""),
        ("en cours", "trop", "MOVE out", "04/B", ""),
        ("en cours", "trop", "PUT new", "05/B", ""),
        ("en cours", "expert", "FILE renamed", "04/B", ""),
    ],
    "dossier_state": [
        ("clos", "expert", "PUT new", "03", ""),
        ("clos", "brumaire", "PUT new", "04/B", ""),
        ("suspendu", "brumaire", "PUT new", "04/B", ""),
        ("archivé", "assistant", "GET", "03", ""),
    ],
    "recursive_rights": [
        ("en cours", "brumaire", "PUT new", "04/B", ""),
        ("en cours", "expert", "GET", "03", ""),
    ],
    "file_names": [
        ("en cours", "brumaire", "PUT named", "04/B", "a:b.pdf"),
        ("en cours", "expert", "RENAME named", "03", "CON"),
        ("en cours", "brumaire", "MKCOL named", "04/B", "fin."),
    ],
    "quota": [
        ("plein", "brumaire", "PUT bytes", "04/B", "1001"),
        ("plein", "expert", "COPY bytes", "03", "1001"),
    ],
    "side_files": [
        ("en cours", "brumaire", "PUT side", "04/B", "~${}.docx test"),
        ("en cours", "conseil", "LOCK side", "03", f"._{{}}.pdf {MAC}"),
    ],
}


@contextmanager
def serving(data: Path, *, without: str = "") -> Iterator[str]:
    """The address of a server of the site at ``data`` whose gate lacks the policy ``without``."""

    def smaller(policies: list[tuple[str, Policy]], foreign: list[tuple[str, Policy]]) -> Gate:
        return Gate([(name, policy) for name, policy in policies if name != without], foreign)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("davserver.policy.loading.Gate", smaller)
        site = open_site(backends.settings(data))
    server = Server(("127.0.0.1", 0), make_app(site), numthreads=4)
    server.prepare()
    thread = Thread(target=server.serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.bind_addr[1]}"
    finally:
        server.stop()
        thread.join()
        site.close()
