"""What a kit is made for: the address of the drive and a login, checked once for all systems.

A login may hold anything that can log in; how it is quoted is each system's matter. An address is
held to what an address of this server can be, so that none carries a command.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from davserver.names import unprintable

_AUTHORITY = re.compile(r"(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?")
_PATHS = ("", "/", "/dav", "/dav/")
_LONGEST = 120  # characters of a login: what accounts may have
# Basic ends the login at « : » (RFC 7617 §2); what precedes « \ » is a Windows domain; the options
# of mount end at « , ».
_NEVER_IN_A_LOGIN = ":\\,"


class BadDrive(ValueError):
    """No kit can be made for this address, login or system; the text is a French sentence."""


@dataclass(frozen=True)
class Drive:
    """The drive of one person. ``authority`` is « host » or « host:port », in small letters."""

    secure: bool
    authority: str
    login: str

    @classmethod
    def of(cls, address: str, login: str) -> "Drive":
        """The drive at ``address``, the public URL of the site with or without /dav/.

        Raises BadDrive.
        """
        return cls(*_checked_address(address), _checked_login(login))

    @property
    def url(self) -> str:
        """« https://dossiers.example/dav/ »."""
        return f"{'https' if self.secure else 'http'}://{self.authority}/dav/"

    @property
    def gnome(self) -> str:
        """The address in GNOME's own scheme, with the login."""
        return f"{'davs' if self.secure else 'dav'}://{self._user}@{self.authority}/dav/"

    @property
    def kde(self) -> str:
        """The address in KDE's own scheme, with the login."""
        return f"{'webdavs' if self.secure else 'webdav'}://{self._user}@{self.authority}/dav/"

    @property
    def secrets(self) -> str:
        """The beginning of a line of davfs2's file of secrets; the password is to follow."""
        login = self.login.replace('"', '\\"')
        return f'{self.url} "{login}"'

    @property
    def _user(self) -> str:
        return quote(self.login, safe="")


def _checked_address(address: str) -> tuple[bool, str]:
    given = address.strip().lower()
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError:
        raise _bad_address(address) from None
    found = _AUTHORITY.fullmatch(parts.netloc)
    # The parts must be all of it: urlsplit drops line breaks, and an empty query.
    whole = f"{parts.scheme}://{parts.netloc}{parts.path}" == given
    if not (whole and found and parts.scheme in ("http", "https") and parts.path in _PATHS):
        raise _bad_address(address)
    if port == 0 or ("[" in found["host"] and not _is_ip(found["host"].strip("[]"))):
        raise _bad_address(address)
    secure = parts.scheme == "https"
    if not secure and not _is_loopback(found["host"]):
        raise BadDrive(
            f"« {_shown(address)} » : le mot de passe ne voyage pas en clair, donnez une adresse "
            "en https."
        )
    return secure, parts.netloc


def _bad_address(address: str) -> BadDrive:
    return BadDrive(
        f"« {_shown(address)} » n'est pas l'adresse d'un site : donnez-la comme "
        "https://dossiers.exemple (lettres sans accent, chiffres, points, tirets)."
    )


def _checked_login(login: str) -> str:
    if (
        not login
        or login != login.strip()
        or len(login) > _LONGEST
        or unprintable(login)
        or any(char in _NEVER_IN_A_LOGIN or (char.isspace() and char != " ") for char in login)
    ):
        raise BadDrive(f"« {_shown(login)} » ne peut pas être un identifiant.")
    return login


def _shown(text: str) -> str:
    """``text`` on one line of a sentence."""
    return "".join("�" if unprintable(char) else char for char in text[:_LONGEST])


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    bare = host.strip("[]")
    return bare == "localhost" or (_is_ip(bare) and ipaddress.ip_address(bare).is_loopback)
