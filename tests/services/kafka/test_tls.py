"""TLS: a context made of the process's own certificate or of PEM files, and what is said of files that will not do."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from emulator.certificate import Certificate, local_names
from emulator.clock import SystemClock
from emulator.service import StartError
from services.kafka.tls import server_context


@pytest.fixture(scope="module")
def own() -> Certificate:
    """What the process makes for itself."""
    return Certificate("eventyard", SystemClock().now_ms(), local_names("kafka.test:9092"))


@pytest.fixture(scope="module")
def other() -> Certificate:
    """What a user has."""
    return Certificate("broker.example.com", SystemClock().now_ms())


def context(own: Certificate, cert: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    """Make the listeners' context."""
    settings = SimpleNamespace(kafka_tls_cert=cert, kafka_tls_key=key)
    emulator: Any = SimpleNamespace(settings=settings, certificate=own)
    return asyncio.run(server_context(emulator))


def files(folder: Path, certificate: Certificate) -> tuple[Path, Path]:
    """Write a certificate and its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(certificate.pem)
    key.write_bytes(certificate.private_pem)
    return cert, key


def shaken(server_side: ssl.SSLContext, trusted: Certificate, name: str, **options: Any) -> str | None:
    """Shake hands with a client that trusts a certificate and dials a name. Gives the protocol; raises ssl.SSLError."""
    client_side = ssl.create_default_context(cadata=trusted.pem.decode())
    for option, value in options.items():
        setattr(client_side, option, value)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(down, up, server_hostname=name)
    server = server_side.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client.getpeercert()
    return client.version()


# The certificate of our own.


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "kafka.test", "eventyard"])
def test_a_client_that_trusts_our_certificate_may_dial_us_by_any_of_our_names(own: Certificate, name: str) -> None:
    assert shaken(context(own), own, name) == "TLSv1.3"


def test_a_client_that_dials_another_name_does_not_believe_us(own: Certificate) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shaken(context(own), own, "elsewhere.test")


def test_a_client_that_does_not_trust_our_certificate_does_not_believe_us(own: Certificate, other: Certificate) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="self-signed certificate"):
        shaken(context(own), other, "localhost")


def test_tls_1_2_is_spoken_too(own: Certificate) -> None:
    assert shaken(context(own), own, "localhost", maximum_version=ssl.TLSVersion.TLSv1_2) == "TLSv1.2"


def test_nothing_older_than_tls_1_2_is_spoken(own: Certificate) -> None:
    assert context(own).minimum_version is ssl.TLSVersion.TLSv1_2


def test_clients_are_asked_for_no_certificate(own: Certificate) -> None:
    assert context(own).verify_mode is ssl.CERT_NONE


def test_our_key_is_left_in_no_file(own: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    context(own)
    assert list(tmp_path.rglob("*")) == []


# Files of the user's.


def test_the_users_certificate_is_shown(own: Certificate, other: Certificate, tmp_path: Path) -> None:
    cert, key = files(tmp_path, other)
    assert shaken(context(own, cert, key), other, "broker.example.com") == "TLSv1.3"


def test_one_file_may_hold_both(own: Certificate, other: Certificate, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(other.private_pem + other.pem)
    assert shaken(context(own, both), other, "broker.example.com") == "TLSv1.3"


def refusal(own: Certificate, cert: Path | None, key: Path | None) -> str:
    with pytest.raises(StartError) as raised:
        context(own, cert, key)
    return str(raised.value)


def test_a_file_that_is_not_there_is_named(own: Certificate, other: Certificate, tmp_path: Path) -> None:
    cert, key = files(tmp_path, other)
    gone = tmp_path / "gone.pem"
    assert refusal(own, gone, key) == f"--kafka-tls-cert={gone}: cannot be read: No such file or directory"
    assert refusal(own, cert, gone) == f"--kafka-tls-key={gone}: cannot be read: No such file or directory"


def test_a_folder_is_no_file(own: Certificate, tmp_path: Path) -> None:
    assert refusal(own, tmp_path, None) == f"--kafka-tls-cert={tmp_path}: cannot be read: Is a directory"


def test_a_key_needs_its_certificate(own: Certificate, other: Certificate, tmp_path: Path) -> None:
    _, key = files(tmp_path, other)
    assert refusal(own, None, key) == f"--kafka-tls-key={key}: a key needs its certificate, with --kafka-tls-cert"


def test_a_key_of_another_certificate_is_refused(own: Certificate, other: Certificate, tmp_path: Path) -> None:
    cert, key = files(tmp_path, other)
    key.write_bytes(own.private_pem)
    assert refusal(own, cert, key) == f"--kafka-tls-key={key}: the key is not that of the certificate in {cert}"


@pytest.mark.parametrize("content", [b"", b"no PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_pem_is_refused(own: Certificate, other: Certificate, tmp_path: Path, content: bytes) -> None:
    cert, key = files(tmp_path, other)
    cert.write_bytes(content)
    assert refusal(own, cert, key) == f"--kafka-tls-cert={cert}: must hold a certificate, and {key} its key, both PEM"


def test_a_certificate_without_a_key_is_refused(own: Certificate, other: Certificate, tmp_path: Path) -> None:
    cert, _ = files(tmp_path, other)
    assert refusal(own, cert, None) == (
        f"--kafka-tls-cert={cert}: must hold a certificate and its key, both PEM;"
        " a key in a file of its own comes with --kafka-tls-key"
    )


def test_an_encrypted_key_is_refused_without_asking_for_its_password(
    own: Certificate, other: Certificate, tmp_path: Path
) -> None:
    cert, key = files(tmp_path, other)
    plain = serialization.load_pem_private_key(other.private_pem, password=None)
    key.write_bytes(
        plain.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password"),
        )
    )
    assert refusal(own, cert, key) == "--kafka-tls-key: the key is encrypted; only a plain one can be used"
