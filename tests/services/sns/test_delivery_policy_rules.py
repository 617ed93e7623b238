"""Delivery policies: the text that is kept, every fault, what is in effect, and the schedule that follows."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from emulator.errors import AwsError
from emulator.router.backoff import PhasedBackoff
from services.sns import limits
from services.sns.delivery_policy import (
    AWS_MANAGED,
    CUSTOMER_MANAGED,
    effective_subscription_policy,
    effective_topic_policy,
    http_plan,
    parse_subscription_policy,
    parse_topic_policy,
)

PLAIN = "text/plain; charset=UTF-8"
DEFAULT_RETRY = (
    '{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,'
    '"numMinDelayRetries":0,"backoffFunction":"linear"}'
)
DEFAULT_TOPIC = (
    f'{{"http":{{"defaultHealthyRetryPolicy":{DEFAULT_RETRY},"disableSubscriptionOverrides":false,'
    f'"defaultRequestPolicy":{{"headerContentType":"{PLAIN}"}}}}}}'
)
DEFAULT_SUBSCRIPTION = (
    f'{{"healthyRetryPolicy":{DEFAULT_RETRY},"sicklyRetryPolicy":null,"throttlePolicy":null,'
    f'"requestPolicy":{{"headerContentType":"{PLAIN}"}},"guaranteed":false}}'
)
GUIDE_RETRY = {
    "minDelayTarget": 1,
    "maxDelayTarget": 60,
    "numRetries": 50,
    "numNoDelayRetries": 3,
    "numMinDelayRetries": 2,
    "numMaxDelayRetries": 35,
    "backoffFunction": "exponential",
}
"""The example of the developer guide."""
GUIDE_RETRY_TEXT = (
    '{"minDelayTarget":1,"maxDelayTarget":60,"numRetries":50,"numMaxDelayRetries":35,"numNoDelayRetries":3,'
    '"numMinDelayRetries":2,"backoffFunction":"exponential"}'
)


def topic_form(**http: Any) -> str:
    return json.dumps({"http": http})


def delays_s(backoff: PhasedBackoff, count: int = 1_000) -> list[float]:
    """List the delays of the first retries in seconds."""
    found = itertools.takewhile(lambda delay: delay is not None, map(backoff.delay_ms, range(count)))
    return [(delay or 0) / 1000 for delay in found]


def schedule(**retry: Any) -> list[float]:
    """List the delays that a topic's retry policy makes."""
    return delays_s(http_plan(parse_topic_policy(topic_form(defaultHealthyRetryPolicy=retry)), None).backoff)


def reason_of(parse: Callable[[str], str], text: str) -> str:
    """Parse a text that must be refused."""
    with pytest.raises(AwsError) as caught:
        parse(text)
    assert (caught.value.code, caught.value.status) == ("InvalidParameter", 400)
    return caught.value.message.removeprefix("Invalid parameter: DeliveryPolicy: ")


# The text that is kept.


def test_a_topics_policy_is_kept_in_awss_order_of_keys() -> None:
    http = {
        "defaultRequestPolicy": {"headerContentType": "application/json"},
        "defaultThrottlePolicy": {"maxReceivesPerSecond": 10},
        "disableSubscriptionOverrides": True,
        "defaultHealthyRetryPolicy": dict(reversed(GUIDE_RETRY.items())),
    }
    assert parse_topic_policy(json.dumps({"http": http}, indent=4)) == (
        f'{{"http":{{"defaultHealthyRetryPolicy":{GUIDE_RETRY_TEXT},"disableSubscriptionOverrides":true,'
        '"defaultThrottlePolicy":{"maxReceivesPerSecond":10},"defaultRequestPolicy":{"headerContentType":"application/json"}}}'
    )


