"""DeliveryPolicy, the JSON document that says how SNS delivers over HTTP: the topic's form, the subscription's, and what follows
from both. Also AWS's fixed retry policies of the other protocols.

A topic's is `{"http": {defaultHealthyRetryPolicy, disableSubscriptionOverrides, defaultThrottlePolicy, defaultRequestPolicy}}`, a
subscription's `{healthyRetryPolicy, sicklyRetryPolicy: null, throttlePolicy, requestPolicy, guaranteed: false}`. Both are kept as
text, written anew in AWS's order of keys. Source: developer guide, "Amazon SNS message delivery retries".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from emulator.router.backoff import PhasedBackoff
from services.sns import errors, limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emulator.router.backoff import Function

AWS_MANAGED = PhasedBackoff(
    immediate=3, pre=2, backoff=10, function="exponential", post=100_000, min_ms=1_000, max_ms=20_000
)
"""To sqs, lambda and firehose: 100,015 retries in 23 days."""

CUSTOMER_MANAGED = PhasedBackoff(pre=2, backoff=10, function="exponential", post=38, min_ms=10_000, max_ms=600_000)
"""To email, sms and mobile push: 50 retries in 6 hours."""

_RETRY_KEYS = (
    "minDelayTarget",
    "maxDelayTarget",
    "numRetries",
    "numMaxDelayRetries",
    "numNoDelayRetries",
    "numMinDelayRetries",
    "backoffFunction",
)
_RETRY_BOUNDS: Mapping[str, tuple[int, int | None]] = {
    "minDelayTarget": (1, limits.DELIVERY_DELAY_MAX_S),
    "maxDelayTarget": (1, limits.DELIVERY_DELAY_MAX_S),
    "numRetries": (0, limits.DELIVERY_RETRIES_MAX),
    "numMaxDelayRetries": (0, None),
    "numNoDelayRetries": (0, None),
    "numMinDelayRetries": (0, None),
}
_FUNCTIONS = ("linear", "arithmetic", "geometric", "exponential")
_CONTENT_TYPE = re.compile(r"([a-z.+/-]+)(?: *; *charset=utf-8)?", re.IGNORECASE)


class Retry(NamedTuple):
    """A healthy retry policy, in AWS's order of keys. Delays are seconds; `retries` counts all phases."""

    min_s: int = 20
    max_s: int = 20
    retries: int = 3
    post: int = 0
    immediate: int = 0
    pre: int = 0
    function: Function = "linear"

    @property
    def fixed(self) -> int:
        """How many retries are not in the backoff phase."""
        return self.immediate + self.pre + self.post

    def backoff(self) -> PhasedBackoff:
        """Make the schedule."""
        return PhasedBackoff(
            immediate=self.immediate,
            pre=self.pre,
            backoff=self.retries - self.fixed,
            function=self.function,
            post=self.post,
            min_ms=self.min_s * 1000,
            max_ms=self.max_s * 1000,
        )


DEFAULT_RETRY = Retry()
DEFAULT_CONTENT_TYPE = "text/plain; charset=UTF-8"


class Policy(NamedTuple):
    """What a delivery policy says. None is what it leaves open."""

    retry: Retry | None = None
    receives_per_s_max: int | None = None
    content_type: str | None = None
    overrides_disabled: bool = False
    """disableSubscriptionOverrides: the policies of subscriptions do not count. Topics only."""


class HttpPlan(NamedTuple):
    """What a delivery over HTTP needs of the policies."""

    backoff: PhasedBackoff
    receives_per_s_max: int | None
    """None is unlimited."""

    content_type: str


class _PolicyError(ValueError):
    """A fault of a policy; the text is the reason."""


def parse_topic_policy(text: str, prefix: str = "") -> str:
    """Check a topic's DeliveryPolicy and write it as AWS keeps it. Raises InvalidParameter with the reason.

    `prefix` comes before the attribute's name in the error: `Attributes Reason: ` where all attributes are given at once.
    """
    try:
        return _topic_text(_topic_policy(text))
    except _PolicyError as fault:
        raise errors.invalid_parameter(f"{prefix}DeliveryPolicy: {fault}") from None


