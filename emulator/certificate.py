"""An RSA key with a self-signed certificate, made when it is first needed.

`cryptography` takes 150 ms to import and a key some 20 to 200 ms to make; a server that never signs pays for neither, and one
that calls `prepare` pays beside its requests. The key is the one thing that no seed of `Ids` repeats: chance for keys is OpenSSL's.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

Digest = Literal["sha1", "sha256"]

_KEY_BITS = 2048
_PUBLIC_EXPONENT = 65537
_VALID_FROM = timedelta(days=-1)
"""So that a verifier whose clock is behind accepts it."""
_VALID_FOR = timedelta(days=3650)
_NO_NAME = ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound


@dataclass(frozen=True, slots=True)
class _Made:
    """A key and its certificate, with the objects that each signature needs."""

    key: RSAPrivateKey
    padding: PKCS1v15
    digests: dict[str, HashAlgorithm]
    pem: bytes
    private_pem: bytes
    fingerprint: str


class Certificate:
    """One key and one certificate for `common_name`, valid from a day before `now_ms` for 10 years.

    It is good for servers of that name and of `names`: host names and addresses, without ports.

    What it holds is made at the first look at it, in the caller's thread, or earlier by `prepare`. All but the making
    itself happens on the event loop.
    """

    __slots__ = ("_common_name", "_made", "_names", "_now_ms")

    def __init__(self, common_name: str, now_ms: int, names: tuple[str, ...] = ()) -> None:
        self._common_name = common_name
        self._names = names
        self._now_ms = now_ms
        self._made: _Made | None = None

    @property
    def made(self) -> bool:
        """Whether the key is there, so that a signature costs no more than itself."""
        return self._made is not None

    async def prepare(self) -> None:
        """Make the key in a thread. If somebody needed one before the thread was done, that one stays and the thread's is dropped."""
        if self._made is None:
            made = await asyncio.to_thread(_make, self._common_name, self._now_ms, self._names)
            if self._made is None:
                self._made = made

    def sign(self, data: bytes, digest: Digest) -> bytes:
        """Sign with RSASSA-PKCS1-v1_5; 256 bytes. The same data has the same signature."""
        made = self._made or self._now()
        return made.key.sign(data, made.padding, made.digests[digest])

    @property
    def pem(self) -> bytes:
        """The certificate."""
        return (self._made or self._now()).pem

    @property
    def private_pem(self) -> bytes:
        """The key, PKCS #8, not encrypted."""
        return (self._made or self._now()).private_pem

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that tell this certificate from others."""
        return (self._made or self._now()).fingerprint

    def _now(self) -> _Made:
        self._made = _make(self._common_name, self._now_ms, self._names)
        return self._made


def local_names(*hosts: str) -> tuple[str, ...]:
    """Name a server on this machine as its clients may: localhost in all its forms, and `hosts`, which may come with ports.

    Hosts that are empty, or that stand for every address, name nothing.
    """
    bare = (_bare(host) for host in hosts)
    return tuple(dict.fromkeys(("localhost", "127.0.0.1", "::1", *(host for host in bare if host not in _NO_NAME))))


def _bare(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.count(":") > 1 else host.partition(":")[0]


def _make(common_name: str, now_ms: int, names: tuple[str, ...]) -> _Made:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    key = rsa.generate_private_key(_PUBLIC_EXPONENT, _KEY_BITS)
    certificate = _self_signed(key, common_name, now_ms, names)
    return _Made(
        key=key,
        padding=padding.PKCS1v15(),
        digests={"sha1": hashes.SHA1(), "sha256": hashes.SHA256()},  # noqa: S303 - AWS's SignatureVersion 1
        pem=certificate.public_bytes(serialization.Encoding.PEM),
        private_pem=key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex()[:32],
    )


def _general_name(name: str) -> x509.GeneralName:
    from ipaddress import ip_address

    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _self_signed(key: RSAPrivateKey, common_name: str, now_ms: int, names: tuple[str, ...]) -> x509.Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import NameOID

    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    start = datetime.fromtimestamp(now_ms // 1000, UTC) + _VALID_FROM
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + _VALID_FOR)
        # TLS clients look for the name here and nowhere else.
        .add_extension(x509.SubjectAlternativeName([*map(_general_name, (common_name, *names))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
