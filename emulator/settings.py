"""All settings, in one frozen model. Nobody else reads the environment.

Each setting has a flag, a variable `EVENTYARD_*`, and where LocalStack has a setting that means the same, its name as
well. A flag beats EVENTYARD_*, which beats LocalStack's name, which beats the default.
"""

from __future__ import annotations

import os
import re
from pathlib import Path  # noqa: TC003 - pydantic looks at it
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from emulator.wire.model import known_services

if TYPE_CHECKING:
    from collections.abc import Mapping

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_LS_LOG = {
    "trace": "debug",
    "trace-internal": "debug",
    "debug": "debug",
    "info": "info",
    "warn": "warning",
    "warning": "warning",
    "error": "error",
}
_PUBLIC_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?")
_SIZE = re.compile(r"(?P<number>\d{1,15})\s*(?P<unit>[kKmMgG]?)(?:i?[bB])?")
_SHIFTS = {"": 0, "K": 10, "M": 20, "G": 30}
_LISTEN = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^:\[\]]*)(?::(?P<port>\d+))?")


class SettingsError(Exception):
    """A setting has a bad value. The text is one line and names the flag or the variable."""


class Address(NamedTuple):
    """Where to listen. Port 0 takes a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class AddressError(Exception):
    """An address cannot be listened on. The text is one line and says what to do."""


class Settings(BaseModel):
    """What a user can choose. Field names are the flags' with underscores."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", min_length=1)
    port: int = Field(4566, ge=0, le=65535)
    also_listen: tuple[Address, ...] = ()
    """More addresses, from GATEWAY_LISTEN."""

    account_id: str = "000000000000"
    region: str = "us-east-1"
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    log_format: Literal["text", "json"] = "text"
    services: frozenset[str] | None = None
    """None runs all."""

    public_host: str = ""
    """Host, with or without a port, that URLs in answers name; empty for the caller's own Host header."""

    endpoint_strategy: Literal["dynamic", "standard", "domain", "path"] = "dynamic"
    """The form of queue URLs; dynamic takes the caller's own Host header."""

    sns_cert_url_host: str = ""
    """Host that SigningCertURL names, for verifiers that accept AWS's hosts only; empty for our own."""

    cors_checks: bool = True
    cors_origins: tuple[str, ...] = ()
    cooldowns: bool = True
    """Whether AWS's 60 second waits hold: after DeleteQueue before the name is free, and between two PurgeQueue."""

    quotas: bool = True
    """Whether the quotas hold that AWS raises on request, such as 200 filter policies on a topic."""

    data_dir: Path | None = None
    """Folder in which Kafka's topics, offsets and settings outlive the process; None keeps all in memory."""

    kafka_port: int = Field(9092, ge=-1, le=65535)
    """Of the first broker; 0: no Kafka; -1: a free one for each broker."""

    kafka_brokers: int = Field(1, ge=1, le=100)
    """How many brokers the cluster shows, each on a port of its own, one after the other."""

    kafka_advertised_host: str = ""
    """Host, with or without a port (of the first broker), that Kafka's clients are sent to; empty for the one that they dialled."""

    kafka_auto_create_topics: bool = True
    kafka_any_replication: bool = False
    """Whether a topic may ask for more replicas than there are brokers."""

    kafka_memory: int = Field(1 << 30, ge=16 << 20)
    """Bytes of records that are kept in memory, over all topics."""

    kafka_security: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = "plaintext"
    kafka_users: tuple[tuple[str, str], ...] = ()
    """Names and passwords of those who may log in."""

    kafka_tls_cert: Path | None = None
    kafka_tls_key: Path | None = None
    """PEM files; without them a certificate is made at the start."""

    kafka_authorizer: bool = False
    """Whether access control lists hold."""

    kafka_super_users: tuple[str, ...] = ()
    """Names of users whom no access control list holds back."""

    @field_validator("account_id")
    @classmethod
    def _account_id(cls, value: str) -> str:
        if len(value) != 12 or not value.isascii() or not value.isdigit():
            raise ValueError("must be 12 digits")
        return value

    @field_validator("region")
    @classmethod
    def _region(cls, value: str) -> str:
        if not _REGION.fullmatch(value):
            raise ValueError("must be the name of an AWS region, such as eu-west-1")
        return value

    @field_validator("public_host")
    @classmethod
    def _public_host(cls, value: str) -> str:
        if value and not _PUBLIC_HOST.fullmatch(value):
            raise ValueError("must be a host, with or without a port, such as localhost.localstack.cloud:4566")
        return value

    @field_validator("sns_cert_url_host")
    @classmethod
    def _sns_cert_url_host(cls, value: str) -> str:
        if value and not _PUBLIC_HOST.fullmatch(value):
            raise ValueError("must be a host, with or without a port, such as sns.us-east-1.amazonaws.com")
        return value

    @field_validator("kafka_advertised_host")
    @classmethod
    def _kafka_advertised_host(cls, value: str) -> str:
        if value and not _PUBLIC_HOST.fullmatch(value):
            raise ValueError("must be a host, with or without a port, such as localhost:9092")
        return value

    @field_validator("services")
    @classmethod
    def _services(cls, value: frozenset[str] | None) -> frozenset[str] | None:
        unknown = sorted((value or frozenset()) - known_services())
        if unknown:
            raise ValueError(
                f"AWS has no service {unknown[0]!r}; name services as the AWS CLI does, such as sqs,sns,events"
            )
        return value

    def public_url(self, base_url: str = "") -> str:
        """Make the URL by which callers reach us, up to the path: `public_host` where it is set, else where this caller reached us."""
        scheme = base_url.partition("://")[0] or "http"
        if self.public_host:
            host = self.public_host if ":" in self.public_host else f"{self.public_host}:{self.port}"
            return f"{scheme}://{host}"
        return base_url or f"http://localhost:{self.port}"

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where to listen."""
        return (Address(self.host, self.port), *self.also_listen)

    @property
    def kafka_addresses(self) -> tuple[Address, ...]:
        """Where Kafka's brokers listen, the first one first."""
        if self.kafka_port == 0:
            return ()
        ports = (max(0, self.kafka_port + number if self.kafka_port > 0 else 0) for number in range(self.kafka_brokers))
        return tuple(Address(self.host, port) for port in ports)