def parse_subscription_policy(text: str, prefix: str = "") -> str:
    """Check a subscription's DeliveryPolicy and write it as AWS keeps it. Raises InvalidParameter as `parse_topic_policy` does."""
    try:
        return _subscription_text(_subscription_policy(text))
    except _PolicyError as fault:
        raise errors.invalid_parameter(f"{prefix}DeliveryPolicy: {fault}") from None


def effective_topic_policy(topic_text: str | None) -> str:
    """Write a topic's EffectiveDeliveryPolicy: its policy, completed with AWS's defaults."""
    return _topic_text(_effective(topic_text, None))


def effective_subscription_policy(topic_text: str | None, subscription_text: str | None) -> str:
    """Write a subscription's EffectiveDeliveryPolicy: each part its own, else the topic's, else AWS's default."""
    return _subscription_text(_effective(topic_text, subscription_text))


def http_plan(topic_text: str | None, subscription_text: str | None) -> HttpPlan:
    """Tell how to deliver over HTTP. The texts are such as the `parse_` functions wrote, or None."""
    policy = _effective(topic_text, subscription_text)
    retry, content_type = policy.retry or DEFAULT_RETRY, policy.content_type or DEFAULT_CONTENT_TYPE
    return HttpPlan(retry.backoff(), policy.receives_per_s_max, content_type)


def _effective(topic_text: str | None, subscription_text: str | None) -> Policy:
    topic = _topic_policy(topic_text) if topic_text else Policy()
    overrides = subscription_text if not topic.overrides_disabled else None
    own = _subscription_policy(overrides) if overrides else Policy()
    return Policy(
        own.retry or topic.retry or DEFAULT_RETRY,
        own.receives_per_s_max or topic.receives_per_s_max,
        own.content_type or topic.content_type or DEFAULT_CONTENT_TYPE,
        topic.overrides_disabled,
    )


# From text.


def _topic_policy(text: str) -> Policy:
    document = _members(_json(text), "", ("http",))
    http = _part(
        document,
        "http",
        "",
        ("defaultHealthyRetryPolicy", "disableSubscriptionOverrides", "defaultThrottlePolicy", "defaultRequestPolicy"),
    )
    disabled = (http or {}).get("disableSubscriptionOverrides", False)
    if type(disabled) is not bool:
        raise _PolicyError("http.disableSubscriptionOverrides must be true or false")
    return Policy(
        _retry(http or {}, "defaultHealthyRetryPolicy", "http."),
        _throttle(http or {}, "defaultThrottlePolicy", "http."),
        _request(http or {}, "defaultRequestPolicy", "http."),
        disabled,
    )


def _subscription_policy(text: str) -> Policy:
    keys = ("healthyRetryPolicy", "sicklyRetryPolicy", "throttlePolicy", "requestPolicy", "guaranteed")
    document = _members(_json(text), "", keys)
    if document.get("sicklyRetryPolicy") is not None:
        raise _PolicyError("sicklyRetryPolicy must be null")
    if document.get("guaranteed", False) is not False:
        raise _PolicyError("guaranteed must be false")
    return Policy(
        _retry(document, "healthyRetryPolicy", ""),
        _throttle(document, "throttlePolicy", ""),
        _request(document, "requestPolicy", ""),
    )


def _json(text: str) -> dict[str, Any]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise _PolicyError("Invalid JSON")
    return document


def _members(document: dict[str, Any], path: str, keys: Sequence[str]) -> dict[str, Any]:
    for key in document:
        if key not in keys:
            raise _PolicyError(f"Unexpected JSON member: {path}{key}")
    return document


def _part(document: dict[str, Any], key: str, path: str, keys: Sequence[str]) -> dict[str, Any] | None:
    """Take an object with known keys out of another one; None where it is absent or null."""
    part = document.get(key)
    if part is None:
        return None
    if not isinstance(part, dict):
        raise _PolicyError(f"{path}{key} must be an object")
    return _members(part, f"{path}{key}.", keys)


