"""WsgiDAV as it comes, on cheroot."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import files
from bench.peers import Peer


class WsgiDav(Peer):
    """One process: it knows no more."""

    name = "WsgiDAV, stock"

    def command(self) -> Sequence[str]:
        configuration = self.folder / "wsgidav.json"
        configuration.write_text(
            json.dumps(
                {
                    "host": "127.0.0.1",
                    "port": self.port,
                    "provider_mapping": {"/": str(self.served)},
                    "simple_dc": {
                        "user_mapping": {
                            "*": {files.OWNER.login: {"password": files.OWNER.password}}
                        }
                    },
                    "http_authenticator": {"accept_digest": False, "default_to_digest": False},
                    "verbose": 1,
                }
            ),
            encoding="utf-8",
        )
        command = Path(sys.executable).with_name("wsgidav")
        return [str(command), "--config", str(configuration), "--server", "cheroot"]
