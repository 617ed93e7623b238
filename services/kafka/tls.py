"""TLS for Kafka's listeners: with PEM files that a user gives, or with the certificate that the process makes for itself."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from emulator.service import StartError

if TYPE_CHECKING:
    from emulator.app import Emulator

_CERT, _KEY = "--kafka-tls-cert", "--kafka-tls-key"


async def server_context(emulator: Emulator) -> ssl.SSLContext:
    """Make what the listeners speak TLS with, 1.2 or 1.3 as Kafka; clients are asked for no certificate. Raises StartError."""
    cert, key = emulator.settings.kafka_tls_cert, emulator.settings.kafka_tls_key
    if cert is not None:
        return await asyncio.to_thread(_given, cert, key)
    if key is not None:
        raise StartError(f"{_KEY}={key}: a key needs its certificate, with {_CERT}")
    await emulator.certificate.prepare()
    return await asyncio.to_thread(_generated, emulator.certificate.private_pem + emulator.certificate.pem)


def _new() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _generated(pem: bytes) -> ssl.SSLContext:
    # OpenSSL's door in `ssl` takes nothing but files.
    with TemporaryDirectory(prefix="eventyard-") as folder:
        path = Path(folder, "both.pem")
        path.touch(mode=0o600)
        path.write_bytes(pem)
        context = _new()
        context.load_cert_chain(path)
        return context


def _given(cert: Path, key: Path | None) -> ssl.SSLContext:
    for flag, path in ((_CERT, cert), (_KEY, key)):
        if path is not None:
            _check_readable(flag, path)
    context = _new()
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise StartError(f"{_KEY}={key or cert}: the key is not that of the certificate in {cert}") from None
        raise StartError(f"{_CERT}={cert}: {_words(key)}") from None
    return context


def _check_readable(flag: str, path: Path) -> None:
    try:
        with path.open("rb"):
            return
    except OSError as error:
        raise StartError(f"{flag}={path}: cannot be read: {error.strerror or error}") from None


def _words(key: Path | None) -> str:
    if key is None:
        return f"must hold a certificate and its key, both PEM; a key in a file of its own comes with {_KEY}"
    return f"must hold a certificate, and {key} its key, both PEM"


def _no_password() -> str:
    # Without this OpenSSL would ask at the terminal and wait.
    raise StartError(f"{_KEY}: the key is encrypted; only a plain one can be used")