def test_a_subscriptions_policy_is_kept_in_awss_order_of_keys() -> None:
    policy = {
        "guaranteed": False,
        "requestPolicy": {"headerContentType": "text/plain"},
        "throttlePolicy": {"maxReceivesPerSecond": 10},
        "sicklyRetryPolicy": None,
        "healthyRetryPolicy": dict(reversed(GUIDE_RETRY.items())),
    }
    assert parse_subscription_policy(json.dumps(policy, indent=4)) == (
        f'{{"healthyRetryPolicy":{GUIDE_RETRY_TEXT},"sicklyRetryPolicy":null,"throttlePolicy":{{"maxReceivesPerSecond":10}},'
        '"requestPolicy":{"headerContentType":"text/plain"},"guaranteed":false}'
    )


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, '{"http":{"disableSubscriptionOverrides":false}}'),
        ({"http": None}, '{"http":{"disableSubscriptionOverrides":false}}'),
        ({"http": {"defaultThrottlePolicy": None}}, '{"http":{"disableSubscriptionOverrides":false}}'),
        ({"http": {"defaultThrottlePolicy": {}}}, '{"http":{"disableSubscriptionOverrides":false}}'),
        (
            {"http": {"defaultRequestPolicy": {}}},
            f'{{"http":{{"disableSubscriptionOverrides":false,"defaultRequestPolicy":{{"headerContentType":"{PLAIN}"}}}}}}',
        ),
    ],
)
def test_a_topics_policy_leaves_out_what_it_leaves_open(given: dict[str, Any], kept: str) -> None:
    assert parse_topic_policy(json.dumps(given)) == kept


@pytest.mark.parametrize("given", [{}, {"healthyRetryPolicy": None, "throttlePolicy": None, "requestPolicy": None}])
def test_a_subscriptions_policy_shows_what_it_leaves_open_as_null(given: dict[str, Any]) -> None:
    assert parse_subscription_policy(json.dumps(given)) == (
        '{"healthyRetryPolicy":null,"sicklyRetryPolicy":null,"throttlePolicy":null,"requestPolicy":null,"guaranteed":false}'
    )


@pytest.mark.parametrize(
    ("key", "value"), [("numRetries", 7), ("maxDelayTarget", 21), ("backoffFunction", "geometric")]
)
def test_missing_keys_of_a_retry_policy_take_the_defaults(key: str, value: Any) -> None:
    kept = json.loads(parse_subscription_policy(json.dumps({"healthyRetryPolicy": {key: value}})))
    assert kept["healthyRetryPolicy"] == json.loads(DEFAULT_RETRY) | {key: value}


@pytest.mark.parametrize(
    ("parse", "given"),
    [
        (parse_topic_policy, DEFAULT_TOPIC),
        (parse_topic_policy, parse_topic_policy(topic_form(defaultHealthyRetryPolicy=GUIDE_RETRY))),
        (parse_subscription_policy, DEFAULT_SUBSCRIPTION),
        (parse_subscription_policy, parse_subscription_policy("{}")),
    ],
)
def test_what_we_wrote_can_be_given_back(parse: Callable[[str], str], given: str) -> None:
    assert parse(given) == given


# Faults.


@pytest.mark.parametrize("parse", [parse_topic_policy, parse_subscription_policy])
@pytest.mark.parametrize("text", ["", "x", "{", "[]", "null", '"http"', "5", "{'http':{}}", '{"http":{}}x', "\ud800"])
def test_what_is_no_json_object_is_refused(parse: Callable[[str], str], text: str) -> None:
    assert reason_of(parse, text) == "Invalid JSON"


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"https": {}}, "https"),
        ({"healthyRetryPolicy": {}}, "healthyRetryPolicy"),
        ({"http": {"healthyRetryPolicy": {}}}, "http.healthyRetryPolicy"),
        ({"http": {"defaultHealthyRetryPolicy": {"foo": 1}}}, "http.defaultHealthyRetryPolicy.foo"),
        ({"http": {"defaultThrottlePolicy": {"foo": 1}}}, "http.defaultThrottlePolicy.foo"),
        ({"http": {"defaultRequestPolicy": {"foo": 1}}}, "http.defaultRequestPolicy.foo"),
    ],
)
def test_an_unknown_key_of_a_topics_policy_is_refused(document: dict[str, Any], name: str) -> None:
    assert reason_of(parse_topic_policy, json.dumps(document)) == f"Unexpected JSON member: {name}"


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"http": {}}, "http"),
        ({"disableSubscriptionOverrides": True}, "disableSubscriptionOverrides"),
        ({"healthyRetryPolicy": {"NumRetries": 1}}, "healthyRetryPolicy.NumRetries"),
        ({"throttlePolicy": {"foo": 1}}, "throttlePolicy.foo"),
        ({"requestPolicy": {"foo": 1}}, "requestPolicy.foo"),
    ],
)
def test_an_unknown_key_of_a_subscriptions_policy_is_refused(document: dict[str, Any], name: str) -> None:
    assert reason_of(parse_subscription_policy, json.dumps(document)) == f"Unexpected JSON member: {name}"


