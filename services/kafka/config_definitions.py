"""What configs there are: Apache Kafka 4.3's own table (configs.tsv), how their values are read, and what it says to bad ones.

Sources: org.apache.kafka.common.config.ConfigDef, LogConfig, AbstractKafkaConfig, GroupConfig and ClientMetricsConfigs of Apache Kafka
4.3.0, out of which the table was written. Left out are internal configs and broker configs of what is not here: quorum, tiered storage,
Kerberos, OAuth, key stores.

A definition's fourth last column says how a broker config is altered: `dynamic` at run time, as in Kafka; `runtime` at run time here,
where there is no server.properties, but in Kafka with a restart only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from services.kafka.errors import Error, KafkaError

Value = bool | int | float | str | list[str] | None
"""A parsed value: lists are LIST, text is STRING, CLASS and PASSWORD."""
Kind = Literal["topic", "broker", "group", "client"]

INTEGER = re.compile(r"[+-]?[0-9]+")
_DOUBLE = re.compile(r"([+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?)[dDfF]?")
_BITS = {"SHORT": 16, "INT": 32, "LONG": 64}
_COMMA = re.compile(r"\s*,\s*")
_RANGE = re.compile(r"\[([-0-9.]+),\.\.\.(?:,([-0-9.]+))?\](?: or (-1))?")
_THROTTLED = "[partitionId]:[brokerId],[partitionId]:[brokerId],..."
_RESETS = "[latest, earliest, by_duration:PnDTnHnMn.nS]"
_DURATION = re.compile(
    r"(latest|earliest|by_duration:P(?!$)([0-9]+D)?(T(?=[0-9])([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]{1,9})?S)?)?)",
    re.IGNORECASE,
)
_REPLICA = re.compile(r"([0-9]+:[0-9]+)?")

CONFIG_TYPES = {
    "BOOLEAN": 1,
    "STRING": 2,
    "INT": 3,
    "SHORT": 4,
    "LONG": 5,
    "DOUBLE": 6,
    "LIST": 7,
    "CLASS": 8,
    "PASSWORD": 9,
}
"""How DescribeConfigs writes types (org.apache.kafka.common.requests.DescribeConfigsResponse.ConfigType)."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One config."""

    name: str
    type: str
    default: str | None
    valid: str
    """As Kafka's documentation writes what is allowed: `[0,...]`, `[compact, delete]`; empty where all is."""
    synonyms: tuple[str, ...]
    """Names of broker configs that hold where this one is not set, the first one that is set."""
    update: str
    """`dynamic`, `runtime` or nothing; broker configs only."""
    documentation: str

    def parse(self, text: str | None) -> Value:
        """Read a value and hold it against what is allowed. Raises KafkaError INVALID_CONFIG with Kafka's words."""
        if text is None:
            return None
        value = self._read(text.strip(), text)
        self._check(value)
        return value

    def _read(self, trimmed: str, text: str) -> Value:
        if self.type in _BITS:
            limit = 1 << (_BITS[self.type] - 1)
            if INTEGER.fullmatch(trimmed) and -limit <= (number := int(trimmed)) < limit:
                return number
            raise self._wrong(text, f"Not a number of type {self.type}")
        if self.type == "DOUBLE":
            found = _DOUBLE.fullmatch(trimmed)
            if found is None:
                raise self._wrong(text, "Not a number of type DOUBLE")
            return float(found[1])
        if self.type == "BOOLEAN":
            if trimmed.lower() not in ("true", "false"):
                raise self._wrong(text, "Expected value to be either true or false")
            return trimmed.lower() == "true"
        if self.type == "LIST":
            # Kafka 4 drops what is there twice with no more than a warning.
            return list(dict.fromkeys(_COMMA.split(trimmed))) if trimmed else []
        return trimmed

    def _check(self, value: Value) -> None:
        if not self.valid or value is None:
            return
        if isinstance(value, int | float):
            self._check_range(value)
        elif self.valid == _THROTTLED:
            self._check_throttled(cast("list[str]", value))
        elif isinstance(value, list):
            self._check_list(value)
        elif self.valid == _RESETS:
            if not _DURATION.fullmatch(value):
                raise self._wrong(
                    value,
                    f"Invalid value `{value}` for configuration {self.name}. The value must be either 'earliest', 'latest' or of the "
                    "format 'by_duration:<PnDTnHnMn.nS>'.",
                )
        elif self.valid.startswith("(case insensitive) ["):
            if value.upper() not in (words := self.choices):
                raise self._wrong(value, f"String must be one of (case insensitive): {', '.join(words)}")
        elif self.choices and value not in self.choices:
            raise self._wrong(value, f"String must be one of: {', '.join(self.choices)}")

    @property
    def choices(self) -> list[str]:
        """The words that are allowed; none where all are."""
        inside = self.valid.removeprefix("(case insensitive) ")
        return inside[1:-1].split(", ") if inside.startswith("[") else []

    def _check_range(self, value: float) -> None:
        found = _RANGE.fullmatch(self.valid)
        if found is None:
            return
        least, most, beside = found.groups()
        if beside is not None:
            if value != int(beside) and not int(least) <= value <= int(most):
                raise self._wrong(value, f"Value must be between {least} and {most} or equal to {beside}")
        elif value < float(least):
            raise self._wrong(value, f"Value must be at least {least}")
        elif most is not None and value > float(most):
            raise self._wrong(value, f"Value must be no more than {most}")

    def _check_list(self, values: list[str]) -> None:
        choices = self.choices
        for value in values if choices else ():
            if not value:
                raise KafkaError(Error.INVALID_CONFIG, f"Configuration '{self.name}' values must not be empty.")
            if value not in choices:
                raise self._wrong(value, f"String must be one of: {', '.join(choices)}")

    def _check_throttled(self, values: list[str]) -> None:
        if "".join(values) != "*" and not all(_REPLICA.fullmatch(value) for value in values):
            raise self._wrong(
                f"[{', '.join(values)}]",
                f"{self.name} must be the literal '*' or a list of replicas in the following format: {_THROTTLED}",
            )

    def _wrong(self, value: Value, why: str) -> KafkaError:
        return KafkaError(Error.INVALID_CONFIG, f"Invalid value {text_of(value)} for configuration {self.name}: {why}")


def text_of(value: Value) -> str | None:
    """Write a value as configs are written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(value)
    if isinstance(value, float) and value >= 1e7:
        return repr(value).replace("e+", "E")  # as Java writes doubles
    return None if value is None else str(value)


def read_definitions() -> dict[Kind, dict[str, Definition]]:
    """Read the table, by kind and name."""
    tables: dict[Kind, dict[str, Definition]] = {"topic": {}, "broker": {}, "group": {}, "client": {}}
    with Path(__file__).with_name("configs.tsv").open(encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            kind, name, of, *columns, words = line.rstrip("\n").split("\t")
            default, valid, synonyms, update = ("" if column == "-" else column for column in columns)
            tables[cast("Kind", kind)][name] = Definition(
                name,
                of,
                {"": None, '""': ""}.get(default, default),
                valid,
                tuple(synonyms.split(",")) if synonyms else (),
                update,
                words,
            )
    return tables
