"""TLS: one context, made before the workers are forked."""

import ssl
from pathlib import Path

from davserver.server.listening import CannotListen, Listening


def server_context(listening: Listening) -> ssl.SSLContext | None:
    """The TLS context of ``listening``, TLS 1.2 at least; None for plain HTTP. Raises CannotListen.

    Made before the fork, its session tickets are good at every worker. cheroot's own adapter is
    not used: it can only shake hands by blocking, which one silent client would use to stop all.
    """
    certificate, private_key = listening.certificate, listening.private_key
    if certificate is None and private_key is None:
        return None
    if certificate is None or private_key is None:
        raise CannotListen("Il faut un certificat et une clé privée, ou aucun des deux.")
    for file in (certificate, private_key):
        _check_readable(file)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # The password keeps OpenSSL from asking for one on the terminal.
        context.load_cert_chain(certificate, private_key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise CannotListen(
                f"La clé privée {private_key} n'est pas celle du certificat {certificate}."
            ) from None
        raise CannotListen(
            f"Le certificat {certificate} et la clé privée {private_key} doivent être"
            " des fichiers PEM, la clé sans mot de passe."
        ) from None
    return context


def _check_readable(file: Path) -> None:
    try:
        file.read_bytes()
    except OSError as error:
        raise CannotListen(f"{file} : lecture impossible ({error.strerror}).") from None