@pytest.mark.parametrize("value", [[], "x", 5, True])
def test_a_part_that_is_no_object_is_refused(value: Any) -> None:
    assert reason_of(parse_topic_policy, json.dumps({"http": value})) == "http must be an object"
    for part in ("defaultHealthyRetryPolicy", "defaultThrottlePolicy", "defaultRequestPolicy"):
        assert reason_of(parse_topic_policy, topic_form(**{part: value})) == f"http.{part} must be an object"
    for part in ("healthyRetryPolicy", "throttlePolicy", "requestPolicy"):
        assert reason_of(parse_subscription_policy, json.dumps({part: value})) == f"{part} must be an object"


BAD_FUNCTION = ".backoffFunction must be one of [linear, arithmetic, geometric, exponential]"
BAD_SUM = ".numRetries must be at least total of numMinDelayRetries, numNoDelayRetries and numMaxDelayRetries"
BAD_TIME = " total retry time must be less than or equal to 3600"
RETRY_FAULTS = [
    ({"minDelayTarget": 0}, ".minDelayTarget must be greater than or equal to 1"),
    ({"minDelayTarget": 3601}, ".minDelayTarget must be less than or equal to 3600"),
    ({"minDelayTarget": 21}, ".minDelayTarget must be less than or equal to maxDelayTarget"),
    ({"maxDelayTarget": 0}, ".maxDelayTarget must be greater than or equal to 1"),
    ({"maxDelayTarget": 3601}, ".maxDelayTarget must be less than or equal to 3600"),
    ({"maxDelayTarget": 19}, ".minDelayTarget must be less than or equal to maxDelayTarget"),
    ({"numRetries": -1}, ".numRetries must be greater than or equal to 0"),
    ({"numRetries": 101}, ".numRetries must be less than or equal to 100"),
    ({"numMaxDelayRetries": -1}, ".numMaxDelayRetries must be greater than or equal to 0"),
    ({"numNoDelayRetries": -1}, ".numNoDelayRetries must be greater than or equal to 0"),
    ({"numMinDelayRetries": -1}, ".numMinDelayRetries must be greater than or equal to 0"),
    ({"backoffFunction": "Linear"}, BAD_FUNCTION),
    ({"backoffFunction": None}, BAD_FUNCTION),
    ({"backoffFunction": []}, BAD_FUNCTION),
    ({"numRetries": 5, "numMaxDelayRetries": 2, "numNoDelayRetries": 2, "numMinDelayRetries": 2}, BAD_SUM),
    ({"numMaxDelayRetries": 4}, BAD_SUM),
    ({"minDelayTarget": 37, "maxDelayTarget": 37, "numRetries": 98}, BAD_TIME),
    ({"minDelayTarget": 1, "maxDelayTarget": 3600, "numRetries": 2, "numMaxDelayRetries": 1}, BAD_TIME),
]


@pytest.mark.parametrize(("retry", "reason"), RETRY_FAULTS)
def test_a_fault_of_a_topics_retry_policy_is_named_with_its_path(retry: dict[str, Any], reason: str) -> None:
    text = topic_form(defaultHealthyRetryPolicy=retry)
    assert reason_of(parse_topic_policy, text) == f"http.defaultHealthyRetryPolicy{reason}"


@pytest.mark.parametrize(("retry", "reason"), RETRY_FAULTS)
def test_a_fault_of_a_subscriptions_retry_policy_is_named_with_its_path(retry: dict[str, Any], reason: str) -> None:
    text = json.dumps({"healthyRetryPolicy": retry})
    assert reason_of(parse_subscription_policy, text) == f"healthyRetryPolicy{reason}"


