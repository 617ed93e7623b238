"""Kafka messages with seeded random values, and two codecs of other people to hold ours against: kio and kafka-python 3.

Both are made from Kafka's descriptions too, but by others: kio decodes in Rust, kafka-python generates Python. Each `Codec` here takes
and gives messages as our dicts, so what differs is a difference of the bytes. kio 0.6 has every message and version that we have,
kafka-python lacks KIP-848 groups, share groups and telemetry.
"""

from __future__ import annotations

import dataclasses
import importlib
import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any, Protocol, get_args
from uuid import UUID

from services.kafka.schema import FOLDER, Description, Field, Messages
from services.kafka.wire import NULL_UUID

Message = dict[str, Any]
TITLES = sorted(file.stem for file in FOLDER.glob("*.json"))
"""All messages that we have a description of."""
STRINGS = ("", "a", "orders", "Grüße, 世界, 🦊", "\x00", "x" * 126, "x" * 127, "x" * 300)
BLOBS = (b"", b"\x00", b"\xff" * 3, b"y" * 126, b"y" * 127, b"y" * 300)
BITS = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}
INSTANT_MAX_MS = 4_102_444_800_000
INSTANT_FIELDS = re.compile("Ms$|Timestamp$")
"""kio makes instants and durations of these int64 fields, with fewer values than 64 bits have."""


def versions_of(description: Description) -> range:
    return range(description.versions.low, description.versions.high + 1)


def fields_in(fields: tuple[Field, ...], version: int) -> list[Field]:
    """The fields that a version has."""
    return [field for field in fields if field.versions.has(version)]


class RandomMessages:
    """Makes messages of one version: every field of the description, with its default where the version lacks it."""

    def __init__(self, random: Random, version: int) -> None:
        self._random = random
        self._version = version

    def message(self, fields: tuple[Field, ...]) -> Message:
        return {
            field.name: self._value(field) if field.versions.has(self._version) else field.fresh_or_default()
            for field in fields
        }

    def _value(self, field: Field) -> Any:
        if field.tagged.has(self._version) and self._random.random() < 0.4:
            return field.fresh_or_default()
        if field.nullable.has(self._version) and self._random.random() < 0.2:
            return None
        if not field.array:
            return self._single(field)
        long = 0 if field.fields else self._random.choice((0, 0, 0, 130))
        return [self._single(field) for _ in range(long or self._random.randrange(4))]

    def _single(self, field: Field) -> Any:
        if field.fields:
            return self.message(field.fields)
        if field.type in BITS:
            return self._number(field)
        makers: dict[str, Callable[[], Any]] = {
            "bool": lambda: self._random.random() < 0.5,
            "uint16": lambda: self._random.randrange(1 << 16),
            "float64": lambda: self._random.uniform(-1e9, 1e9),
            "uuid": lambda: self._random.choice((NULL_UUID, self._random.randbytes(16))),
            "string": lambda: self._random.choice(STRINGS),
            "bytes": lambda: self._random.choice(BLOBS),
            "records": lambda: self._random.choice(BLOBS),
        }
        return makers[field.type]()

    def _number(self, field: Field) -> int:
        if "ErrorCode" in field.name:
            return self._random.randrange(-1, 100)
        if field.type == "int64" and INSTANT_FIELDS.search(field.name):
            return self._random.randrange(INSTANT_MAX_MS)
        half = 1 << (BITS[field.type] - 1)
        return self._random.choice((0, 1, -1, half - 1, -half, self._random.randrange(-half, half)))


def random_message(random: Random, description: Description, version: int) -> Message:
    return RandomMessages(random, version).message(description.fields)


def plain(value: Any) -> Any:
    """The same message with its records as bytes."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return bytes(value) if isinstance(value, memoryview) else value


class Codec(Protocol):
    """Somebody else's codec of one version of one message."""

    def encode(self, message: Message) -> bytes: ...

    def decode(self, data: bytes) -> Message: ...


