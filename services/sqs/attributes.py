"""Queue attributes: defaults, ranges, validation, and what they do to a queue.

All values are strings, as on the wire. Source: AWS, API pages of CreateQueue and SetQueueAttributes; the messages are
AWS's own (errors.py). A writable attribute that is set to the empty text goes back to its default; for those without a
default that means that it goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.sqs import errors, limits
from services.sqs.policies import parse_access_policy, parse_redrive_allow_policy, parse_redrive_policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from services.sqs.state import Queue

RANGES: Mapping[str, tuple[int, int]] = {
    "VisibilityTimeout": (0, 43_200),
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1024, limits.MESSAGE_MAX_BYTES),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400),
}
WORDS: Mapping[str, tuple[str, ...]] = {
    "SqsManagedSseEnabled": ("true", "false"),
    "ContentBasedDeduplication": ("true", "false"),
    "DeduplicationScope": ("queue", "messageGroup"),
    "FifoThroughputLimit": ("perQueue", "perMessageGroupId"),
}
DOCUMENTS = frozenset({"Policy", "RedrivePolicy", "RedriveAllowPolicy"})
DEFAULTS: Mapping[str, str] = {
    "VisibilityTimeout": "30",
    "DelaySeconds": "0",
    "MaximumMessageSize": str(limits.MESSAGE_MAX_BYTES),
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "SqsManagedSseEnabled": "true",
}
FIFO_DEFAULTS: Mapping[str, str] = {
    "FifoQueue": "true",
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "FifoThroughputLimit": "perQueue",
}
FIFO_ONLY = frozenset(FIFO_DEFAULTS) - {"FifoQueue"}
KMS_REUSE_DEFAULT_S = "300"
WRITABLE = frozenset(RANGES) | frozenset(WORDS) | DOCUMENTS | {"KmsMasterKeyId"}
COMPUTED = (
    "QueueArn",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
)
READABLE = WRITABLE | frozenset(FIFO_DEFAULTS) | frozenset(COMPUTED)


def defaults(*, fifo: bool) -> dict[str, str]:
    """Make the attributes of a queue for which the caller gave none."""
    return {**DEFAULTS, **FIFO_DEFAULTS} if fifo else dict(DEFAULTS)


def validate(given: Mapping[str, str], *, fifo: bool, create: bool) -> dict[str, str]:
    """Check given attributes each on its own, and put their values into the form in which AWS shows them.

    Raises InvalidAttributeName, InvalidAttributeValue, InvalidParameterValue (policies).
    """
    checked = {}
    for name, value in given.items():
        if name == "FifoQueue" and fifo:
            if not create and value.lower() != "true":  # CreateQueue has looked at it together with the name
                raise errors.fifo_for_ever()
            checked[name] = "true"
            continue
        if name not in WRITABLE:
            raise errors.unknown_attribute(name)
        if name in FIFO_ONLY and not fifo:
            raise errors.fifo_only_attribute(name)
        checked[name] = value if value == "" else _validate_value(name, value)
    if checked.get("KmsMasterKeyId") and checked.get("SqsManagedSseEnabled") == "true":
        raise errors.two_encryptions()
    return checked


def _validate_value(name: str, value: str) -> str:
    if name in RANGES:
        return _validate_number(name, value)
    if name in WORDS:
        word = value.lower() if WORDS[name] == ("true", "false") else value
        if word not in WORDS[name]:
            raise errors.invalid_attribute_value(name)
        return word
    if name == "Policy":
        return parse_access_policy(value)
    if name == "RedrivePolicy":
        return parse_redrive_policy(value).text
    if name == "RedriveAllowPolicy":
        return parse_redrive_allow_policy(value).text
    return value


def _validate_number(name: str, value: str) -> str:
    low, high = RANGES[name]
    # Python's int() would take "1_000", " 5" and other scripts' digits, which AWS does not.
    if not (value.isascii() and value.isdigit() and len(value) <= 10 and low <= int(value) <= high):
        raise errors.invalid_attribute_value(name)
    return str(int(value))


def merge(current: Mapping[str, str], changes: Mapping[str, str], *, fifo: bool) -> dict[str, str]:
    """Apply checked changes to a queue's attributes, and the rules that tie attributes to each other."""
    base = defaults(fifo=fifo)
    merged = dict(current)
    for name, value in changes.items():
        if value != "":
            merged[name] = value
        elif name in base:
            merged[name] = base[name]
        else:
            merged.pop(name, None)
    if changes.get("KmsMasterKeyId"):
        merged["SqsManagedSseEnabled"] = "false"
    elif changes.get("SqsManagedSseEnabled") == "true" and "KmsMasterKeyId" in merged:
        raise errors.two_encryptions()
    if merged.get("FifoThroughputLimit") == "perMessageGroupId" and merged["DeduplicationScope"] != "messageGroup":
        raise errors.invalid_attribute_value(
            "FifoThroughputLimit" if "FifoThroughputLimit" in changes else "DeduplicationScope"
        )
    return merged