def _retry(document: dict[str, Any], key: str, path: str) -> Retry | None:
    given = _part(document, key, path, _RETRY_KEYS)
    if given is None:
        return None
    name = path + key
    values = dict(zip(_RETRY_KEYS, DEFAULT_RETRY, strict=True)) | given
    for member, (lowest, highest) in _RETRY_BOUNDS.items():
        _check_number(values[member], f"{name}.{member}", lowest, highest)
    if values["backoffFunction"] not in _FUNCTIONS:
        raise _PolicyError(f"{name}.backoffFunction must be one of [{', '.join(_FUNCTIONS)}]")
    retry = Retry(*values.values())
    if retry.min_s > retry.max_s:
        raise _PolicyError(f"{name}.minDelayTarget must be less than or equal to maxDelayTarget")
    if retry.fixed > retry.retries:
        raise _PolicyError(
            f"{name}.numRetries must be at least total of numMinDelayRetries, numNoDelayRetries and numMaxDelayRetries"
        )
    if retry.backoff().total_ms > limits.DELIVERY_TOTAL_MAX_S * 1000:
        raise _PolicyError(f"{name} total retry time must be less than or equal to {limits.DELIVERY_TOTAL_MAX_S}")
    return retry


def _throttle(document: dict[str, Any], key: str, path: str) -> int | None:
    given = _part(document, key, path, ("maxReceivesPerSecond",))
    if not given:
        return None
    value = given["maxReceivesPerSecond"]
    _check_number(value, f"{path}{key}.maxReceivesPerSecond", 1, None)
    return int(value)


def _request(document: dict[str, Any], key: str, path: str) -> str | None:
    given = _part(document, key, path, ("headerContentType",))
    if given is None:
        return None
    value = given.get("headerContentType", DEFAULT_CONTENT_TYPE)
    name = f"{path}{key}.headerContentType"
    if not isinstance(value, str):
        raise _PolicyError(f"{name} must be a string")
    found = _CONTENT_TYPE.fullmatch(value)
    if found is None or found[1].lower() not in limits.CONTENT_TYPES:
        raise _PolicyError(f"{name} must be one of [{', '.join(limits.CONTENT_TYPES)}]")
    return value


def _check_number(value: object, name: str, lowest: int, highest: int | None) -> None:
    if type(value) is not int:
        raise _PolicyError(f"{name} must be an integer")
    if value < lowest:
        raise _PolicyError(f"{name} must be greater than or equal to {lowest}")
    if highest is not None and value > highest:
        raise _PolicyError(f"{name} must be less than or equal to {highest}")


# To text.


def _topic_text(policy: Policy) -> str:
    """Write the topic's form; it leaves out what is open."""
    http: dict[str, Any] = {
        "defaultHealthyRetryPolicy": _retry_document(policy),
        "disableSubscriptionOverrides": policy.overrides_disabled,
        "defaultThrottlePolicy": _throttle_document(policy),
        "defaultRequestPolicy": _request_document(policy),
    }
    return _text({"http": {key: value for key, value in http.items() if value is not None}})


def _subscription_text(policy: Policy) -> str:
    """Write the subscription's form; it shows what is open as null."""
    return _text(
        {
            "healthyRetryPolicy": _retry_document(policy),
            "sicklyRetryPolicy": None,
            "throttlePolicy": _throttle_document(policy),
            "requestPolicy": _request_document(policy),
            "guaranteed": False,
        }
    )


def _retry_document(policy: Policy) -> dict[str, Any] | None:
    return dict(zip(_RETRY_KEYS, policy.retry, strict=True)) if policy.retry is not None else None


def _throttle_document(policy: Policy) -> dict[str, Any] | None:
    return {"maxReceivesPerSecond": policy.receives_per_s_max} if policy.receives_per_s_max is not None else None


def _request_document(policy: Policy) -> dict[str, Any] | None:
    return {"headerContentType": policy.content_type} if policy.content_type is not None else None


def _text(document: dict[str, Any]) -> str:
    return orjson.dumps(document).decode()