class Ours:
    """Our codec in the same clothes."""

    def __init__(self, messages: Messages, title: str, version: int) -> None:
        self._write = messages.writer(title, version)
        self._read = messages.reader(title, version)

    def encode(self, message: Message) -> bytes:
        out = bytearray()
        self._write(out, message)
        return bytes(out)

    def decode(self, data: bytes) -> Message:
        """Decode what must be a whole message."""
        message, position = self._read(memoryview(data), 0)
        assert position == len(data)
        return plain(message)


class Kio:
    """kio: one frozen dataclass a message, version and struct; errors, instants, durations and uuids have types of their own."""

    def __init__(self, entity: Any, description: Description, version: int) -> None:
        from kio.serial import entity_reader, entity_writer

        self._entity, self._fields, self._version = entity, description.fields, version
        self._read, self._write = entity_reader(entity), entity_writer(entity)

    @classmethod
    def of(cls, description: Description, version: int) -> Kio | None:
        """Its codec of a message, None where it has none."""
        kind = (re.findall("(?:Request|Response|Header)$", description.title) or ["Data"])[0]
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", description.title.removesuffix(kind)).lower()
        name += "_header" if kind == "Header" else ""
        try:
            module = importlib.import_module(f"kio.schema.{name}.v{version}.{kind.lower()}")
        except ModuleNotFoundError:
            return None
        return cls(getattr(module, description.title), description, version)

    def encode(self, message: Message) -> bytes:
        out = io.BytesIO()
        self._write(out, self._to(self._entity, self._fields, message))
        return out.getvalue()

    def decode(self, data: bytes) -> Message:
        entity, size = self._read(data, 0)
        assert size == len(data)
        return self._from(self._fields, entity)

    def _pairs(self, entity: Any, fields: tuple[Field, ...]) -> Iterator[tuple[Field, Any]]:
        """Their fields stand in the order of the description, under names in snake case that lack the unit."""
        for field, theirs in zip(fields_in(fields, self._version), dataclasses.fields(entity), strict=True):
            assert field.name.lower().startswith(theirs.name.replace("_", "")), (field.name, theirs.name)
            yield field, theirs

    def _to(self, entity: Any, fields: tuple[Field, ...], message: Message) -> Any:
        return entity(
            **{
                theirs.name: self._value_to(theirs, field, message[field.name])
                for field, theirs in self._pairs(entity, fields)
            }
        )

    def _value_to(self, theirs: Any, field: Field, value: Any) -> Any:
        if value is None:
            return None
        convert: Callable[[Any], Any]
        if field.fields:
            inner = dataclass_in(theirs.type)
            convert = lambda item: self._to(inner, field.fields, item)  # noqa: E731
        else:
            convert = to_kio(theirs.metadata["kafka_type"])
        return tuple(map(convert, value)) if field.array else convert(value)

    def _from(self, fields: tuple[Field, ...], entity: Any) -> Message:
        message = {field.name: field.fresh_or_default() for field in fields}
        for field, theirs in self._pairs(entity, fields):
            value = getattr(entity, theirs.name)
            convert = (lambda item, f=field: self._from(f.fields, item)) if field.fields else from_kio(field.type)
            if value is None and not (field.type == "int64" or (field.type == "uuid" and not field.array)):
                message[field.name] = None
            else:
                message[field.name] = list(map(convert, value)) if field.array else convert(value)
        return message


def dataclass_in(annotation: Any) -> Any:
    """Find the struct in `Topic`, `Topic | None`, `tuple[Topic, ...] | None`."""
    if dataclasses.is_dataclass(annotation):
        return annotation
    return next((found for inner in get_args(annotation) if (found := dataclass_in(inner))), None)


def to_kio(kafka_type: str) -> Callable[[Any], Any]:
    from kio.schema.errors import ErrorCode

    makers: dict[str, Callable[[Any], Any]] = {
        "error_code": ErrorCode,
        "timedelta_i32": lambda value: timedelta(milliseconds=value),
        "timedelta_i64": lambda value: timedelta(milliseconds=value),
        "datetime_i64": lambda value: None if value == -1 else datetime.fromtimestamp(value / 1000, UTC),
        "uuid": lambda value: None if value == NULL_UUID else UUID(bytes=value),
    }
    return makers.get(kafka_type, lambda value: value)


