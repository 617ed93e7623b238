"""From a rule to its targets. Retries and dead letters are emulator/router/delivery.py's; their terms and words are here."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from emulator.arns import parse_arn
from emulator.router.backoff import JitteredBackoff
from emulator.router.delivery import Lane, UndeliverableError
from emulator.router.json_path import MISSING, parse_path
from emulator.router.router import Envelope
from emulator.router.transform import OutputTooLongError, Reserved, is_json
from services.events import api_call, limits
from services.events.state import home

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.app import Emulator
    from emulator.router.delivery import Failure
    from services.events.event import Event
    from services.events.state import Rule, Target

ERROR_CODES: Mapping[str, str] = {
    "AWS.SimpleQueueService.NonExistentQueue": "NO_RESOURCE",
    "NotFound": "NO_RESOURCE",
    "InvalidArn": "INVALID_PARAMETER",
    "InvalidParameter": "INVALID_PARAMETER",
    "InvalidParameterValue": "INVALID_PARAMETER",
    "ParameterValueInvalid": "INVALID_PARAMETER",
    "MissingParameter": "INVALID_PARAMETER",
    "InvalidMessageContents": "INVALID_PARAMETER",
    "ValidationError": "INVALID_PARAMETER",
    "AuthorizationError": "NO_PERMISSIONS",
    "UnsupportedTarget": "SDK_CLIENT_ERROR",
    "ServiceNotEmulated": "SDK_CLIENT_ERROR",
    "TooManyPendingDeliveries": "THROTTLING",
    "Throttled": "THROTTLING",
    "TooManyHops": "THIRD_ACCOUNT_HOP_DETECTED",
    "InternalError": "INTERNAL_ERROR",
    "KAFKA_STORAGE_ERROR": "SDK_CLIENT_ERROR",
    "MESSAGE_TOO_LARGE": "INVALID_PARAMETER",
    "INVALID_RECORD": "INVALID_PARAMETER",
}
"""AWS's words for what targets answer; a code that is one of them already stays."""

JSON_NEEDED = frozenset({"batch", "codebuild", "ecs", "lambda", "ssm", "states"})
"""Services, by their name in ARNs, that are called with an input that must be JSON."""


def new_lane(emulator: Emulator, rule: Rule, target_id: str, spec: dict[str, Any]) -> Lane:
    """Make the way to a target, on the terms of its RetryPolicy and DeadLetterConfig."""
    retry = spec.get("RetryPolicy", {})
    arn = spec["Arn"]
    return Lane(
        source_arn=rule.arn,
        subscriber=f"{rule.arn}#{target_id}",
        target=arn,
        backoff=JitteredBackoff(retry.get("MaximumRetryAttempts", limits.RETRIES_MAX), emulator.ids.fraction),
        age_max_ms=retry.get("MaximumEventAgeInSeconds", limits.AGE_MAX_S) * 1000,
        dead_letter_arn=spec.get("DeadLetterConfig", {}).get("Arn"),
        wrap=lambda envelope, failure: _dead_letter(rule, arn, envelope, failure),
    )


def _dead_letter(rule: Rule, target_arn: str, envelope: Envelope, failure: Failure) -> Envelope:
    """Make the dead letter of an event: the event itself, and why it was not delivered."""
    attributes = {
        "RULE_ARN": rule.arn,
        "TARGET_ARN": target_arn,
        "ERROR_CODE": ERROR_CODES.get(failure.code, failure.code if failure.code.isupper() else "ERROR_FROM_TARGET"),
        "ERROR_MESSAGE": failure.message,
        "RETRY_ATTEMPTS": str(max(0, failure.attempts - 1)),
    }
    if failure.exhausted:
        condition = "MaximumEventAgeInSeconds" if failure.expired else "MaximumRetryAttempts"
        attributes["EXHAUSTED_RETRY_CONDITION"] = condition
    return replace(
        envelope,
        body=envelope.original or envelope.body,
        attributes={name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value},
        group_id=None,
        dedup_id=None,
    )


