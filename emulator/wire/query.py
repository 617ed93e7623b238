"""AWS query: a form in (`Action=SendMessage&...`), XML out.

Source: smithy.io, "AWS query protocol". Lists are numbered from 1: flattened `Name.1`, else `Name.member.1`; maps have
`Name.1.key` and `Name.1.value` under names that the shape may change. The answer is
`<ActionResponse><ActionResult>...</ActionResult> <ResponseMetadata><RequestId/></ResponseMetadata></ActionResponse>`;
the result element is missing where the operation gives nothing.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from emulator.errors import malformed_input
from emulator.wire.model import ByOperation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emulator.errors import AwsError
    from emulator.wire.model import Model

    Headers = list[tuple[bytes, bytes]]
    Fields = dict[str, Any]
    Parse = Callable[[Any], Any]
    Write = Callable[[str, Any, list[str]], None]

FIELDS_MAX = 10_000
"""More fields than any AWS operation can use; a form with more is refused before it costs anything."""
NAME_DOTS_MAX = 16
"""The deepest names, such as `Entries.member.1.MessageAttributes.entry.1.Value.StringListValue.member.1`, have nine or ten."""
NUMBER_MAX_CHARS = 19
"""No 64-bit number has more digits; int() would take thousands."""
_ESCAPES = str.maketrans(
    {
        # What XML cannot hold at all can come only out of a request that we refuse and quote.
        **{chr(code): "\ufffd" for code in (*range(0x20), 0xFFFE, 0xFFFF) if chr(code) not in "\t\n\r"},
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\r": "&#xD;",
    }
)
_INTEGER = re.compile(r"[+-]?[0-9]+")


def parse_form(text: bytes) -> dict[str, str]:
    """Read `a=1&b=2`; the first of two fields with one name counts, as in Java."""
    try:
        pairs = parse_qsl(text.decode("utf-8"), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
    except ValueError:
        raise malformed_input("The request is not a valid form.") from None
    form: dict[str, str] = {}
    for name, value in pairs:
        form.setdefault(name, value)
    return form


def escape(text: str) -> str:
    """Write text for XML; a carriage return would not survive a parser unless written as a reference."""
    return text.translate(_ESCAPES)


class Query:
    """The query protocol of one service."""

    def __init__(self, model: Model, namespace: str | None = None, *, error_detail: bool = False) -> None:
        self._error_detail = error_detail
        self._namespace = namespace or model.metadata.get("xmlNamespace", "")
        shapes = QueryShapes(model.shapes)
        inputs = {name: operation.input_shape for name, operation in model.operations.items()}
        outputs = {name: operation.output_shape for name, operation in model.operations.items()}
        self._parsers: ByOperation[Parse] = ByOperation(inputs, shapes.parser)
        self._writers: ByOperation[Write] = ByOperation(outputs, shapes.writer)
        self._wrappers = {name: op.result_wrapper or f"{name}Result" for name, op in model.operations.items()}

    def parse(self, operation: str, form: dict[str, str]) -> dict[str, Any]:
        """Read a request's form. Raises MalformedInput for a value of a wrong kind."""
        parser = self._parsers[operation]
        request: dict[str, Any] = parser(nest(form)) if parser else {}
        return request

    def render(self, operation: str, result: dict[str, Any] | None, request_id: str) -> tuple[Headers, bytes]:
        """Write an answer."""
        body = self.document(operation, result, request_id)
        return xml_headers(body, request_id), body

    def document(self, operation: str, result: dict[str, Any] | None, request_id: str) -> bytes:
        """Write an answer's XML."""
        parts = [f'<?xml version="1.0"?><{operation}Response xmlns="{self._namespace}">']
        writer = self._writers[operation]
        if writer is not None:
            writer(self._wrappers[operation], result or {}, parts)
        parts.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>")
        return "".join(parts).encode()

    def render_error(self, error: AwsError, request_id: str) -> tuple[Headers, bytes]:
        """Write an error."""
        return render_error(error, request_id, self._namespace, detail=self._error_detail)


