"""Where a request comes from: the one place that says from which address, and how confidentially.

Only a proxy that the settings name is believed about whom it speaks for; from anybody else these
headers are ignored.
"""

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Origin:
    """The client's ``address``; ``confidential``: nobody on the way can read a password;
    ``proxied``: a trusted proxy speaks for him."""

    address: str
    confidential: bool
    proxied: bool = False


def origin(environ: dict[str, Any], proxies: Collection[str]) -> Origin:
    """The origin of the request of ``environ``, with the trusted ``proxies``."""
    peer = _plain(str(environ.get("REMOTE_ADDR", "")))
    if peer in proxies:
        told = str(environ.get("HTTP_X_FORWARDED_PROTO", "")).strip().lower()
        secure = environ.get("wsgi.url_scheme") == "https" or told == "https"
        return Origin(_spoken_for(environ, peer, proxies), secure, proxied=True)
    if environ.get("wsgi.url_scheme") == "https":
        return Origin(peer, True)
    # A proxy on this machine that nobody named may bring anybody in the clear.
    forwarded = "HTTP_X_FORWARDED_FOR" in environ or "HTTP_FORWARDED" in environ
    return Origin(peer, _is_loopback(peer) and not forwarded)


def _spoken_for(environ: dict[str, Any], peer: str, proxies: Collection[str]) -> str:
    """The last address that no trusted proxy has: what stands before it, the client wrote."""
    for part in reversed(str(environ.get("HTTP_X_FORWARDED_FOR", "")).split(",")):
        address = _plain(part.strip())
        if not address:
            return peer
        if address not in proxies:
            return address
    return peer


def _plain(text: str) -> str:
    """An address in its one form, an IPv4 one never written as IPv6; empty if it is none."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def _is_loopback(address: str) -> bool:
    return bool(address) and ipaddress.ip_address(address).is_loopback
