"""RedrivePolicy and RedriveAllowPolicy: what is accepted, how it is shown, and who may use whom as dead-letter queue.

That messages do move is in the tests of dead letters.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.errors import Seen, error_of
from tests.support.sqs_messages import make_fifo, make_queue
from tests.support.sqs_queues import arn_of, attributes_of, invalid_value, set_attributes

DEAD = "arn:aws:sqs:us-east-1:000000000000:dead"
NOT_A_MAP = "Redrive policy is not a valid JSON map."
MISSING = "Redrive policy does not contain mandatory attribute: {}."
BAD_COUNT = "Invalid value for maxReceiveCount: {}, valid values are from 1 to 1000 both inclusive."
NOT_ALLOWED = "Queue does not have permission to use the dead-letter target, as its redrive allow policy says."
ALLOW_NOT_A_MAP = "Redrive allow policy is not a valid JSON map."
ALLOW_ARNS = "byQueue needs sourceQueueArns, from 1 to 10 of them."


def redrive(target: Any = DEAD, count: Any = 3, **more: Any) -> str:
    return json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": count, **more})


def allow(permission: Any = "byQueue", *arns: str) -> str:
    return json.dumps({"redrivePermission": permission, **({"sourceQueueArns": list(arns)} if arns else {})})


def refused(policy: str, reason: str, name: str = "RedrivePolicy") -> Seen:
    return invalid_value(f"Value {policy} for parameter {name} is invalid. Reason: {reason}")


def create_error(sqs: Any, name: str = "orders", **attributes: str) -> Seen:
    return error_of(sqs.create_queue, QueueName=name, Attributes=attributes)


def set_error(sqs: Any, url: str, **attributes: str) -> Seen:
    return error_of(sqs.set_queue_attributes, QueueUrl=url, Attributes=attributes)


def arn_for(name: str, region: str = "us-east-1", account: str = "000000000000") -> str:
    return f"arn:aws:sqs:{region}:{account}:{name}"


# RedrivePolicy: how it is shown.


@pytest.mark.parametrize(
    ("given", "count"),
    [
        (redrive(count=5), 5),
        (redrive(count="5"), 5),
        (redrive(count=1), 1),
        (redrive(count="1000"), 1000),
        (redrive(count=7, colour="red"), 7),
        (json.dumps({"maxReceiveCount": 5, "deadLetterTargetArn": DEAD}, indent=2), 5),
    ],
)
def test_a_redrive_policy_is_shown_with_a_number_and_without_unknown_keys(sqs: Any, given: str, count: int) -> None:
    make_queue(sqs, "dead")
    shown = f'{{"deadLetterTargetArn":"{DEAD}","maxReceiveCount":{count}}}'
    assert attributes_of(sqs, make_queue(sqs, RedrivePolicy=given), "RedrivePolicy") == {"RedrivePolicy": shown}


def test_a_redrive_policy_can_be_set_changed_and_removed_later(sqs: Any) -> None:
    make_queue(sqs, "dead")
    url = make_queue(sqs)
    for count in (3, 4):
        set_attributes(sqs, url, RedrivePolicy=redrive(count=count))
        shown = json.loads(attributes_of(sqs, url, "RedrivePolicy")["RedrivePolicy"])
        assert shown == {"deadLetterTargetArn": DEAD, "maxReceiveCount": count}
    set_attributes(sqs, url, RedrivePolicy="")
    assert attributes_of(sqs, url, "RedrivePolicy") == {}


def test_setting_another_attribute_leaves_the_redrive_policy(sqs: Any) -> None:
    make_queue(sqs, "dead")
    url = make_queue(sqs, RedrivePolicy=redrive())
    set_attributes(sqs, url, DelaySeconds="5")
    assert json.loads(attributes_of(sqs, url)["RedrivePolicy"])["maxReceiveCount"] == 3


# RedrivePolicy: its faults.


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("dead", NOT_A_MAP),
        ("{", NOT_A_MAP),
        ("[]", NOT_A_MAP),
        ('"text"', NOT_A_MAP),
        ("null", NOT_A_MAP),
        ("{}", MISSING.format("deadLetterTargetArn")),
        (json.dumps({"maxReceiveCount": 3}), MISSING.format("deadLetterTargetArn")),
        (json.dumps({"deadLetterTargetArn": DEAD}), MISSING.format("maxReceiveCount")),
        (redrive(count=0), BAD_COUNT.format(0)),
        (redrive(count=1001), BAD_COUNT.format(1001)),
        (redrive(count=-1), BAD_COUNT.format(-1)),
        (redrive(count="0"), BAD_COUNT.format(0)),
        (redrive(count="1001"), BAD_COUNT.format(1001)),
        (redrive(count="many"), BAD_COUNT.format("many")),
        (redrive(count=2.5), BAD_COUNT.format(2.5)),
        (redrive(count=True), BAD_COUNT.format("true")),
        (redrive(target="dead"), "Invalid value for deadLetterTargetArn."),
        (redrive(target=5), "Invalid value for deadLetterTargetArn."),
        (redrive(target="arn:aws:sns:us-east-1:000000000000:dead"), "Invalid value for deadLetterTargetArn."),
        (redrive(target=arn_for("nobody")), "Dead letter target does not exist."),
        (
            redrive(target=arn_for("dead", account="111122223333")),
            "Dead-letter target owner should be same as the source.",
        ),
        (
            redrive(target=arn_for("dead", region="eu-west-1")),
            "Dead-letter target must be in same region as the source.",
        ),
    ],
)
def test_a_wrong_redrive_policy_is_refused_on_creation_and_later(sqs: Any, policy: str, reason: str) -> None:
    make_queue(sqs, "dead")
    assert create_error(sqs, RedrivePolicy=policy) == refused(policy, reason)
    url = make_queue(sqs)
    assert set_error(sqs, url, RedrivePolicy=policy) == refused(policy, reason)
    assert attributes_of(sqs, url, "RedrivePolicy") == {}


@pytest.mark.parametrize(
    ("account", "region", "reason"),
    [
        ("111122223333", "us-east-1", "Dead-letter target owner should be same as the source."),
        ("000000000000", "eu-west-1", "Dead-letter target must be in same region as the source."),
    ],
)
def test_a_queue_that_exists_elsewhere_is_no_target(
    cloud: Any, sqs: Any, account: str, region: str, reason: str
) -> None:
    elsewhere = cloud.client(account=account, region=region)
    policy = redrive(target=arn_of(elsewhere, make_queue(elsewhere, "dead")))
    assert create_error(sqs, RedrivePolicy=policy) == refused(policy, reason)


def test_the_dead_letter_queue_of_a_fifo_queue_must_be_fifo(sqs: Any) -> None:
    make_queue(sqs, "dead")
    policy, reason = redrive(), "Dead letter queue type must match the type of the source queue."
    assert create_error(sqs, "orders.fifo", FifoQueue="true", RedrivePolicy=policy) == refused(policy, reason)
    assert set_error(sqs, make_fifo(sqs), RedrivePolicy=policy) == refused(policy, reason)


def test_the_dead_letter_queue_of_a_standard_queue_must_be_standard(sqs: Any) -> None:
    policy = redrive(target=arn_of(sqs, make_fifo(sqs, "dead.fifo")))
    reason = "Dead letter queue type must match the type of the source queue."
    assert create_error(sqs, RedrivePolicy=policy) == refused(policy, reason)
    assert set_error(sqs, make_queue(sqs), RedrivePolicy=policy) == refused(policy, reason)


def test_a_fifo_queue_has_a_fifo_dead_letter_queue(sqs: Any) -> None:
    target = arn_of(sqs, make_fifo(sqs, "dead.fifo"))
    url = make_fifo(sqs, RedrivePolicy=redrive(target=target))
    assert json.loads(attributes_of(sqs, url)["RedrivePolicy"])["deadLetterTargetArn"] == target


def test_a_queue_may_be_its_own_dead_letter_queue_from_its_creation_on(sqs: Any) -> None:
    url = make_queue(sqs, RedrivePolicy=redrive(target=arn_for("orders")))
    assert json.loads(attributes_of(sqs, url)["RedrivePolicy"])["deadLetterTargetArn"] == arn_for("orders")


def test_one_bad_attribute_keeps_the_redrive_policy_as_it_was(sqs: Any) -> None:
    make_queue(sqs, "dead")
    url = make_queue(sqs)
    set_error(sqs, url, RedrivePolicy=redrive(), DelaySeconds="-1")
    set_error(sqs, url, DelaySeconds="5", RedrivePolicy=redrive(target=arn_for("nobody")))
    assert attributes_of(sqs, url, "RedrivePolicy", "DelaySeconds") == {"DelaySeconds": "0"}


def test_a_redrive_policy_is_checked_in_its_own_account_and_region(cloud: Any) -> None:
    sqs = cloud.client(account="111122223333", region="eu-north-1")
    target = arn_of(sqs, make_queue(sqs, "dead"))
    url = make_queue(sqs, RedrivePolicy=redrive(target=target))
    assert json.loads(attributes_of(sqs, url)["RedrivePolicy"])["deadLetterTargetArn"] == target


# RedriveAllowPolicy: how it is shown, and its faults.


@pytest.mark.parametrize(
    "policy",
    [
        allow("allowAll"),
        allow("denyAll"),
        allow("byQueue", arn_for("orders")),
        allow("byQueue", *[arn_for(f"source-{number}") for number in range(10)]),
    ],
)
def test_a_redrive_allow_policy_is_shown_as_it_was_set(sqs: Any, policy: str) -> None:
    created = make_queue(sqs, "created", RedriveAllowPolicy=policy)
    changed = make_queue(sqs, "changed")
    set_attributes(sqs, changed, RedriveAllowPolicy=policy)
    for url in (created, changed):
        assert json.loads(attributes_of(sqs, url)["RedriveAllowPolicy"]) == json.loads(policy)


def test_empty_text_removes_the_redrive_allow_policy(sqs: Any) -> None:
    url = make_queue(sqs, RedriveAllowPolicy=allow("denyAll"))
    set_attributes(sqs, url, RedriveAllowPolicy="")
    assert attributes_of(sqs, url, "RedriveAllowPolicy") == {}


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("allowAll", ALLOW_NOT_A_MAP),
        ("[]", ALLOW_NOT_A_MAP),
        ("{", ALLOW_NOT_A_MAP),
        ("{}", "Redrive allow policy does not contain mandatory attribute: redrivePermission."),
        (
            allow("everybody"),
            "Invalid value for redrivePermission: everybody, valid values are allowAll, denyAll and byQueue.",
        ),
        (
            allow("allowall"),
            "Invalid value for redrivePermission: allowall, valid values are allowAll, denyAll and byQueue.",
        ),
        (allow("byQueue"), ALLOW_ARNS),
        ('{"redrivePermission":"byQueue","sourceQueueArns":[]}', ALLOW_ARNS),
        (f'{{"redrivePermission":"byQueue","sourceQueueArns":"{arn_for("orders")}"}}', ALLOW_ARNS),
        (allow("byQueue", *[arn_for(f"source-{number}") for number in range(11)]), ALLOW_ARNS),
        (allow("byQueue", "orders"), "orders is not the ARN of a queue."),
        (
            allow("allowAll", arn_for("orders")),
            "sourceQueueArns can be given only when redrivePermission is byQueue.",
        ),
        (
            allow("denyAll", arn_for("orders")),
            "sourceQueueArns can be given only when redrivePermission is byQueue.",
        ),
    ],
)
def test_a_wrong_redrive_allow_policy_is_refused_on_creation_and_later(sqs: Any, policy: str, reason: str) -> None:
    expected = refused(policy, reason, "RedriveAllowPolicy")
    assert create_error(sqs, RedriveAllowPolicy=policy) == expected
    url = make_queue(sqs)
    assert set_error(sqs, url, RedriveAllowPolicy=policy) == expected
    assert attributes_of(sqs, url, "RedriveAllowPolicy") == {}


# RedriveAllowPolicy: in force.


@pytest.mark.parametrize("policy", ["", allow("allowAll"), allow("byQueue", arn_for("other"), arn_for("orders"))])
def test_a_source_that_is_allowed_may_use_the_queue(sqs: Any, policy: str) -> None:
    make_queue(sqs, "dead", RedriveAllowPolicy=policy)
    created = make_queue(sqs, "orders", RedrivePolicy=redrive())
    set_attributes(sqs, created, RedrivePolicy="")
    set_attributes(sqs, created, RedrivePolicy=redrive())
    assert sqs.list_dead_letter_source_queues(QueueUrl=make_queue(sqs, "dead"))["queueUrls"] == [created]


@pytest.mark.parametrize("policy", [allow("denyAll"), allow("byQueue", arn_for("other"), arn_for("order"))])
def test_a_source_that_is_not_allowed_is_refused_on_creation_and_later(sqs: Any, policy: str) -> None:
    make_queue(sqs, "dead", RedriveAllowPolicy=policy)
    assert create_error(sqs, RedrivePolicy=redrive()) == refused(redrive(), NOT_ALLOWED)
    assert set_error(sqs, make_queue(sqs), RedrivePolicy=redrive()) == refused(redrive(), NOT_ALLOWED)


def test_a_policy_that_was_forbidden_and_is_lifted_allows_the_source(sqs: Any) -> None:
    dead, url = make_queue(sqs, "dead", RedriveAllowPolicy=allow("denyAll")), make_queue(sqs)
    set_error(sqs, url, RedrivePolicy=redrive())
    set_attributes(sqs, dead, RedriveAllowPolicy="")
    set_attributes(sqs, url, RedrivePolicy=redrive())
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]


def test_a_source_that_was_there_before_stays_when_the_queue_forbids_sources(sqs: Any) -> None:
    dead, url = make_queue(sqs, "dead"), make_queue(sqs)
    set_attributes(sqs, url, RedrivePolicy=redrive())
    set_attributes(sqs, dead, RedriveAllowPolicy=allow("denyAll"))
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    set_attributes(sqs, url, VisibilityTimeout="5")


def test_a_fifo_queue_s_redrive_allow_policy_is_in_force_too(sqs: Any) -> None:
    dead = make_fifo(sqs, "dead.fifo", RedriveAllowPolicy=allow("byQueue", arn_for("orders.fifo")))
    policy = redrive(target=arn_of(sqs, dead))
    make_fifo(sqs, "orders.fifo", RedrivePolicy=policy)
    error = create_error(sqs, "others.fifo", FifoQueue="true", RedrivePolicy=policy)
    assert error == refused(policy, NOT_ALLOWED)
