"""Where a request comes from: the one place that says from which address, and how confidentially.

Only a proxy that the settings name is believed about whom it speaks for; from anybody else these
headers are ignored.
"""

import ipaddress
import logging
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from davserver.settings.forms import Network

log = logging.getLogger(__name__)

_HEADERS = ("X-Forwarded-Proto", "X-Forwarded-For", "Forwarded")  # by which a proxy speaks
_TOLD = 20  # peers in the log of one process: anybody may send such a header


@dataclass(frozen=True)
class Origin:
    """The client's ``address``; ``confidential``: nobody on the way can read a password;
    ``proxied``: a trusted proxy speaks for him."""

    address: str
    confidential: bool
    proxied: bool = False


def origin(environ: dict[str, Any], proxies: Collection[Network]) -> Origin:
    """The origin of the request of ``environ``, with the trusted ``proxies``."""
    peer = _plain(str(environ.get("REMOTE_ADDR", "")))
    if _is_of(peer, proxies):
        told = str(environ.get("HTTP_X_FORWARDED_PROTO", "")).strip().lower()
        secure = environ.get("wsgi.url_scheme") == "https" or told == "https"
        return Origin(_spoken_for(environ, peer, proxies), secure, proxied=True)
    if environ.get("wsgi.url_scheme") == "https":
        return Origin(peer, True)
    # A proxy on this machine that nobody named may bring anybody in the clear.
    forwarded = "HTTP_X_FORWARDED_FOR" in environ or "HTTP_FORWARDED" in environ
    return Origin(peer, _is_loopback(peer) and not forwarded)


class Disbelief:
    """Tells the log, once for each peer, of proxies that the settings do not name: behind one of
    them nobody can log in. May be called by any thread."""

    def __init__(self) -> None:
        self._peers: set[str] = set()

    def of(self, environ: dict[str, Any]) -> None:
        """A request was refused since it came in the clear, as far as anybody believed is heard."""
        peer = _plain(str(environ.get("REMOTE_ADDR", "")))
        sent = [name for name in _HEADERS if f"HTTP_{name.upper().replace('-', '_')}" in environ]
        if sent and peer not in self._peers and len(self._peers) < _TOLD:
            self._peers.add(peer)
            log.warning(
                "%s from %s is not believed: it is not in server.trusted_proxies", sent[0], peer
            )


def _spoken_for(environ: dict[str, Any], peer: str, proxies: Collection[Network]) -> str:
    """The last address that no trusted proxy has: what stands before it, the client wrote."""
    for part in reversed(str(environ.get("HTTP_X_FORWARDED_FOR", "")).split(",")):
        address = _plain(part.strip())
        if not address:
            return peer
        if not _is_of(address, proxies):
            return address
    return peer


@lru_cache(maxsize=4_096)
def _plain(text: str) -> str:
    """An address in its one form, an IPv4 one never written as IPv6; empty if it is none."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def _is_of(address: str, networks: Collection[Network]) -> bool:
    if not networks or not address:
        return False
    found = ipaddress.ip_address(address)
    return any(found in network for network in networks)


@lru_cache(maxsize=4_096)
def _is_loopback(address: str) -> bool:
    return bool(address) and ipaddress.ip_address(address).is_loopback
