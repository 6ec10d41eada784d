"""How people are named: logins, and the « Cabinet » rule.

When a firm-wide e-mail is given, the firm is the user: first name « Cabinet », last name that of
the firm, in capitals, its partners joined by a hyphen (« BRUMAIRE-KALVÉ »).
"""

import re
import unicodedata

CABINET = "Cabinet"
_FIRM_WIDE = re.compile(
    r"^(contact|cabinet|accueil|secretariat|avocats?|info|courrier|etude|office|dossiers?)\b", re.I
)
_EMAIL = re.compile(r"^[^@\s\x00-\x1f<>,;:\"()\[\]\\]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$")
_LOGIN = re.compile(r"^[a-z0-9](?:[a-z0-9._@-]{0,118}[a-z0-9])?$")


class BadName(ValueError):
    """A name, login or address that cannot be used; the text is a French sentence."""


def proposed_login(first_name: str, last_name: str) -> str:
    """« cabinet.brumaire-kalve », « apolline.testard »."""
    return f"{slug(first_name)}.{slug(last_name)}".strip(".")


def checked_login(login: str) -> str:
    """``login`` in small letters. Raises BadName."""
    small = login.strip().lower()
    if not is_login(small):
        raise BadName(
            f"« {login} » ne peut pas être un identifiant : lettres sans accent, chiffres, point, "
            "tiret."
        )
    return small


def is_login(text: str) -> bool:
    """Whether ``text`` could be the login of somebody."""
    return _LOGIN.fullmatch(text) is not None


def checked_email(email: str) -> str:
    """``email`` trimmed. Raises BadName for what could not be one address in a mail header."""
    trimmed = email.strip()
    if not _EMAIL.match(trimmed) or len(trimmed) > 254:
        raise BadName(f"« {email} » n'est pas une adresse électronique.")
    return trimmed


def checked_person(first_name: str, last_name: str, email: str) -> tuple[str, str]:
    """First and last name in the form of the rule. Raises BadName with the form to use."""
    first, last = _line(first_name), _line(last_name)
    if not last:
        raise BadName("Il manque le nom.")
    if first.lower() == CABINET.lower():
        return CABINET, re.sub(r"\s*-\s*", "-", last).upper()
    if _FIRM_WIDE.match(email.split("@", maxsplit=1)[0]):
        raise BadName(
            f"« {email} » est l'adresse d'un cabinet : donnez le prénom « {CABINET} » et le nom "
            f"du cabinet, par exemple « {CABINET} {last.upper()} »."
        )
    return first, last


def _line(text: str) -> str:
    if any(unicodedata.category(char).startswith("C") for char in text):
        raise BadName("Un nom ne contient pas de caractère de commande.")
    return " ".join(unicodedata.normalize("NFC", text).split())


def slug(text: str) -> str:
    """``text`` in small letters without accents, its words joined by hyphens."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.replace("'", "")).strip("-")