def from_kio(kind: str) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if isinstance(value, timedelta):
            return value // timedelta(milliseconds=1)
        if isinstance(value, datetime):
            return round(value.timestamp() * 1000)
        if value is None:
            return NULL_UUID if kind == "uuid" else -1
        return value.bytes if isinstance(value, UUID) else value

    return convert


@cache
def kafka_python_classes() -> dict[str, Any]:
    """All messages of kafka-python 3, by their titles."""
    for name in ("admin", "consumer", "metadata", "producer", "sasl"):
        importlib.import_module(f"kafka.protocol.{name}")
    from kafka.protocol.api_message import ApiMessage

    return {cls.__name__: cls for cls in ApiMessage.__subclasses__()}


class KafkaPython:
    """kafka-python 3: one class a message and struct, for all versions; bit fields are sets."""

    def __init__(self, cls: Any, description: Description, version: int) -> None:
        self._cls, self._fields, self._version = cls, description.fields, version

    @classmethod
    def of(cls, description: Description, version: int) -> KafkaPython | None:
        """Its codec of a message, None where it has none."""
        theirs = kafka_python_classes().get(description.title)
        if theirs is None or version > theirs.max_version:
            return None
        return cls(theirs, description, version)

    def encode(self, message: Message) -> bytes:
        return bytes(self._to(self._cls, self._cls._struct, self._fields, message).encode(version=self._version))

    def decode(self, data: bytes) -> Message:
        return self._from(self._cls._struct, self._fields, self._cls.decode(data, version=self._version))

    def _pairs(self, struct: Any, fields: tuple[Field, ...]) -> Iterator[tuple[Field, Any]]:
        inner = getattr(struct, "array_of", struct)
        theirs = [field for field in inner._fields if field.for_version_q(self._version)]
        yield from zip(fields_in(fields, self._version), theirs, strict=True)

    def _to(self, cls: Any, struct: Any, fields: tuple[Field, ...], message: Message) -> Any:
        values = {}
        for field, theirs in self._pairs(struct, fields):
            value = message[field.name]
            if field.tagged.has(self._version) and value == field.fresh_or_default():
                continue  # it writes every tagged field that it is given
            values[theirs.name] = self._value_to(theirs, field, value)
        return cls(version=self._version, **values)

    def _value_to(self, theirs: Any, field: Field, value: Any) -> Any:
        if value is None:
            return None
        convert: Callable[[Any], Any] = lambda item: item  # noqa: E731
        if field.fields:
            convert = lambda item: self._to(theirs.data_class, theirs, field.fields, item)  # noqa: E731
        elif field.type == "uuid":
            convert = lambda item: UUID(bytes=item)  # noqa: E731
        elif theirs.type_str == "bitfield":
            convert = lambda item: {bit for bit in range(32) if item >> bit & 1}  # noqa: E731
        return list(map(convert, value)) if field.array else convert(value)

    def _from(self, struct: Any, fields: tuple[Field, ...], made: Any) -> Message:
        message = {field.name: field.fresh_or_default() for field in fields}
        for field, theirs in self._pairs(struct, fields):
            if field.tagged.has(self._version) and theirs.name not in (made.tags or ()):
                continue
            message[field.name] = self._value_from(theirs, field, getattr(made, theirs.name))
        return message

    def _value_from(self, theirs: Any, field: Field, value: Any) -> Any:
        if theirs.type_str == "bitfield":
            number = sum(1 << bit for bit in ({31} if value is None else value))
            return number - (1 << 32) if number >> 31 else number
        if field.array and value is not None:
            return [self._single_from(theirs, field, item) for item in value]
        return self._single_from(theirs, field, value)

    def _single_from(self, theirs: Any, field: Field, value: Any) -> Any:
        if field.type == "uuid":
            return NULL_UUID if value is None else value.bytes
        if value is None:
            return None
        if field.fields:
            return self._from(theirs, field.fields, value)
        return bytes(value) if isinstance(value, memoryview) else value