def render_error(
    error: AwsError, request_id: str, namespace: str = "", *, detail: bool = False
) -> tuple[Headers, bytes]:
    """Write an error, of a service or of none. One without a message is the bare element that AWS's front end answers."""
    if not error.message:
        body = f"<{error.code}/>".encode()
        return xml_headers(body, request_id), body
    fault = "Sender" if error.sender_fault else "Receiver"
    xmlns = f' xmlns="{namespace}"' if namespace else ""
    more = "<Detail/>" if detail else ""
    body = (
        f'<?xml version="1.0"?><ErrorResponse{xmlns}><Error><Type>{fault}</Type><Code>{escape(error.code)}</Code>'
        f"<Message>{escape(error.message)}</Message>{more}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    ).encode()
    return xml_headers(body, request_id), body


def xml_headers(body: bytes, request_id: str) -> Headers:
    """Make the headers of an XML answer."""
    return [
        (b"content-type", b"text/xml"),
        (b"content-length", b"%d" % len(body)),
        (b"x-amzn-requestid", request_id.encode()),
    ]


def nest(form: Mapping[str, str]) -> Fields:
    """Turn dotted names into nested dicts: `{"a.1.b": "x"}` -> `{"a": {"1": {"b": "x"}}}`.

    Where one name is both a value and a prefix, the longer one wins: a stray `Tag=` must not hide `Tag.1.Key`. Names deeper than any that
    AWS has are left out: each of their dots would cost a dict.
    """
    nested: Fields = {}
    for name, value in form.items():
        if name.count(".") > NAME_DOTS_MAX:
            continue
        *path, last = name.split(".")
        level = nested
        for part in path:
            below = level.get(part)
            if not isinstance(below, dict):
                below = level[part] = {}
            level = below
        if not isinstance(level.get(last), dict):
            level[last] = value
    return nested


def _numbered(fields: Any) -> list[Any]:
    """List the entries `1`, `2`, ... of a nested dict in the order of their numbers; gaps are closed."""
    if not isinstance(fields, dict):
        return []
    numbers = [key for key in fields if key.isdecimal() and key.isascii() and len(key) <= NUMBER_MAX_CHARS]
    return [fields[key] for key in sorted(numbers, key=int)]


class QueryShapes:
    """The parsers and writers of one model's shapes."""

    def __init__(self, shapes: Mapping[str, dict[str, Any]]) -> None:
        self._shapes = shapes
        self._parsers: dict[str, Parse] = {}
        self._writers: dict[str, Write] = {}

    def parser(self, name: str) -> Parse:
        """Get the parser of a shape: nested fields in, Python values out."""
        parse = self._parsers.get(name)
        if parse is None:
            self._parsers[name] = lambda fields: self._parsers[name](fields)
            parse = self._parsers[name] = self._compile_parser(self._shapes[name])
        return parse

    def _compile_parser(self, shape: dict[str, Any]) -> Parse:
        kind = shape["type"]
        if kind == "structure":
            members = [(name, *self._member(name, member)) for name, member in shape["members"].items()]
            return lambda fields: {
                name: parse(fields[wire])
                for name, wire, parse in members
                if isinstance(fields, dict) and wire in fields
            }
        if kind == "list":
            item = self.parser(shape["member"]["shape"])
            between = None if shape.get("flattened") else shape["member"].get("locationName", "member")
            return lambda fields: [
                item(entry) for entry in _numbered(fields if between is None else _below(fields, between))
            ]
        if kind == "map":
            return self._map_parser(shape)
        return _SCALARS[kind]

    def _member(self, name: str, member: dict[str, Any]) -> tuple[str, Parse]:
        target = self._shapes[member["shape"]]
        flat = target.get("flattened") or member.get("flattened")
        # A flattened list goes by the name of its member, where it has one.
        flat_name = target.get("member", {}).get("locationName") if flat else None
        wire = flat_name or member.get("locationName", name)
        if flat and not target.get("flattened"):
            return wire, self._compile_parser({**target, "flattened": True})
        return wire, self.parser(member["shape"])

    def _map_parser(self, shape: dict[str, Any]) -> Parse:
        key_name = shape["key"].get("locationName", "key")
        value_name = shape["value"].get("locationName", "value")
        value = self.parser(shape["value"]["shape"])
        between = None if shape.get("flattened") else "entry"

        def parse(fields: Any) -> dict[str, Any]:
            entries = _numbered(fields if between is None else _below(fields, between))
            return {
                str(entry.get(key_name, "")): value(entry.get(value_name, ""))
                for entry in entries
                if isinstance(entry, dict)
            }

        return parse

    def writer(self, name: str) -> Write:
        """Get the writer of a shape: element name and Python value in, XML appended."""
        write = self._writers.get(name)
        if write is None:
            self._writers[name] = lambda tag, value, parts: self._writers[name](tag, value, parts)
            write = self._writers[name] = self._compile_writer(self._shapes[name])
        return write

    def _compile_writer(self, shape: dict[str, Any]) -> Write:
        kind = shape["type"]
        if kind == "structure":
            return self._structure_writer(shape)
        if kind == "list":
            return self._list_writer(shape)
        if kind == "map":
            return self._map_writer(shape)
        text = _TEXTS.get(kind, str)
        return lambda tag, value, parts: parts.append(f"<{tag}>{text(value)}</{tag}>")

    def _structure_writer(self, shape: dict[str, Any]) -> Write:
        members = []
        for name, member in shape["members"].items():
            target = self._shapes[member["shape"]]
            flat = target.get("flattened") or member.get("flattened")
            flat_name = target.get("member", {}).get("locationName") if flat else None
            write = self._compile_writer({**target, "flattened": True}) if flat else self.writer(member["shape"])
            members.append((name, flat_name or member.get("locationName", name), write))

        def write_structure(tag: str, value: dict[str, Any], parts: list[str]) -> None:
            parts.append(f"<{tag}>")
            for name, wire, write in members:
                if (item := value.get(name)) is not None:
                    write(wire, item, parts)
            parts.append(f"</{tag}>")

        return write_structure

    def _list_writer(self, shape: dict[str, Any]) -> Write:
        member = shape["member"].get("locationName", "member")
        item = self.writer(shape["member"]["shape"])
        flat = shape.get("flattened")

        def write(tag: str, value: list[Any], parts: list[str]) -> None:
            if flat:
                for entry in value:
                    item(tag, entry, parts)
                return
            parts.append(f"<{tag}>")
            for entry in value:
                item(member, entry, parts)
            parts.append(f"</{tag}>")

        return write

    def _map_writer(self, shape: dict[str, Any]) -> Write:
        key_name = shape["key"].get("locationName", "key")
        value_name = shape["value"].get("locationName", "value")
        item = self.writer(shape["value"]["shape"])
        flat = shape.get("flattened")

        def write(tag: str, value: dict[str, Any], parts: list[str]) -> None:
            entry_tag = tag if flat else "entry"
            if not flat:
                parts.append(f"<{tag}>")
            for key, entry in value.items():
                parts.append(f"<{entry_tag}><{key_name}>{escape(key)}</{key_name}>")
                item(value_name, entry, parts)
                parts.append(f"</{entry_tag}>")
            if not flat:
                parts.append(f"</{tag}>")

        return write


def _below(fields: Any, name: str) -> Any:
    """Step down one level; a plain `Name.1` is accepted where `Name.member.1` is right, since hand-written requests
    often have it so.
    """
    if isinstance(fields, dict):
        return fields.get(name, fields)
    return fields


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise malformed_input("Unexpected complex element.")


def _integer(value: Any) -> int:
    text = _text(value)
    if len(text) <= NUMBER_MAX_CHARS + 1 and _INTEGER.fullmatch(text):
        return int(text)
    raise malformed_input(f"'{text}' is not a valid integer.")


def _float(value: Any) -> float:
    try:
        return float(_text(value))
    except ValueError:
        raise malformed_input(f"'{value}' is not a valid number.") from None


def _boolean(value: Any) -> bool:
    text = _text(value).lower()
    if text in ("true", "false"):
        return text == "true"
    raise malformed_input(f"'{value}' is not a valid boolean.")


def _blob(value: Any) -> bytes:
    try:
        return base64.b64decode(_text(value), validate=True)
    except (binascii.Error, ValueError):
        raise malformed_input("The blob is not valid base64.") from None


def _timestamp(value: Any) -> int:
    try:
        instant = datetime.fromisoformat(_text(value))
    except ValueError:
        raise malformed_input(f"'{value}' is not a valid timestamp.") from None
    return round((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp() * 1000)


def _timestamp_text(value: int) -> str:
    return datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_SCALARS: Mapping[str, Parse] = {
    "string": _text,
    "character": _text,
    "integer": _integer,
    "long": _integer,
    "float": _float,
    "double": _float,
    "boolean": _boolean,
    "blob": _blob,
    "timestamp": _timestamp,
}
_TEXTS: Mapping[str, Callable[[Any], str]] = {
    "string": escape,
    "character": escape,
    "boolean": lambda value: "true" if value else "false",
    "blob": lambda value: base64.b64encode(value).decode(),
    "timestamp": _timestamp_text,
}