def invoke(emulator: Emulator, rule: Rule, event: Event) -> None:
    """Send an event to all targets of a rule."""
    for target in list(rule.targets.values()):
        _send(emulator, rule, target, event)


def _send(emulator: Emulator, rule: Rule, target: Target, event: Event) -> None:
    deliveries, event_id = emulator.router.deliveries, event.document["id"]
    arn = parse_arn(target.arn)
    service = "" if arn is None else arn.service
    is_bus = arn is not None and arn.service == "events" and arn.resource.startswith("event-bus/")
    body = event.text
    if target.transform is not None and not is_bus:
        reserved = Reserved(rule.arn, rule.name, emulator.clock.iso(event.received_ms))
        try:
            body = target.transform.apply(event.document, event.text, reserved)
        except OutputTooLongError:
            refusal = UndeliverableError("INVALID_PARAMETER", "The transformed input is too long")
            deliveries.refuse(target.lane, Envelope("", rule.arn, original=event.text), event_id, refusal)
            return
    group_id = target.spec.get("SqsParameters", {}).get("MessageGroupId")
    if service == "kafka":
        group_id = _record_key(target, event) or group_id
    envelope = Envelope(
        body,
        rule.arn,
        group_id=group_id,
        trace_header=event.trace_header,
        hops=event.hops + 1,
        original=event.text,
    )
    if arn is not None and arn.service == "events" and not is_bus:
        target.lane.per_second_max = api_call.rate_limit(emulator, target.arn)
        post = api_call.new_post(emulator, target.arn, target.spec, event, body)
        deliveries.post(target.lane, envelope, event_id, post)
    elif is_bus and arn is not None and event.hops:
        code = "THIRD_REGION_HOP_DETECTED" if arn.region != rule.bus.region else "THIRD_ACCOUNT_HOP_DETECTED"
        refusal = UndeliverableError(code, "An event that came from another event bus cannot be sent on to a third one")
        deliveries.refuse(target.lane, envelope, event_id, refusal)
    elif service == "logs":
        _to_logs(emulator, target, event, body)
    elif service in JSON_NEEDED and target.transform is not None and not is_json(body):
        refusal = UndeliverableError("INVALID_JSON", "The transformed input is not JSON")
        deliveries.refuse(target.lane, envelope, event_id, refusal)
    else:
        deliveries.send(target.lane, envelope, event_id)


def _record_key(target: Target, event: Event) -> str | None:
    """Give the key of a Kafka record, an extension of ours: what KinesisParameters.PartitionKeyPath names, as for a Kinesis stream."""
    path = target.spec.get("KinesisParameters", {}).get("PartitionKeyPath")
    found = MISSING if path is None else parse_path(path).find(event.document)
    if found is MISSING:
        return None
    return found if isinstance(found, str) else orjson.dumps(found).decode()


def _to_logs(emulator: Emulator, target: Target, event: Event, body: str) -> None:
    """Keep what would be a log event of a CloudWatch Logs group."""
    arn = parse_arn(target.arn)
    if arn is None:
        return
    timestamp, message = event.time_ms, body
    if target.transform is not None:
        timestamp, message = _log_event(event, body)
    groups = home(emulator, arn.account, arn.region).log_groups
    group = groups.setdefault(target.arn, deque(maxlen=limits.LOG_EVENTS_MAX))
    group.append({"timestamp": timestamp, "message": message, "eventId": event.document["id"]})
    emulator.router.deliveries.delivered += 1


def _log_event(event: Event, body: str) -> tuple[Any, str]:
    """Read a log event out of `{"timestamp": ..., "message": ...}`, the only template that AWS takes; of anything else make a message."""
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict) or given.keys() != {"timestamp", "message"}:
        return event.time_ms, body
    message = given["message"]
    return given["timestamp"], message if isinstance(message, str) else orjson.dumps(message).decode()
