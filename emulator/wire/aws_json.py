"""AWS JSON 1.0 and 1.1: `X-Amz-Target: <prefix>.<Operation>`, a JSON object in, a JSON object out.

Source: smithy.io, "AWS JSON 1.0 protocol", "AWS query compatible" trait. Answers of AWS itself carry
`x-amzn-RequestId`; a service that came from the query protocol (`awsQueryCompatible`) also says its old error code in
`x-amzn-query-error: <code>;<Sender|Receiver>`, which SDKs prefer to `__type`.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

import orjson

from emulator.errors import malformed_input
from emulator.wire.model import ByOperation
from emulator.wire.shapes import JsonShapes

if TYPE_CHECKING:
    from emulator.errors import AwsError
    from emulator.wire.model import Model
    from emulator.wire.shapes import Parse, Write

    Headers = list[tuple[bytes, bytes]]

JSON_1_0 = b"application/x-amz-json-1.0"
CORAL = "com.amazon.coral.service"
"""The namespace of errors that AWS's front end makes, which no service model lists."""
_HALF_PAIR = re.compile("[\ud800-\udfff]")


def _load_halves(body: bytes) -> Any:
    """Read what orjson refuses: half a surrogate pair (U+D800 escaped), which AWS reads and then calls an invalid character. U+FFFF stands
    in for it: no text that AWS accepts may hold that either. Raises MalformedInput.
    """
    try:
        text = json.dumps(json.loads(body.decode(), parse_constant=_refuse), ensure_ascii=False)
        return orjson.loads(_HALF_PAIR.sub("\uffff", text))
    except (ValueError, RecursionError):
        raise malformed_input("The request body is not valid JSON.") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _encode(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} has no JSON form")


class AwsJson:
    """The JSON protocol of one service."""

    def __init__(self, model: Model, namespace: str) -> None:
        self._namespace = namespace
        self._query_compatible = "awsQueryCompatible" in model.metadata
        version = model.metadata.get("jsonVersion", "1.0")
        self._content_type = f"application/x-amz-json-{version}".encode()
        shapes = JsonShapes(model.shapes)
        inputs = {name: operation.input_shape for name, operation in model.operations.items()}
        outputs = {name: operation.output_shape for name, operation in model.operations.items()}
        self._parsers: ByOperation[Parse] = ByOperation(inputs, shapes.parser)
        self._writers: ByOperation[Write] = ByOperation(outputs, shapes.writer)

    def parse(self, operation: str, body: bytes) -> dict[str, Any]:
        """Read a request's body. Raises MalformedInput (SerializationException) for what is not JSON or of a wrong kind."""
        try:
            value = orjson.loads(body or b"{}")
        except orjson.JSONDecodeError:
            value = _load_halves(body)
        if type(value) is not dict:
            raise malformed_input("The request body must be a JSON object.")
        parser = self._parsers[operation]
        request: dict[str, Any] = parser(value) if parser else {}
        return request

    def render(self, operation: str, result: dict[str, Any] | None, request_id: str) -> tuple[Headers, bytes]:
        """Write an answer; an operation without a result answers an empty body. Only the operations whose answers need it
        have a writer: those of Amazon SQS are what they say.
        """
        if result is not None and (write := self._writers[operation]) is not None:
            result = write(result)
        body = b"" if result is None else orjson.dumps(result, default=_encode)
        return json_headers(body, request_id, self._content_type), body

    def render_error(self, error: AwsError, request_id: str) -> tuple[Headers, bytes]:
        """Write an error."""
        headers, body = render_error(
            error, request_id, self._namespace if error.modelled else CORAL, self._content_type
        )
        if self._query_compatible:
            fault = "Sender" if error.sender_fault else "Receiver"
            headers.append((b"x-amzn-query-error", f"{error.code};{fault}".encode()))
        return headers, body


def render_error(
    error: AwsError, request_id: str, namespace: str = CORAL, content_type: bytes = JSON_1_0
) -> tuple[Headers, bytes]:
    """Write an error, of a service or of none."""
    body = orjson.dumps({"__type": f"{namespace}#{error.type}", "message": error.message})
    return json_headers(body, request_id, content_type), body


def json_headers(body: bytes, request_id: str, content_type: bytes) -> Headers:
    """Make the headers of a JSON answer."""
    return [
        (b"content-type", content_type),
        (b"content-length", b"%d" % len(body)),
        (b"x-amzn-requestid", request_id.encode()),
    ]
