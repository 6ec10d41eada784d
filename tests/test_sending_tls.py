"""Mails go through TLS and a password, and the password goes nowhere else."""

import ssl
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP as Server
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from davserver.model import RecipientState
from tests import mail_queue
from tests.mail_queue import FAR, MailServer, Site

server, site = mail_queue.server, mail_queue.site  # fixtures


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def certificate(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def guarded(certificate: ssl.SSLContext, security: str) -> MailServer:
    """A mail server that asks for a password, inside TLS."""

    def knows(
        server: Server, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        return AuthResult(success=given.password == b"mot-de-passe", handled=False)

    options: dict[str, Any] = {"authenticator": knows, "auth_required": True}
    if security == "tls":
        # aiosmtpd knows of its own STARTTLS only.
        options |= {"ssl_context": certificate, "auth_require_tls": False}
    else:
        options |= {"tls_context": certificate, "require_starttls": True}
    return MailServer(**options)


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_mails_go_through_tls_and_a_password(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    authority: trustme.CA,
    certificate: ssl.SSLContext,
    security: str,
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server = guarded(certificate, security)
    server.start()
    site = Site(tmp_path, server.port)
    site.mail |= {"security": security, "username": "davserver", "password": "mot-de-passe"}
    people = site.members(2)

    # Unknown authority: nothing is said to this server.
    assert site.send() == 1
    assert site.states() == {RecipientState.QUEUED: 2}
    assert "certificate" in site.rows()[people[0]].outcome

    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    site.mail["password"] = "mauvais-secret"
    site.clock.advance(FAR)
    assert site.send() == 1
    outcomes = " ".join(row.outcome for row in site.rows().values())
    assert "refuse l'identification (535)" in outcomes
    assert "mauvais-secret" not in outcomes

    site.mail["password"] = "passé"  # smtplib writes ASCII only
    site.clock.advance(FAR)
    assert site.send() == 1
    outcomes = " ".join(row.outcome for row in site.rows().values())
    assert "mot de passe invalide" in outcomes
    assert "xe9" not in outcomes

    site.mail["password"] = "mot-de-passe"
    site.clock.advance(FAR)
    assert site.send() == 2
    assert server.inbox.count() == Counter(people)
    site.database.close()
    server.stop()


def test_nothing_goes_in_clear_where_starttls_is_asked(site: Site, server: MailServer) -> None:
    site.members(1)
    site.mail["security"] = "starttls"

    assert site.send() == 1
    assert server.inbox.taken == []
    assert site.states() == {RecipientState.QUEUED: 1}


def test_an_outcome_never_repeats_the_password(site: Site, server: MailServer) -> None:
    (person,) = site.members(1)
    site.mail["password"] = "mot-de-passe"
    server.inbox.to_rcpt[person] = ["550 non, mot-de-passe\x1b[2J"]

    assert site.send() == 1
    assert site.rows()[person].outcome == "550 non, *** [2J"
