"""The certificate: made late or beside the requests, valid where it should be, and its signatures verify."""

from __future__ import annotations

import asyncio
import re
import ssl
import subprocess
import sys
import threading
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from emulator import certificate as module
from emulator.certificate import Certificate, local_names
from emulator.clock import SystemClock, settle

NOW_MS = 1_767_225_600_000
HASHES = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256()}


@pytest.fixture(scope="module")
def shared() -> Certificate:
    """A certificate that is made once for all tests that only look at it."""
    return Certificate("sns.amazonaws.com", NOW_MS)


@pytest.fixture
def makers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note the thread of each key that is made."""
    threads: list[int] = []
    make = module._make

    def noted(*arguments: Any) -> Any:
        threads.append(threading.get_ident())
        return make(*arguments)

    monkeypatch.setattr(module, "_make", noted)
    return threads


def parsed(certificate: Certificate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate.pem)


def verify(certificate: Certificate, signature: bytes, data: bytes, digest: str) -> None:
    """Do what a receiver does: with the public key out of the PEM. Raises InvalidSignature."""
    key = parsed(certificate).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(signature, data, padding.PKCS1v15(), HASHES[digest])


# What it holds.


def test_the_certificate_names_its_owner_and_signs_itself(shared: Certificate) -> None:
    found = parsed(shared)
    assert found.subject.rfc4514_string() == "CN=sns.amazonaws.com"
    found.verify_directly_issued_by(found)
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["sns.amazonaws.com"]


def test_it_is_good_for_other_names_and_addresses() -> None:
    found = parsed(Certificate("a", NOW_MS, ("localhost", "127.0.0.1", "::1", "b.example.com")))
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.subject.rfc4514_string() == "CN=a"
    assert names.get_values_for_type(x509.DNSName) == ["a", "localhost", "b.example.com"]
    assert names.get_values_for_type(x509.IPAddress) == [ip_address("127.0.0.1"), ip_address("::1")]


def test_a_certificate_that_is_prepared_is_good_for_its_other_names_too() -> None:
    certificate = Certificate("a", NOW_MS, ("127.0.0.1",))
    asyncio.run(certificate.prepare())
    names = parsed(certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.IPAddress) == [ip_address("127.0.0.1")]


@pytest.mark.parametrize(
    ("hosts", "more"),
    [
        ((), ()),
        (("", "0.0.0.0", "::", "[::]:9092", "localhost:9092", "127.0.0.1"), ()),
        (("kafka", "kafka:9092"), ("kafka",)),
        (("10.0.0.1:9092", "10.0.0.2"), ("10.0.0.1", "10.0.0.2")),
        (("fe80::1", "[fe80::2]:9092", "[fe80::3]"), ("fe80::1", "fe80::2", "fe80::3")),
    ],
)
def test_a_server_on_this_machine_has_all_names_of_localhost_and_its_own(
    hosts: tuple[str, ...], more: tuple[str, ...]
) -> None:
    assert local_names(*hosts) == ("localhost", "127.0.0.1", "::1", *more)


def test_the_key_is_rsa_of_2048_bits(shared: Certificate) -> None:
    key = parsed(shared).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert (key.key_size, key.public_numbers().e) == (2048, 65537)


def test_it_is_valid_from_a_day_before_for_ten_years(shared: Certificate) -> None:
    found = parsed(shared)
    assert found.not_valid_before_utc == datetime(2025, 12, 31, tzinfo=UTC)
    assert found.not_valid_after_utc == datetime(2035, 12, 29, tzinfo=UTC)


def test_its_time_is_the_one_that_was_given() -> None:
    assert parsed(Certificate("a", 86_400_999)).not_valid_before_utc == datetime(1970, 1, 1, tzinfo=UTC)


def test_the_private_key_belongs_to_the_certificate(shared: Certificate) -> None:
    key = serialization.load_pem_private_key(shared.private_pem, password=None)
    assert key.public_key() == parsed(shared).public_key()


def test_the_fingerprint_is_32_hexadecimal_digits_of_the_certificate(shared: Certificate) -> None:
    assert re.fullmatch("[0-9a-f]{32}", shared.fingerprint)
    assert shared.fingerprint == shared.fingerprint
    assert parsed(shared).fingerprint(hashes.SHA256()).hex().startswith(shared.fingerprint)


def test_two_certificates_differ_in_key_and_fingerprint(shared: Certificate) -> None:
    other = Certificate("sns.amazonaws.com", NOW_MS)
    assert other.fingerprint != shared.fingerprint
    assert other.private_pem != shared.private_pem


# Signatures.


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
def test_a_signature_verifies_with_the_certificate(shared: Certificate, digest: Any) -> None:
    signature = shared.sign(b"some data", digest)
    assert len(signature) == 256
    verify(shared, signature, b"some data", digest)


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
def test_the_same_data_has_the_same_signature(shared: Certificate, digest: Any) -> None:
    assert shared.sign(b"some data", digest) == shared.sign(b"some data", digest)


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
def test_a_signature_is_for_its_data_only(shared: Certificate, digest: Any) -> None:
    signature = shared.sign(b"some data", digest)
    with pytest.raises(InvalidSignature):
        verify(shared, signature, b"some date", digest)


def test_a_signature_is_for_its_digest_only(shared: Certificate) -> None:
    with pytest.raises(InvalidSignature):
        verify(shared, shared.sign(b"some data", "sha1"), b"some data", "sha256")


def test_a_signature_is_for_its_key_only(shared: Certificate) -> None:
    with pytest.raises(InvalidSignature):
        verify(Certificate("sns.amazonaws.com", NOW_MS), shared.sign(b"some data", "sha256"), b"some data", "sha256")


# When it is made.


def test_a_new_certificate_has_made_nothing(makers: list[int]) -> None:
    assert not Certificate("a", NOW_MS).made
    assert makers == []


@pytest.mark.parametrize("look", ["pem", "private_pem", "fingerprint"])
def test_the_first_look_makes_it_and_the_second_does_not(makers: list[int], look: str) -> None:
    certificate = Certificate("a", NOW_MS)
    first = getattr(certificate, look)
    assert certificate.made
    assert getattr(certificate, look) == first
    assert makers == [threading.get_ident()]


def test_the_first_signature_makes_it(makers: list[int]) -> None:
    certificate = Certificate("a", NOW_MS)
    verify(certificate, certificate.sign(b"data", "sha256"), b"data", "sha256")
    assert makers == [threading.get_ident()]


def test_preparing_makes_it_in_a_thread_once(makers: list[int]) -> None:
    async def work() -> None:
        certificate = Certificate("a", NOW_MS)
        await certificate.prepare()
        assert certificate.made
        await certificate.prepare()
        certificate.sign(b"data", "sha1")

    asyncio.run(work())
    assert len(makers) == 1
    assert makers != [threading.get_ident()]


def test_others_run_while_it_is_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread does not end before the event loop has told it to; so the loop is not held up by it."""
    told = threading.Event()
    make = module._make

    def wait_and_make(*arguments: Any) -> Any:
        assert told.wait(60)
        return make(*arguments)

    monkeypatch.setattr(module, "_make", wait_and_make)

    async def work() -> None:
        certificate = Certificate("a", NOW_MS)
        preparing = asyncio.create_task(certificate.prepare())
        await settle()
        assert not certificate.made
        told.set()
        await preparing
        assert certificate.made

    asyncio.run(work())


