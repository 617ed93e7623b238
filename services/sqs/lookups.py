"""LocalStack's developer look-ups: all messages of a queue, without any effect on it.

GET or POST `/_aws/sqs/messages?QueueUrl=...` and GET `/_aws/sqs/messages/<region>/<account>/<queue>`.
`ShowInvisible=true` adds messages in flight, `ShowDelayed=true` delayed ones. The answer has the form of
ReceiveMessage's, as XML, or as JSON when `Accept` asks for it; the JSON is the XML turned over, as LocalStack does it,
so that one message is an object and several are a list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import orjson

from emulator.errors import AwsError
from emulator.http import Request, Response
from emulator.queue.message import DELAYED, IN_FLIGHT, READY
from emulator.wire.query import xml_headers
from services.sqs import errors, select
from services.sqs.names import parse_queue_url

if TYPE_CHECKING:
    from emulator.wire.query import Query
    from services.sqs.state import Queue, SqsContext

PATH = "/_aws/sqs/messages"
HANDLE = "SQS/BACKDOOR/ACCESS"
"""What LocalStack shows in place of a receipt handle."""


def list_messages(ctx: SqsContext, request: Request) -> Response:
    """Show a queue's messages."""
    values = request.form()
    if values.get("Action", "ReceiveMessage") != "ReceiveMessage":
        raise AwsError("InvalidRequest", "This endpoint only accepts ReceiveMessage calls")
    queue = _find(ctx, request.path.removeprefix(PATH), values.get("QueueUrl"))
    states = {READY}
    if show_invisible := values.get("ShowInvisible", "").lower() in ("true", "1"):
        states.add(IN_FLIGHT)
    if show_delayed := values.get("ShowDelayed", "").lower() in ("true", "1"):
        states.add(DELAYED)
    queue.core.settle(ctx.now_ms)
    shown = []
    for message in queue.core.peek():
        if message.state in states:
            item = select.show(message, HANDLE, select.EVERYTHING)
            if show_invisible:
                item["Attributes"]["IsVisible"] = str(message.state != IN_FLIGHT).lower()
            if show_delayed:
                item["Attributes"]["IsDelayed"] = str(message.state == DELAYED).lower()
            shown.append(item)
    query: Query = ctx.emulator.services["sqs"].query
    xml = query.document("ReceiveMessage", {"Messages": shown}, ctx.request_id)
    if "json" not in request.header(b"accept"):
        return Response(200, xml_headers(xml, ctx.request_id), xml)
    return _as_json(xml)


def _find(ctx: SqsContext, rest: str, url: str | None) -> Queue:
    if rest.strip("/"):
        parts = [unquote(part) for part in rest.strip("/").split("/")]
        if len(parts) != 3:
            raise errors.queue_does_not_exist()
        region, account, name = parts
    else:
        if not url:
            raise errors.queue_does_not_exist()
        address = parse_queue_url(url)
        if address is None:
            raise errors.invalid_address(url)
        account, name, region = address.account, address.name, address.region or ctx.region
    queue = ctx.state_of(account, region).queues.get(name)
    if queue is None:
        raise errors.queue_does_not_exist()
    return queue


def _as_json(xml: bytes) -> Response:
    import xmltodict  # heavy, and for this look-up only

    document: dict[str, Any] = xmltodict.parse(xml, strip_whitespace=False)
    body = orjson.dumps(document)
    return Response(200, [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))], body)
