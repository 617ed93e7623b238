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
    from services.sqs.state import Queue, SqsContext

PATH = "/_aws/sqs/messages"
HANDLE = "SQS/BACKDOOR/ACCESS"
"""What LocalStack shows in place of a receipt handle."""


def list_messages(ctx: SqsContext, request: Request) -> Response:
    """Show a queue's messages in the form that the caller speaks: AWS JSON of an SDK that has this path as its endpoint, JSON, or XML."""
    sqs = ctx.emulator.services["sqs"]
    if b"x-amz-target" in request.headers:
        values = sqs.json.parse("ReceiveMessage", request.body)
        headers, body = sqs.json.render("ReceiveMessage", _show(ctx, request, values), ctx.request_id)
        return Response(200, headers, body)
    try:
        xml = sqs.query.document("ReceiveMessage", _show(ctx, request, request.form()), ctx.request_id)
        status = 200
    except AwsError as error:
        xml = sqs.query.render_error(error, ctx.request_id)[1]
        status = error.status
    if "json" in request.header(b"accept"):
        return _as_json(status, xml)
    return Response(status, xml_headers(xml, ctx.request_id), xml)


def _show(ctx: SqsContext, request: Request, values: dict[str, Any]) -> dict[str, Any]:
    """Make the answer of a ReceiveMessage that takes all and changes nothing."""
    if values.get("Action", "ReceiveMessage") != "ReceiveMessage":
        raise AwsError("InvalidRequest", "This endpoint only accepts ReceiveMessage calls")
    queue = _find(ctx, request.path.removeprefix(PATH), values.get("QueueUrl"))
    show_invisible = values.get("ShowInvisible", "").lower() in ("true", "1")
    show_delayed = values.get("ShowDelayed", "").lower() in ("true", "1")
    states = {READY, *([IN_FLIGHT] if show_invisible else []), *([DELAYED] if show_delayed else [])}
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
    return {"Messages": shown} if shown else {}


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
    state = ctx.find_state(account, region)
    queue = None if state is None else state.queues.get(name)
    if queue is None:
        raise errors.queue_does_not_exist()
    return queue


def _as_json(status: int, xml: bytes) -> Response:
    import xmltodict  # heavy, and for this look-up only

    document: dict[str, Any] = xmltodict.parse(xml, strip_whitespace=False)
    body = orjson.dumps(document)
    return Response(status, [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))], body)