class Source(NamedTuple):
    """One place from which a setting may come: its name for users, and how to read its text."""

    setting: str
    name: str
    read: Any = str
    """From text to `{setting: value}` or to a value. Raises ValueError with the reason."""


def _boolean(text: str) -> bool:
    if (word := text.strip().lower()) in TRUE | FALSE:
        return word in TRUE
    raise ValueError("must be 1 or 0")


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("must be a number") from None


def _kafka_port(text: str) -> int:
    if text.strip().lower() == "free":
        return -1
    try:
        return int(text)
    except ValueError:
        raise ValueError("must be a number, or free") from None


def _size(text: str) -> int:
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError("must be a number of bytes, or one with a unit, such as 512M or 2G")
    return int(found["number"]) << _SHIFTS[found["unit"].upper()]


def _users(text: str) -> tuple[tuple[str, str], ...]:
    users = []
    for part in _list(text):
        name, colon, password = part.partition(":")
        if not (name and colon and password):
            raise ValueError("must be names with their passwords, such as alice:secret,bob:other")
        users.append((name, password))
    if len(dict(users)) < len(users):
        raise ValueError("must name each user once")
    return tuple(users)


def _services(text: str) -> frozenset[str] | None:
    # LocalStack's old form "sqs:4566" named a port with each service.
    return frozenset(name.partition(":")[0].lower() for name in _list(text)) or None


def _gateway_listen(text: str) -> dict[str, Any]:
    addresses = []
    for part in _list(text):
        found = _LISTEN.fullmatch(part)
        if found is None:
            raise ValueError("must be addresses such as 0.0.0.0:4566, separated by commas")
        host = (found["host"] or "0.0.0.0").strip("[]")  # noqa: S104 - what LocalStack takes an empty host for
        addresses.append(Address(host, int(found["port"] or 4566)))
        if addresses[-1].port > 65535:
            raise ValueError(f"{addresses[-1].port} is not a port")
    if not addresses:
        raise ValueError("names no address")
    return {"host": addresses[0].host, "port": addresses[0].port, "also_listen": tuple(addresses[1:])}


