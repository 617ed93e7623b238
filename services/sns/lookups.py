"""LocalStack's developer look-ups under `/_aws/sns/`: what was captured instead of being sent. All answers are JSON.

| path | shows (GET), forgets (DELETE) | of one |
|---|---|---|
| sms-messages | text messages by number | phoneNumber |
| platform-endpoint-messages | push messages by endpoint | endpointArn |
| email-messages | e-mails by address (ours) | emailAddress |
| subscription-tokens/<subscription ARN> | what confirms a subscription (GET only) | |
| SimpleNotificationService-<hex>.pem | the certificate that SigningCertURL names (GET only, PEM) | |
| audit-findings | what audits of data protection policies found (ours; findings.py) | topicArn |
| opted-out-numbers | numbers that want no messages (ours); POST is their STOP | phoneNumber |

`accountId` and `region` choose whose; the default is the caller's account and region, or those of an endpointArn.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

import orjson

from emulator.arns import parse_arn
from emulator.errors import AwsError
from emulator.http import Response, text_response
from services.sns.captures import Captures
from services.sns.findings import forget_findings, show_findings
from services.sns.signing import certificate_path
from services.sns.sms import is_phone_number, opt_out
from services.sns.state import expired

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emulator.http import Request
    from services.sns.captures import Shelf
    from services.sns.state import SnsContext

    Form = dict[str, str]
    Look = Callable[[SnsContext, Form, str], Response]
    """The call, its parameters, and what the route's pattern found in the path."""

PATH = "/_aws/sns"
_ACCOUNT = re.compile(r"[0-9]{12}")


def look_up(ctx: SnsContext, request: Request) -> Response:
    """Answer a look-up: 404 for a path that is none, 405 for a method that it does not have."""
    path = request.path.removeprefix(PATH).strip("/")
    for pattern, methods in ROUTES.items():
        found = re.fullmatch(pattern, path)
        if found is None:
            continue
        look = methods.get(request.method)
        if look is None:
            answer = _refuse(405, f"Method {request.method} is not allowed here")
            answer.headers.append((b"allow", ", ".join(methods).encode()))
            return answer
        try:
            return look(ctx, _parameters(request), found[1] if found.lastindex else "")
        except AwsError as error:
            return _refuse(error.status, error.message)
    return _refuse(404, f"Nothing is at {request.path}")


def _parameters(request: Request) -> Form:
    form = request.form()
    if "phoneNumber" in form:
        # A plus that was not escaped reads as a space, and no number has one.
        form["phoneNumber"] = form["phoneNumber"].replace(" ", "+")
    return form


def json_response(status: int, document: dict[str, Any]) -> Response:
    """Answer with JSON; binary values are written in base64."""
    body = orjson.dumps(document, default=_binary).decode()
    return text_response(status, body, "application/json")


def _binary(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is not for JSON")


def _refuse(status: int, message: str) -> Response:
    return json_response(status, {"error": message})


def _place(ctx: SnsContext, form: Form) -> tuple[str, str]:
    """Tell whose account and region a look-up is about."""
    arn = parse_arn(form.get("endpointArn", ""))
    account, region = (ctx.account, ctx.region) if arn is None else (arn.account, arn.region)
    return form.get("accountId") or account, form.get("region") or region


# What was captured.


def _shelf_look_ups(key: str, parameter: str, shelf: Callable[[Captures], Shelf]) -> Mapping[str, Look]:
    """Make the two look-ups of a kind. GET shows `{key: {owner: [item]}, "region": ...}`, of all owners or of the one that
    `parameter` names.
    """

    def show(ctx: SnsContext, form: Form, _: str) -> Response:
        account, region = _place(ctx, form)
        state = ctx.find_state(account, region)
        captures = Captures() if state is None else state.captures
        return json_response(200, {key: shelf(captures).find(form.get(parameter) or None), "region": region})

    def forget(ctx: SnsContext, form: Form, _: str) -> Response:
        state = ctx.find_state(*_place(ctx, form))
        if state is not None:
            shelf(state.captures).clear(form.get(parameter) or None)
        return Response(204)

    return {"GET": show, "DELETE": forget}


# Who does not want messages.


def _show_opted_out(ctx: SnsContext, form: Form, _: str) -> Response:
    account, region = _place(ctx, form)
    state = ctx.find_state(account, region)
    numbers = [] if state is None else sorted(state.phones.opted_out)
    if number := form.get("phoneNumber"):
        numbers = [each for each in numbers if each == number]
    return json_response(200, {"opted_out_numbers": numbers, "region": region})


def _opt_out(ctx: SnsContext, form: Form, _: str) -> Response:
    """Do what the STOP of a number's owner does on AWS."""
    number = form.get("phoneNumber", "")
    if not is_phone_number(number):
        return json_response(400, {"error": "phoneNumber must be a number such as +15550100", "phone_number": number})
    account, region = _place(ctx, form)
    if _ACCOUNT.fullmatch(account) is None:
        return json_response(400, {"error": "accountId must have 12 digits", "account_id": account})
    opt_out(ctx.state_of(account, region).phones, number, ctx.now_ms)
    return json_response(201, {"opted_out_numbers": [number], "region": region})


def _forget_opted_out(ctx: SnsContext, form: Form, _: str) -> Response:
    """Let a number in again, or all, without the 30 days of OptInPhoneNumber."""
    state = ctx.find_state(*_place(ctx, form))
    if state is not None:
        numbers = state.phones.opted_out
        for number in [form["phoneNumber"]] if form.get("phoneNumber") else list(numbers):
            numbers.pop(number, None)
    return Response(204)


# What confirms a subscription.


def _show_token(ctx: SnsContext, _: Form, text: str) -> Response:
    arn = parse_arn(text)
    if arn is None:
        return json_response(400, {"error": "The provided SubscriptionARN is invalid", "subscription_arn": text})
    state = ctx.find_state(arn.account, arn.region)
    subscription = None if state is None else state.subscriptions.get(text)
    if subscription is None or not subscription.token or expired(subscription, ctx.now_ms):
        return json_response(404, {"error": "The provided SubscriptionARN is not found", "subscription_arn": text})
    return json_response(200, {"subscription_token": subscription.token, "subscription_arn": text})


# What verifies a signature.


def _show_certificate(ctx: SnsContext, _: Form, name: str) -> Response:
    if f"{PATH}/{name}" != certificate_path(ctx.emulator.certificate):
        return _refuse(404, "This certificate is not ours: it may be that of an earlier run")
    return text_response(200, ctx.emulator.certificate.pem.decode(), "application/x-pem-file")


ROUTES: Mapping[str, Mapping[str, Look]] = {
    "sms-messages": _shelf_look_ups("sms_messages", "phoneNumber", lambda captures: captures.sms),
    "platform-endpoint-messages": _shelf_look_ups(
        "platform_endpoint_messages", "endpointArn", lambda captures: captures.push
    ),
    "email-messages": _shelf_look_ups("email_messages", "emailAddress", lambda captures: captures.emails),
    "subscription-tokens/(.+)": {"GET": _show_token},
    "audit-findings": {"GET": show_findings, "DELETE": forget_findings},
    "(SimpleNotificationService-[0-9a-f]+[.]pem)": {"GET": _show_certificate},
    "opted-out-numbers": {"GET": _show_opted_out, "POST": _opt_out, "DELETE": _forget_opted_out},
}
"""The look-ups by what follows PATH (a pattern, whose group is handed on) and by method."""