def apply(queue: Queue, attributes: dict[str, str], now_ms: int) -> None:
    """Put attributes into force; what waits in the queue follows retention, and on FIFO queues the delay."""
    queue.core.settle(now_ms)  # what has expired by the old retention does not come back
    queue.attributes = attributes
    queue.visibility_ms = int(attributes["VisibilityTimeout"]) * 1000
    queue.wait_ms = int(attributes["ReceiveMessageWaitTimeSeconds"]) * 1000
    queue.message_max_bytes = int(attributes["MaximumMessageSize"])
    queue.content_based = attributes.get("ContentBasedDeduplication") == "true"
    queue.per_group = attributes.get("DeduplicationScope") == "messageGroup"
    policy = attributes.get("RedrivePolicy")
    queue.redrive = parse_redrive_policy(policy).redrive if policy else None
    queue.core.retention_ms = int(attributes["MessageRetentionPeriod"]) * 1000
    delay_ms = int(attributes["DelaySeconds"]) * 1000
    if queue.fifo is not None and delay_ms != queue.delay_ms:
        queue.fifo.set_delay(delay_ms, now_ms)
    queue.delay_ms = delay_ms
    queue.core.settle(now_ms)
    queue.upkeep.watch()


def difference(queue: Queue, given: Mapping[str, str]) -> str | None:
    """Name the first given attribute in which an existing queue differs, defaults included; None when it differs in none."""
    base = {**defaults(fifo=queue.fifo is not None), "KmsDataKeyReusePeriodSeconds": KMS_REUSE_DEFAULT_S}
    for name, value in given.items():
        if (value or base.get(name)) != queue.attributes.get(name, base.get(name)):
            return name
    return None


def read(queue: Queue, names: Iterable[str], now_ms: int) -> dict[str, str]:
    """Read attributes by name; `All` means all that apply. Raises InvalidAttributeName."""
    wanted = list(names)
    for name in wanted:
        if name != "All" and name not in READABLE:
            raise errors.unknown_attribute(name)
    values = _all(queue, now_ms)
    if "All" in wanted:
        return values
    return {name: values[name] for name in wanted if name in values}


def _all(queue: Queue, now_ms: int) -> dict[str, str]:
    core = queue.core
    core.settle(now_ms)
    values = {
        "QueueArn": queue.arn,
        "ApproximateNumberOfMessages": str(core.visible),
        "ApproximateNumberOfMessagesNotVisible": str(core.in_flight),
        "ApproximateNumberOfMessagesDelayed": str(core.delayed),
        "CreatedTimestamp": str(queue.created_ms // 1000),
        "LastModifiedTimestamp": str(queue.modified_ms // 1000),
        **queue.attributes,
    }
    if "KmsMasterKeyId" in values:
        values.setdefault("KmsDataKeyReusePeriodSeconds", KMS_REUSE_DEFAULT_S)
    else:
        values.pop("KmsDataKeyReusePeriodSeconds", None)
    return values