def _debug(text: str) -> dict[str, Any]:
    return {"log_level": "debug"} if _boolean(text) else {}


def _ls_log(text: str) -> str:
    if (level := _LS_LOG.get(text.strip().lower())) is not None:
        return level
    raise ValueError(f"must be one of {', '.join(sorted(_LS_LOG))}")


def _strategy(text: str) -> str:
    word = text.strip().lower()
    return "dynamic" if word == "off" else word


def _disabled(text: str) -> bool:
    return not _boolean(text)


READERS: Mapping[str, Any] = {
    "port": _number,
    "services": _services,
    "log_level": lambda text: "warning" if text.lower() == "warn" else text.lower(),
    "log_format": str.lower,
    "endpoint_strategy": _strategy,
    "cors_checks": _boolean,
    "cors_origins": _list,
    "cooldowns": _boolean,
    "quotas": _boolean,
    "kafka_port": _kafka_port,
    "kafka_brokers": _number,
    "kafka_auto_create_topics": _boolean,
    "kafka_any_replication": _boolean,
    "kafka_memory": _size,
    "kafka_security": str.lower,
    "kafka_users": _users,
    "kafka_authorizer": _boolean,
    "kafka_super_users": _list,
}
"""How the text of a flag or of an EVENTYARD_* variable is read, where it is not taken as it is."""

ALIASES: tuple[Source, ...] = (
    Source("host", "GATEWAY_LISTEN", _gateway_listen),
    Source("log_level", "DEBUG", _debug),
    Source("log_level", "LS_LOG", _ls_log),
    Source("public_host", "LOCALSTACK_HOST"),
    Source("services", "SERVICES", _services),
    Source("endpoint_strategy", "SQS_ENDPOINT_STRATEGY", _strategy),
    Source("sns_cert_url_host", "SNS_CERT_URL_HOST"),
    Source("cors_checks", "DISABLE_CORS_CHECKS", _disabled),
    Source("cors_origins", "EXTRA_CORS_ALLOWED_ORIGINS", _list),
)
"""LocalStack's names; a later one beats an earlier one."""

FLAGS = tuple(name for name in Settings.model_fields if name != "also_listen")


def read_settings(flags: Mapping[str, str | None], environ: Mapping[str, str] | None = None) -> Settings:
    """Put the settings together. `flags` holds the text of each flag that was given. Raises SettingsError."""
    environ = os.environ if environ is None else environ
    sources = [*ALIASES]
    sources += [Source(name, f"EVENTYARD_{name.upper()}", READERS.get(name, str)) for name in FLAGS]
    texts = [(source, environ[source.name]) for source in sources if environ.get(source.name, "") != ""]
    texts += [
        (Source(name, "--" + name.replace("_", "-"), READERS.get(name, str)), text)
        for name in FLAGS
        if (text := flags.get(name)) is not None
    ]
    values: dict[str, Any] = {}
    origins: dict[str, tuple[str, str]] = {}
    for source, text in texts:
        try:
            value = source.read(text)
        except ValueError as error:
            raise _bad_value(source.name, text, str(error)) from None
        found = value if isinstance(value, dict) else {source.setting: value}
        if source.setting in ("host", "port"):
            values.pop("also_listen", None)  # an address of one's own replaces all of GATEWAY_LISTEN's
        values |= found
        origins |= dict.fromkeys(found, (source.name, text))
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name, text = origins[str(first["loc"][0])]
        reason = first["msg"].removeprefix("Value error, ").replace("Input should be", "must be", 1)
        raise _bad_value(name, text, reason) from None


def _bad_value(name: str, text: str, reason: str) -> SettingsError:
    """Name the source, its text and what is wrong with it, on one line whatever the text."""
    shown = text if text.isprintable() else repr(text)[1:-1]
    return SettingsError(f"{name}={shown}: {reason}")