@pytest.mark.parametrize("value", ["3", 3.0, 3.5, True, None, [3], {}])
@pytest.mark.parametrize("key", [key for key in GUIDE_RETRY if key != "backoffFunction"])
def test_a_number_of_a_retry_policy_must_be_an_integer(key: str, value: Any) -> None:
    text = json.dumps({"healthyRetryPolicy": {key: value}})
    assert reason_of(parse_subscription_policy, text) == f"healthyRetryPolicy.{key} must be an integer"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (0, "must be greater than or equal to 1"),
        (-5, "must be greater than or equal to 1"),
        ("5", "must be an integer"),
        (0.5, "must be an integer"),
        (None, "must be an integer"),
        (True, "must be an integer"),
    ],
)
def test_a_throttle_that_is_no_positive_integer_is_refused(value: Any, reason: str) -> None:
    throttle = {"maxReceivesPerSecond": value}
    assert reason_of(parse_topic_policy, topic_form(defaultThrottlePolicy=throttle)) == (
        f"http.defaultThrottlePolicy.maxReceivesPerSecond {reason}"
    )
    assert reason_of(parse_subscription_policy, json.dumps({"throttlePolicy": throttle})) == (
        f"throttlePolicy.maxReceivesPerSecond {reason}"
    )


@pytest.mark.parametrize("value", ["true", 1, None, {}])
def test_overrides_are_disabled_by_a_boolean_only(value: Any) -> None:
    text = topic_form(disableSubscriptionOverrides=value)
    assert reason_of(parse_topic_policy, text) == "http.disableSubscriptionOverrides must be true or false"


@pytest.mark.parametrize("value", [{}, {"numRetries": 1}, False])
def test_a_sickly_retry_policy_is_refused(value: Any) -> None:
    assert reason_of(parse_subscription_policy, json.dumps({"sicklyRetryPolicy": value})) == (
        "sicklyRetryPolicy must be null"
    )


@pytest.mark.parametrize("value", [True, None, "false", 0])
def test_guaranteed_delivery_is_refused(value: Any) -> None:
    assert reason_of(parse_subscription_policy, json.dumps({"guaranteed": value})) == "guaranteed must be false"


BAD_TYPES = ["", "image/png", "text", " text/plain", "text/plain ", "text/plain\r\nX-Evil: 1"]
BAD_PARAMETERS = [";", "; charset=ISO-8859-1", "; boundary=x", "; charset=UTF-8; x=y", "; charset=UTF-8\n"]


@pytest.mark.parametrize("content_type", [*BAD_TYPES, *(f"text/plain{parameter}" for parameter in BAD_PARAMETERS)])
def test_a_content_type_that_aws_does_not_send_is_refused(content_type: str) -> None:
    text = json.dumps({"requestPolicy": {"headerContentType": content_type}})
    assert reason_of(parse_subscription_policy, text) == (
        f"requestPolicy.headerContentType must be one of [{', '.join(limits.CONTENT_TYPES)}]"
    )


@pytest.mark.parametrize("value", [None, 5, [], True])
def test_a_content_type_must_be_a_string(value: Any) -> None:
    text = topic_form(defaultRequestPolicy={"headerContentType": value})
    assert reason_of(parse_topic_policy, text) == "http.defaultRequestPolicy.headerContentType must be a string"


@pytest.mark.parametrize("parse", [parse_topic_policy, parse_subscription_policy])
def test_the_error_says_where_the_attribute_was_given(parse: Callable[[str, str], str]) -> None:
    with pytest.raises(AwsError) as caught:
        parse("x", "Attributes Reason: ")
    assert caught.value.message == "Invalid parameter: Attributes Reason: DeliveryPolicy: Invalid JSON"


# What is just allowed.


@pytest.mark.parametrize(
    "retry",
    [
        {"minDelayTarget": 1, "maxDelayTarget": 1},
        {"minDelayTarget": 3600, "maxDelayTarget": 3600, "numRetries": 1},
        {
            "minDelayTarget": 20,
            "maxDelayTarget": 3580,
            "numRetries": 2,
            "numMinDelayRetries": 1,
            "numMaxDelayRetries": 1,
        },
        {"minDelayTarget": 36, "maxDelayTarget": 36, "numRetries": 100},
        {"numRetries": 0},
        {"numRetries": 3, "numMaxDelayRetries": 1, "numNoDelayRetries": 1, "numMinDelayRetries": 1},
        {"minDelayTarget": 3600, "maxDelayTarget": 3600, "numRetries": 100, "numNoDelayRetries": 100},
    ],
)
def test_values_at_their_limits_are_accepted(retry: dict[str, Any]) -> None:
    kept = json.loads(parse_subscription_policy(json.dumps({"healthyRetryPolicy": retry})))
    assert kept["healthyRetryPolicy"] == json.loads(DEFAULT_RETRY) | retry