def test_a_key_that_was_needed_before_the_thread_was_done_stays(makers: list[int]) -> None:
    async def work() -> None:
        certificate = Certificate("a", NOW_MS)
        preparing = asyncio.create_task(certificate.prepare())
        await asyncio.sleep(0)
        signature, pem, fingerprint = certificate.sign(b"data", "sha256"), certificate.pem, certificate.fingerprint
        await preparing
        assert (certificate.pem, certificate.fingerprint) == (pem, fingerprint)
        verify(certificate, signature, b"data", "sha256")

    asyncio.run(work())
    assert len(makers) == 2


def test_preparing_twice_at_once_keeps_one_key() -> None:
    async def work() -> None:
        certificate = Certificate("a", NOW_MS)
        await asyncio.gather(certificate.prepare(), certificate.prepare())
        verify(certificate, certificate.sign(b"data", "sha256"), b"data", "sha256")

    asyncio.run(work())


def test_who_never_signs_does_not_load_cryptography() -> None:
    code = (
        "import sys; from emulator.certificate import Certificate; Certificate('a', 0).made;"
        "sys.exit('cryptography' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Servers.


def test_a_tls_client_that_trusts_the_certificate_accepts_a_server_with_it(tmp_path: Path) -> None:
    certificate = Certificate("localhost", SystemClock().now_ms())
    both = tmp_path / "both.pem"
    both.write_bytes(certificate.private_pem + certificate.pem)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(both)
    client_side = ssl.create_default_context(cadata=certificate.pem.decode())
    client_side.verify_flags |= ssl.VERIFY_X509_STRICT
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(down, up, server_hostname="localhost")
    server = server_side.wrap_bio(up, down, server_side=True)
    talk = [(step(client), step(server)) for _ in range(4)]
    assert talk[0] == ("more", "more")
    assert talk[-1] == ("done", "done")
    shown = client.getpeercert()
    assert shown is not None
    assert shown["subject"] == ((("commonName", "localhost"),),)


def step(side: ssl.SSLObject) -> str:
    """Go on with a handshake: it is `done`, or the other side has `more` to say."""
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return "more"
    return "done"
