"""TLS: certificates, versions, and clients that speak something else."""

import os
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from davserver.server import CannotListen, Listening, serve
from tests.tiny_server import (
    DEFAULTS,
    GET,
    Running,
    make_no_worker,
    running,
    tls_client,
)

pytestmark = pytest.mark.embedded  # no site, or none whose back end matters


class Certificates:
    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.certificate, self.private_key = self._write(folder, "site")
        _, self.other_key = self._write(folder, "other")
        self.nonsense = folder / "nonsense.pem"
        self.nonsense.write_text("nonsense")
        self.locked_key = folder / "locked.pem"
        key = load_pem_private_key(self.other_key.read_bytes(), None)
        locked = BestAvailableEncryption(b"secret")
        self.locked_key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))

    def _write(self, folder: Path, name: str) -> tuple[Path, Path]:
        pair = self.authority.issue_cert("localhost", key_type=trustme.KeyType.RSA)
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        pair.cert_chain_pems[0].write_to_path(certificate)
        pair.private_key_pem.write_to_path(key)
        return certificate, key

    def client_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secure(certificates: Certificates) -> Iterator[Running]:
    with running(
        threads=2,
        idle_timeout=2.0,
        certificate=str(certificates.certificate),
        private_key=str(certificates.private_key),
    ) as server:
        yield server


@pytest.mark.parametrize(
    ("certificate", "private_key", "sentence"),
    [
        ("certificate", "other_key", "n'est pas celle du certificat"),
        ("certificate", "locked_key", "la clé sans mot de passe"),
        ("nonsense", "private_key", "doivent être des fichiers PEM"),
        ("certificate", "nonsense", "doivent être des fichiers PEM"),
        ("certificate", None, "Il faut un certificat et une clé privée, ou aucun des deux."),
        (None, "private_key", "Il faut un certificat et une clé privée, ou aucun des deux."),
    ],
)
def test_a_certificate_that_cannot_serve_is_told_in_a_sentence(
    certificates: Certificates, certificate: str | None, private_key: str | None, sentence: str
) -> None:
    listening = replace(
        Listening(**DEFAULTS),
        certificate=getattr(certificates, certificate) if certificate else None,
        private_key=getattr(certificates, private_key) if private_key else None,
    )

    with pytest.raises(CannotListen, match=re.escape(sentence)):
        serve(listening, make_no_worker)


def test_a_certificate_that_is_not_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    absent = tmp_path / "absent.pem"
    listening = replace(Listening(**DEFAULTS), certificate=absent, private_key=absent)

    with pytest.raises(CannotListen, match=r"absent.pem : lecture impossible \(No such file"):
        serve(listening, make_no_worker)


def test_requests_that_come_together_over_tls_are_all_answered(
    secure: Running, certificates: Certificates
) -> None:
    with tls_client(secure, certificates.client_context()) as client:
        client.send(GET * 50 + GET[:-2])
        assert [client.answer().status for _ in range(50)] == [200] * 50
        time.sleep(0.1)  # longer than a thread waits
        client.send(GET[-2:])
        assert client.answer().status == 200


def test_tls_serves_and_tells_the_application(secure: Running, certificates: Certificates) -> None:
    with tls_client(secure, certificates.client_context()) as client:
        client.send(b"GET /environ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b'"wsgi.url_scheme": "https"' in client.answer().body
        body = os.urandom(300_000)
        client.send(b"PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + body)
        assert client.answer().body == body
        client.send(GET + GET)
        assert client.answer().status == client.answer().status == 200


def test_tls_ends_with_its_closing_alert(secure: Running, certificates: Certificates) -> None:
    context = certificates.client_context()
    with socket.create_connection(("127.0.0.1", secure.port), 10) as plain:
        wrapped = context.wrap_socket(
            plain, server_hostname="localhost", suppress_ragged_eofs=False
        )
        wrapped.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        while wrapped.recv(1_000):  # raises SSLEOFError where the alert is missing
            pass
        wrapped.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(
    secure: Running, certificates: Certificates, version: ssl.TLSVersion
) -> None:
    context = certificates.client_context()
    context.minimum_version = context.maximum_version = version
    with tls_client(secure, context) as client:
        client.send(GET)
        assert client.answer().status == 200


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the version that is tried
def test_tls_1_1_is_not_spoken(secure: Running, certificates: Certificates) -> None:
    context = certificates.client_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1

    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        tls_client(secure, context)


def test_plain_http_on_the_tls_port_is_answered_400(secure: Running) -> None:
    with secure.connect() as client:
        client.send(GET)

        answer = client.answer()
        assert (answer.status, answer.body) == (400, b"this port speaks HTTPS only\n")
        assert client.is_closed()


def test_clients_that_never_shake_hands_hold_up_nobody(
    secure: Running, certificates: Certificates
) -> None:
    with ExitStack() as open_connections:
        silent = [open_connections.enter_context(secure.connect()) for _ in range(20)]
        for client in silent[10:]:
            client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")

        begun = time.monotonic()
        with tls_client(secure, certificates.client_context()) as client:
            client.send(GET)
            assert client.answer().status == 200
        assert time.monotonic() - begun < 1
        assert silent[0].is_closed()
        assert silent[-1].is_closed()
        assert time.monotonic() - begun < 4


def test_a_client_can_read_a_refusal_over_tls_too(
    secure: Running, certificates: Certificates
) -> None:
    with tls_client(secure, certificates.client_context()) as client:
        client.send(b"PUT /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n")
        for _ in range(80):
            client.send(bytes(100_000))
            time.sleep(0.001)
        client.send(GET)

        assert [client.answer().status, client.answer().status] == [403, 200]


@pytest.mark.parametrize("size", [1, 1_000, 16_000, 300_000])
def test_a_refused_body_in_chunks_is_thrown_away_over_tls_too(
    secure: Running, certificates: Certificates, size: int
) -> None:
    """Part of it is in the layer of TLS when it is the turn of others: it is not forgotten."""
    chunks = b"%x\r\n%s\r\n" % (size, bytes(size)) * min(40_000, 2_000_000 // size)
    with tls_client(secure, certificates.client_context()) as client:
        fields = b"Host: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        client.send(b"PUT /refuse HTTP/1.1\r\n" + fields + chunks)
        client.send(b"0\r\n\r\n" + GET)

        assert [client.answer().status, client.answer().status] == [403, 200]