@pytest.mark.parametrize("suffix", ["", "; charset=UTF-8", ";charset=utf-8", " ; charset=utf-8"])
@pytest.mark.parametrize("media_type", limits.CONTENT_TYPES)
def test_every_content_type_of_aws_is_kept_and_sent_as_it_is_given(media_type: str, suffix: str) -> None:
    given = {"requestPolicy": {"headerContentType": media_type + suffix}}
    kept = parse_subscription_policy(json.dumps(given))
    assert json.loads(kept)["requestPolicy"] == given["requestPolicy"]
    assert http_plan(None, kept).content_type == media_type + suffix


# What is in effect.


@pytest.mark.parametrize("topic", [None, parse_topic_policy("{}")])
def test_without_a_policy_awss_defaults_are_in_effect(topic: str | None) -> None:
    assert effective_topic_policy(topic) == DEFAULT_TOPIC
    assert effective_subscription_policy(topic, None) == DEFAULT_SUBSCRIPTION
    assert effective_subscription_policy(topic, parse_subscription_policy("{}")) == DEFAULT_SUBSCRIPTION


def test_a_topics_effective_policy_completes_its_own() -> None:
    own = parse_topic_policy(
        topic_form(defaultThrottlePolicy={"maxReceivesPerSecond": 5}, disableSubscriptionOverrides=True)
    )
    assert effective_topic_policy(own) == (
        f'{{"http":{{"defaultHealthyRetryPolicy":{DEFAULT_RETRY},"disableSubscriptionOverrides":true,'
        f'"defaultThrottlePolicy":{{"maxReceivesPerSecond":5}},"defaultRequestPolicy":{{"headerContentType":"{PLAIN}"}}}}}}'
    )


TOPIC = parse_topic_policy(
    topic_form(
        defaultHealthyRetryPolicy=GUIDE_RETRY,
        defaultThrottlePolicy={"maxReceivesPerSecond": 5},
        defaultRequestPolicy={"headerContentType": "application/json"},
    )
)
TOPIC_FOR_ALL = TOPIC.replace('"disableSubscriptionOverrides":false', '"disableSubscriptionOverrides":true')
INHERITED = (
    f'{{"healthyRetryPolicy":{GUIDE_RETRY_TEXT},"sicklyRetryPolicy":null,"throttlePolicy":{{"maxReceivesPerSecond":5}},'
    '"requestPolicy":{"headerContentType":"application/json"},"guaranteed":false}'
)


def test_a_subscription_without_a_policy_inherits_the_topics() -> None:
    assert effective_subscription_policy(TOPIC, None) == INHERITED
    plan = http_plan(TOPIC, None)
    assert (plan.backoff.retries, plan.receives_per_s_max, plan.content_type) == (50, 5, "application/json")


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"healthyRetryPolicy": {"numRetries": 7}}, (7, 5, "application/json")),
        ({"healthyRetryPolicy": {}}, (3, 5, "application/json")),
        ({"throttlePolicy": {"maxReceivesPerSecond": 1}}, (50, 1, "application/json")),
        ({"throttlePolicy": {}}, (50, 5, "application/json")),
        ({"requestPolicy": {"headerContentType": "text/csv"}}, (50, 5, "text/csv")),
        ({"requestPolicy": {}}, (50, 5, PLAIN)),
    ],
)
def test_each_part_of_a_subscriptions_policy_overrides_the_topics(
    own: dict[str, Any], expected: tuple[int, int, str]
) -> None:
    text = parse_subscription_policy(json.dumps(own))
    plan = http_plan(TOPIC, text)
    assert (plan.backoff.retries, plan.receives_per_s_max, plan.content_type) == expected
    shown = json.loads(effective_subscription_policy(TOPIC, text))
    assert shown["healthyRetryPolicy"]["numRetries"] == expected[0]
    assert shown["throttlePolicy"] == {"maxReceivesPerSecond": expected[1]}
    assert shown["requestPolicy"] == {"headerContentType": expected[2]}


