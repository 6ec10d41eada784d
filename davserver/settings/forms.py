"""Settings whose text has a form of its own: networks, the public address, a database.

Each function takes what was written and returns it in the form that the program uses; a ValueError
says in French what is wrong with it, without repeating it: it may hold a password.
"""

import ipaddress
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# As SQLAlchemy names them: other databases have never been tried.
_DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql+psycopg")
_PATHS = ("", "/", "/dav", "/dav/")  # the site, or the drive itself


def network(text: object) -> Network:
    """The network, or the one address, that ``text`` names. An IPv4 one is never written as IPv6,
    as clients are compared."""
    if isinstance(text, (ipaddress.IPv4Network, ipaddress.IPv6Network)):
        return text
    try:
        found = ipaddress.ip_network(str(text))
    except ValueError:
        raise ValueError("ce n'est ni une adresse IP ni un réseau") from None
    if found.prefixlen == 0:
        # Anybody would say for himself that he came by https, and from where.
        raise ValueError("ce réseau est le monde entier, il ne peut être cru")
    alone = found.network_address if found.prefixlen == found.max_prefixlen else None
    mapped = getattr(alone, "ipv4_mapped", None)
    return ipaddress.ip_network(mapped) if mapped else found


def public_address(text: str) -> str:
    """The URL of a site, « https://dossiers.example », that was written with or without /dav/;
    empty if it is not known."""
    if not text:
        return text
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    # The parts must be all of it: urlsplit drops line breaks, and an empty query.
    whole = f"{parts.scheme}://{parts.netloc}{parts.path}".lower() == text.lower()
    named = parts.hostname and "@" not in parts.netloc and not any(map(str.isspace, text))
    if not (whole and named and parts.scheme in ("http", "https")) or port == 0:
        raise ValueError("ce n'est pas une adresse en http:// ou https://")
    if parts.path not in _PATHS:
        raise ValueError("le site n'a pas d'autre chemin que /dav/")
    return text.removesuffix(parts.path)


def database(text: str) -> str:
    """``text``, if it is the SQLAlchemy URL of a kind of database that the program knows."""
    if not text:
        return text
    # Imported here: most sites set no database, and this room needs none.
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        driver = make_url(text).drivername
    except (ArgumentError, ValueError):
        raise ValueError("ce n'est pas l'adresse d'une base de données") from None
    if driver not in _DRIVERS:
        raise ValueError("il faut PostgreSQL (postgresql+psycopg) ou SQLite")
    return text