def test_a_topic_can_disable_the_policies_of_its_subscriptions() -> None:
    own = parse_subscription_policy(
        json.dumps(
            {
                "healthyRetryPolicy": {"numRetries": 7},
                "throttlePolicy": {"maxReceivesPerSecond": 1},
                "requestPolicy": {"headerContentType": "text/csv"},
            }
        )
    )
    assert effective_subscription_policy(TOPIC_FOR_ALL, own) == INHERITED
    assert http_plan(TOPIC_FOR_ALL, own) == http_plan(TOPIC, None)


def test_a_topic_that_only_disables_overrides_leaves_its_subscriptions_the_defaults() -> None:
    own = parse_subscription_policy(json.dumps({"throttlePolicy": {"maxReceivesPerSecond": 1}}))
    topic = parse_topic_policy(topic_form(disableSubscriptionOverrides=True))
    assert effective_subscription_policy(topic, own) == DEFAULT_SUBSCRIPTION


def test_without_a_policy_there_is_no_throttle() -> None:
    assert http_plan(None, None).receives_per_s_max is None


# Schedules.


def test_by_default_a_delivery_is_retried_three_times_20_seconds_apart() -> None:
    assert delays_s(http_plan(None, None).backoff) == [20, 20, 20]


@pytest.mark.parametrize(
    ("retry", "expected"),
    [
        ({"numRetries": 0}, []),
        ({"numRetries": 1}, [20]),
        ({"numRetries": 2, "numNoDelayRetries": 2}, [0, 0]),
        ({"minDelayTarget": 5, "numRetries": 4}, [5, 10, 15, 20]),
    ],
)
def test_a_policy_makes_its_schedule(retry: dict[str, Any], expected: list[float]) -> None:
    assert schedule(**retry) == expected


def test_a_policy_with_all_phases_makes_them_one_after_the_other() -> None:
    counts = {"numRetries": 8, "numNoDelayRetries": 2, "numMinDelayRetries": 1, "numMaxDelayRetries": 2}
    assert schedule(minDelayTarget=1, **counts) == [0, 0, 1, 1, 10.5, 20, 20, 20]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("linear", [1, 21, 41, 61, 81]),
        ("arithmetic", [1, 9, 25, 49, 81]),
        ("geometric", [1, 3, 9, 27, 81]),
        ("exponential", [1, 6.333, 17, 38.333, 81]),
    ],
)
def test_each_function_makes_its_schedule(function: str, expected: list[float]) -> None:
    assert schedule(minDelayTarget=1, maxDelayTarget=81, numRetries=5, backoffFunction=function) == expected


def test_the_example_of_awss_guide_makes_its_50_retries() -> None:
    found = schedule(**GUIDE_RETRY)
    assert found[:5] == [0, 0, 0, 1, 1]
    assert found[5:15] == [1, 1.115, 1.346, 1.808, 2.732, 4.579, 8.274, 15.663, 30.442, 60]
    assert found[15:] == [60] * 35


def test_deliveries_to_awss_own_endpoints_are_retried_100015_times_in_23_days() -> None:
    assert delays_s(AWS_MANAGED, 17) == [
        *[0, 0, 0],
        *[1, 1],
        *[1, 1.037, 1.112, 1.26, 1.558, 2.153, 3.342, 5.722, 10.481, 20],
        *[20, 20],
    ]
    assert AWS_MANAGED.retries == 100_015
    assert [AWS_MANAGED.delay_ms(100_014), AWS_MANAGED.delay_ms(100_015)] == [20_000, None]
    assert AWS_MANAGED.total_ms // 86_400_000 == 23


def test_deliveries_to_people_are_retried_50_times_in_6_hours() -> None:
    assert delays_s(CUSTOMER_MANAGED) == [
        *[10, 10],
        *[10, 11.155, 13.464, 18.082, 27.319, 45.793, 82.74, 156.634, 304.423, 600],
        *[600] * 38,
    ]
    assert CUSTOMER_MANAGED.retries == 50
    assert CUSTOMER_MANAGED.total_ms // 3_600_000 == 6
