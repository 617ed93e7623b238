"""Queue attributes: defaults, ranges, spellings, unknown and read-only names, FIFO's own, encryption, and what is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.errors import Seen, error_of
from tests.support.sqs_messages import counts, make_fifo, make_queue, receive
from tests.support.sqs_queues import (
    NO_QUEUE,
    arn_of,
    attributes_of,
    bad_attribute,
    set_attributes,
    unknown_attribute,
)
from tests.support.sqs_wire import json_call

START_S = "1767225600"
"""2026-01-01, where the clock of the tests starts, as the text of a timestamp."""

STANDARD = {
    "QueueArn": "arn:aws:sqs:us-east-1:000000000000:orders",
    "ApproximateNumberOfMessages": "0",
    "ApproximateNumberOfMessagesNotVisible": "0",
    "ApproximateNumberOfMessagesDelayed": "0",
    "CreatedTimestamp": START_S,
    "LastModifiedTimestamp": START_S,
    "VisibilityTimeout": "30",
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "SqsManagedSseEnabled": "true",
}
FIFO = {
    **STANDARD,
    "QueueArn": "arn:aws:sqs:us-east-1:000000000000:orders.fifo",
    "FifoQueue": "true",
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "FifoThroughputLimit": "perQueue",
}
RANGES = {
    "VisibilityTimeout": (0, 43200),
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1024, 1048576),
    "MessageRetentionPeriod": (60, 1209600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "KmsDataKeyReusePeriodSeconds": (60, 86400),
}
BOUNDS = [(name, str(bound)) for name, bounds in RANGES.items() for bound in bounds]
OUTSIDE = [(name, str(value)) for name, (low, high) in RANGES.items() for value in (low - 1, high + 1)]
NO_NUMBERS = ["ten", "1.5", "-", "6e1", "0x40", "70,000", "99999999999999999999"]
READ_ONLY = [
    "QueueArn",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
]
FIFO_ONLY = {
    "ContentBasedDeduplication": "true",
    "DeduplicationScope": "messageGroup",
    "FifoThroughputLimit": "perQueue",
}
KEY = "arn:aws:kms:us-east-1:000000000000:key/1234"
TWO_ENCRYPTIONS = Seen(
    "InvalidAttributeValue",
    "You can use one type of server-side encryption at one time. You can either enable KMS encryption or SQS encryption.",
    400,
)


def set_error(sqs: Any, url: str, **attributes: str) -> Seen:
    return error_of(sqs.set_queue_attributes, QueueUrl=url, Attributes=attributes)


def create_error(sqs: Any, name: str = "orders", **attributes: str) -> Seen:
    return error_of(sqs.create_queue, QueueName=name, Attributes=attributes)


# Defaults, and what is shown.


def test_a_new_standard_queue_has_aws_s_defaults_and_no_attribute_of_a_fifo_queue(sqs: Any) -> None:
    assert attributes_of(sqs, make_queue(sqs)) == STANDARD


def test_a_new_fifo_queue_has_aws_s_defaults(sqs: Any) -> None:
    assert attributes_of(sqs, make_fifo(sqs)) == FIFO


def test_a_queue_s_arn_names_its_region_account_and_partition(cloud: Any) -> None:
    sqs = cloud.client(account="111122223333", region="cn-north-1")
    assert arn_of(sqs, make_queue(sqs)) == "arn:aws-cn:sqs:cn-north-1:111122223333:orders"


@pytest.mark.parametrize("names", [{}, {"AttributeNames": []}], ids=["absent", "empty"])
def test_without_names_no_attributes_are_shown(sqs: Any, names: dict[str, Any]) -> None:
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=make_queue(sqs), **names)


def test_without_names_the_answer_on_the_wire_is_an_empty_object(cloud: Any, sqs: Any) -> None:
    answer = json_call(cloud, "GetQueueAttributes", {"QueueUrl": make_queue(sqs)})
    assert (answer.status, answer.body) == (200, b"{}")


def test_named_attributes_only_are_shown(sqs: Any) -> None:
    shown = attributes_of(sqs, make_queue(sqs), "DelaySeconds", "QueueArn")
    assert shown == {"DelaySeconds": "0", "QueueArn": STANDARD["QueueArn"]}


@pytest.mark.parametrize("names", [["All", "DelaySeconds"], ["DelaySeconds", "All"], ["All", "All"]], ids=str)
def test_all_together_with_names_shows_all(sqs: Any, names: list[str]) -> None:
    assert attributes_of(sqs, make_queue(sqs), *names) == STANDARD


@pytest.mark.parametrize("name", ["Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId"])
def test_an_attribute_that_a_queue_does_not_have_is_left_out(sqs: Any, name: str) -> None:
    assert attributes_of(sqs, make_queue(sqs), name, "DelaySeconds") == {"DelaySeconds": "0"}


@pytest.mark.parametrize("name", ["FifoQueue", *FIFO_ONLY])
def test_a_fifo_attribute_asked_of_a_standard_queue_is_left_out(sqs: Any, name: str) -> None:
    assert attributes_of(sqs, make_queue(sqs), name) == {}


@pytest.mark.parametrize("names", [["Colour"], ["All", "Colour"], ["DelaySeconds", "Colour"]], ids=str)
def test_asking_for_an_unknown_name_is_an_error(sqs: Any, names: list[str]) -> None:
    error = error_of(sqs.get_queue_attributes, QueueUrl=make_queue(sqs), AttributeNames=names)
    assert error == unknown_attribute("Colour")


@pytest.mark.parametrize("name", ["all", "delaySeconds", "ApproximateReceiveCount", ""])
def test_names_of_attributes_are_case_sensitive_and_not_those_of_messages(sqs: Any, name: str) -> None:
    error = error_of(sqs.get_queue_attributes, QueueUrl=make_queue(sqs), AttributeNames=[name])
    assert error == unknown_attribute(name)


def test_counts_follow_the_messages(sqs: Any) -> None:
    url = make_queue(sqs)
    for delay_s in (0, 0, 0, 60, 60):
        sqs.send_message(QueueUrl=url, MessageBody="m", DelaySeconds=delay_s)
    receive(sqs, url, MaxNumberOfMessages=1)
    assert counts(sqs, url) == (2, 1, 2)


def test_the_attributes_of_a_missing_queue_are_an_error(sqs: Any) -> None:
    url = "http://localhost:4566/000000000000/nobody"
    assert error_of(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["All"]) == NO_QUEUE
    assert set_error(sqs, url, DelaySeconds="1") == NO_QUEUE


# Numbers.


@pytest.mark.parametrize(("name", "value"), BOUNDS)
def test_a_number_may_be_the_lowest_or_the_highest_on_creation_and_later(sqs: Any, name: str, value: str) -> None:
    created = make_queue(sqs, "created", **{name: value}, KmsMasterKeyId=KEY)
    changed = make_queue(sqs, "changed", KmsMasterKeyId=KEY)
    set_attributes(sqs, changed, **{name: value})
    assert attributes_of(sqs, created, name) == attributes_of(sqs, changed, name) == {name: value}


@pytest.mark.parametrize(("name", "value"), OUTSIDE)
def test_a_number_just_outside_its_range_is_refused_on_creation_and_later(sqs: Any, name: str, value: str) -> None:
    assert create_error(sqs, **{name: value}) == bad_attribute(name)
    assert set_error(sqs, make_queue(sqs), **{name: value}) == bad_attribute(name)


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize("name", RANGES)
def test_text_that_is_no_whole_number_is_refused(sqs: Any, name: str, value: str) -> None:
    assert create_error(sqs, **{name: value}) == bad_attribute(name)


@pytest.mark.parametrize("name", sorted(RANGES.keys() - {"KmsDataKeyReusePeriodSeconds"}))
def test_empty_text_puts_a_number_back_to_its_default(sqs: Any, name: str) -> None:
    low, high = RANGES[name]
    url = make_queue(sqs, **{name: str(high if str(low) == STANDARD[name] else low)})
    set_attributes(sqs, url, **{name: ""})
    assert attributes_of(sqs, url) == STANDARD


def test_createqueue_takes_empty_text_as_the_default(sqs: Any) -> None:
    empty = dict.fromkeys([*RANGES, "Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId"], "")
    assert attributes_of(sqs, make_queue(sqs, **empty, SqsManagedSseEnabled="")) == STANDARD


def test_a_number_in_json_in_place_of_text_is_refused(cloud: Any, sqs: Any) -> None:
    request = {"QueueUrl": make_queue(sqs), "Attributes": {"DelaySeconds": 5}}
    answer = json_call(cloud, "SetQueueAttributes", request)
    assert answer.status == 400
    assert answer.headers["x-amzn-query-error"] == "MalformedInput;Sender"


# Booleans.


@pytest.mark.parametrize(
    ("word", "shown"), [("true", "true"), ("True", "true"), ("FALSE", "false"), ("false", "false")]
)
def test_a_boolean_in_any_case_is_shown_in_lower_case(sqs: Any, word: str, shown: str) -> None:
    url = make_fifo(sqs, SqsManagedSseEnabled=word, ContentBasedDeduplication=word)
    names = ("SqsManagedSseEnabled", "ContentBasedDeduplication")
    assert attributes_of(sqs, url, *names) == dict.fromkeys(names, shown)


@pytest.mark.parametrize("word", ["yes", "1", "0", "t", " true"])
@pytest.mark.parametrize("name", ["SqsManagedSseEnabled", "ContentBasedDeduplication"])
def test_any_other_word_for_a_boolean_is_refused(sqs: Any, name: str, word: str) -> None:
    assert create_error(sqs, "orders.fifo", FifoQueue="true", **{name: word}) == bad_attribute(name)
    assert set_error(sqs, make_fifo(sqs), **{name: word}) == bad_attribute(name)


# Unknown and read-only names.


@pytest.mark.parametrize("name", ["Colour", "visibilityTimeout", "All", "", *READ_ONLY])
def test_an_unknown_or_read_only_name_cannot_be_set(sqs: Any, name: str) -> None:
    assert create_error(sqs, **{name: "1"}) == unknown_attribute(name)
    assert set_error(sqs, make_queue(sqs), **{name: "1"}) == unknown_attribute(name)


@pytest.mark.parametrize("word", ["true", "false"])
def test_fifoqueue_cannot_be_set_on_an_existing_standard_queue(sqs: Any, word: str) -> None:
    assert set_error(sqs, make_queue(sqs), FifoQueue=word) == unknown_attribute("FifoQueue")


def test_one_bad_attribute_keeps_all_the_others_as_they_were(sqs: Any) -> None:
    url = make_queue(sqs)
    assert set_error(sqs, url, DelaySeconds="5", Colour="red") == unknown_attribute("Colour")
    assert set_error(sqs, url, DelaySeconds="5", VisibilityTimeout="-1") == bad_attribute("VisibilityTimeout")
    assert attributes_of(sqs, url) == STANDARD


def test_setting_nothing_says_what_is_missing(sqs: Any) -> None:
    message = "The request must contain the parameter Attribute.Name."
    assert set_error(sqs, make_queue(sqs)) == Seen("MissingParameter", message, 400)


def test_setting_one_attribute_leaves_the_others(sqs: Any) -> None:
    url = make_queue(sqs, VisibilityTimeout="5", DelaySeconds="6")
    set_attributes(sqs, url, DelaySeconds="7", ReceiveMessageWaitTimeSeconds="8")
    changed = {"VisibilityTimeout": "5", "DelaySeconds": "7", "ReceiveMessageWaitTimeSeconds": "8"}
    assert attributes_of(sqs, url) == STANDARD | changed


# FIFO's own.


@pytest.mark.parametrize(("name", "value"), FIFO_ONLY.items())
def test_a_fifo_attribute_is_refused_on_a_standard_queue(sqs: Any, name: str, value: str) -> None:
    message = f"You can specify the {name} only when FifoQueue is set to true."
    refused = Seen("InvalidAttributeName", message, 400)
    assert create_error(sqs, **{name: value}) == refused
    assert set_error(sqs, make_queue(sqs), **{name: value}) == refused


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DeduplicationScope", "messagegroup"),
        ("DeduplicationScope", "group"),
        ("FifoThroughputLimit", "perqueue"),
        ("FifoThroughputLimit", "100"),
    ],
)
def test_an_unknown_word_for_a_fifo_attribute_is_refused(sqs: Any, name: str, value: str) -> None:
    assert create_error(sqs, "orders.fifo", FifoQueue="true", **{name: value}) == bad_attribute(name)
    assert set_error(sqs, make_fifo(sqs), **{name: value}) == bad_attribute(name)


def test_high_throughput_can_be_chosen_on_creation(sqs: Any) -> None:
    chosen = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    assert attributes_of(sqs, make_fifo(sqs, **chosen)) == FIFO | chosen


def test_high_throughput_can_be_chosen_later_and_given_up_again(sqs: Any) -> None:
    url = make_fifo(sqs)
    chosen = {"FifoThroughputLimit": "perMessageGroupId", "DeduplicationScope": "messageGroup"}
    set_attributes(sqs, url, **chosen)
    assert attributes_of(sqs, url) == FIFO | chosen
    set_attributes(sqs, url, FifoThroughputLimit="perQueue", DeduplicationScope="queue")
    assert attributes_of(sqs, url) == FIFO


def test_high_throughput_can_be_chosen_in_two_steps_scope_first(sqs: Any) -> None:
    url = make_fifo(sqs, DeduplicationScope="messageGroup")
    set_attributes(sqs, url, FifoThroughputLimit="perMessageGroupId")
    shown = attributes_of(sqs, url, "DeduplicationScope", "FifoThroughputLimit")
    assert shown == {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}


def test_a_scope_of_message_groups_goes_with_the_throughput_of_a_queue(sqs: Any) -> None:
    url = make_fifo(sqs, DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
    set_attributes(sqs, url, FifoThroughputLimit="perQueue")
    assert attributes_of(sqs, url) == FIFO | {"DeduplicationScope": "messageGroup"}


def test_throughput_per_group_needs_deduplication_per_group(sqs: Any) -> None:
    limit = {"FifoThroughputLimit": "perMessageGroupId"}
    refused = bad_attribute("FifoThroughputLimit")
    assert create_error(sqs, "orders.fifo", FifoQueue="true", **limit) == refused
    assert create_error(sqs, "orders.fifo", FifoQueue="true", DeduplicationScope="queue", **limit) == refused
    assert set_error(sqs, make_fifo(sqs), **limit) == refused


def test_deduplication_per_queue_alone_is_refused_while_throughput_is_per_group(sqs: Any) -> None:
    url = make_fifo(sqs, DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
    assert set_error(sqs, url, DeduplicationScope="queue") == bad_attribute("DeduplicationScope")
    assert attributes_of(sqs, url, "DeduplicationScope") == {"DeduplicationScope": "messageGroup"}


def test_empty_text_puts_a_fifo_attribute_back_to_its_default(sqs: Any) -> None:
    url = make_fifo(sqs, ContentBasedDeduplication="true", DeduplicationScope="messageGroup")
    set_attributes(sqs, url, **dict.fromkeys(FIFO_ONLY, ""))
    assert attributes_of(sqs, url) == FIFO


# Encryption.


@pytest.mark.parametrize("key", ["alias/aws/sqs", "alias/mine", KEY, "1234abcd-12ab-34cd-56ef-1234567890ab"])
def test_a_kms_key_takes_the_place_of_sqs_s_own(sqs: Any, key: str) -> None:
    encrypted = {"KmsMasterKeyId": key, "KmsDataKeyReusePeriodSeconds": "300", "SqsManagedSseEnabled": "false"}
    created, changed = make_queue(sqs, "created", KmsMasterKeyId=key), make_queue(sqs, "changed")
    set_attributes(sqs, changed, KmsMasterKeyId=key)
    assert attributes_of(sqs, created, *encrypted) == encrypted
    assert attributes_of(sqs, changed, *encrypted) == encrypted


def test_all_lists_the_key_and_its_reuse_period(sqs: Any) -> None:
    url = make_queue(sqs, KmsMasterKeyId=KEY, KmsDataKeyReusePeriodSeconds="600")
    encrypted = {"KmsMasterKeyId": KEY, "KmsDataKeyReusePeriodSeconds": "600", "SqsManagedSseEnabled": "false"}
    assert attributes_of(sqs, url) == STANDARD | encrypted


def test_the_reuse_period_is_not_shown_without_a_key(sqs: Any) -> None:
    url = make_queue(sqs, KmsDataKeyReusePeriodSeconds="600")
    assert attributes_of(sqs, url) == STANDARD
    assert attributes_of(sqs, url, "KmsDataKeyReusePeriodSeconds") == {}


def test_empty_text_puts_the_reuse_period_back_to_its_default(sqs: Any) -> None:
    url = make_queue(sqs, KmsMasterKeyId=KEY, KmsDataKeyReusePeriodSeconds="600")
    set_attributes(sqs, url, KmsDataKeyReusePeriodSeconds="")
    shown = attributes_of(sqs, url, "KmsDataKeyReusePeriodSeconds")
    assert shown == {"KmsDataKeyReusePeriodSeconds": "300"}


def test_empty_text_removes_the_key(sqs: Any) -> None:
    url = make_queue(sqs, KmsMasterKeyId=KEY)
    set_attributes(sqs, url, KmsMasterKeyId="")
    assert attributes_of(sqs, url, "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds") == {}


def test_a_key_can_be_exchanged_for_sqs_s_own_encryption(sqs: Any) -> None:
    url = make_queue(sqs, KmsMasterKeyId=KEY)
    set_attributes(sqs, url, KmsMasterKeyId="", SqsManagedSseEnabled="true")
    assert attributes_of(sqs, url) == STANDARD


def test_encryption_can_be_switched_off_and_on(sqs: Any) -> None:
    url = make_queue(sqs, SqsManagedSseEnabled="false")
    assert attributes_of(sqs, url, "SqsManagedSseEnabled") == {"SqsManagedSseEnabled": "false"}
    set_attributes(sqs, url, SqsManagedSseEnabled="true")
    assert attributes_of(sqs, url) == STANDARD


def test_a_key_and_sqs_s_own_encryption_switched_off_go_together(sqs: Any) -> None:
    url = make_queue(sqs, KmsMasterKeyId=KEY, SqsManagedSseEnabled="false")
    assert attributes_of(sqs, url, "KmsMasterKeyId") == {"KmsMasterKeyId": KEY}


def test_a_key_and_sqs_s_own_encryption_are_refused_together(sqs: Any) -> None:
    assert create_error(sqs, KmsMasterKeyId=KEY, SqsManagedSseEnabled="true") == TWO_ENCRYPTIONS
    assert set_error(sqs, make_queue(sqs), KmsMasterKeyId=KEY, SqsManagedSseEnabled="true") == TWO_ENCRYPTIONS


def test_sqs_s_own_encryption_is_refused_while_there_is_a_key(sqs: Any) -> None:
    url = make_queue(sqs, KmsMasterKeyId=KEY)
    assert set_error(sqs, url, SqsManagedSseEnabled="true") == TWO_ENCRYPTIONS


# Timestamps.


def test_timestamps_are_whole_seconds_of_creation_and_of_the_last_change(cloud: Any, sqs: Any) -> None:
    cloud.advance(1.999)
    url = make_queue(sqs)
    cloud.advance(100)
    set_attributes(sqs, url, DelaySeconds="1")
    shown = attributes_of(sqs, url, "CreatedTimestamp", "LastModifiedTimestamp")
    assert shown == {"CreatedTimestamp": "1767225601", "LastModifiedTimestamp": "1767225701"}


def test_a_refused_change_and_traffic_do_not_touch_lastmodifiedtimestamp(cloud: Any, sqs: Any) -> None:
    url = make_queue(sqs)
    cloud.advance(100)
    set_error(sqs, url, DelaySeconds="-1")
    sqs.send_message(QueueUrl=url, MessageBody="m")
    receive(sqs, url)
    sqs.purge_queue(QueueUrl=url)
    assert attributes_of(sqs, url, "LastModifiedTimestamp") == {"LastModifiedTimestamp": START_S}


# In force.


def test_a_shorter_retention_ends_messages_that_are_already_older(cloud: Any, sqs: Any) -> None:
    url = make_queue(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="old")
    cloud.advance(61)
    sqs.send_message(QueueUrl=url, MessageBody="new")
    set_attributes(sqs, url, MessageRetentionPeriod="60")
    assert [message["Body"] for message in receive(sqs, url)] == ["new"]


def test_a_changed_visibility_timeout_holds_from_the_next_receive(cloud: Any, sqs: Any) -> None:
    url = make_queue(sqs, VisibilityTimeout="10")
    sqs.send_message(QueueUrl=url, MessageBody="m")
    receive(sqs, url)
    set_attributes(sqs, url, VisibilityTimeout="100")
    cloud.advance(10)
    assert len(receive(sqs, url)) == 1
    cloud.advance(99)
    assert receive(sqs, url) == []
    cloud.advance(1)
    assert len(receive(sqs, url)) == 1


def test_a_changed_maximum_size_holds_from_the_next_send(sqs: Any) -> None:
    url = make_queue(sqs)
    set_attributes(sqs, url, MaximumMessageSize="1024")
    message = "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."
    error = error_of(sqs.send_message, QueueUrl=url, MessageBody="x" * 1025)
    assert error == Seen("InvalidParameterValue", message, 400)
    sqs.send_message(QueueUrl=url, MessageBody="x" * 1024)


def test_attributes_set_in_one_region_are_not_those_of_another(cloud: Any, sqs: Any) -> None:
    there = cloud.client(region="eu-central-1")
    url, there_url = make_queue(sqs), make_queue(there)
    set_attributes(there, there_url, DelaySeconds="5")
    assert attributes_of(sqs, url, "DelaySeconds") == {"DelaySeconds": "0"}
    assert attributes_of(there, there_url, "DelaySeconds") == {"DelaySeconds": "5"}


def test_the_attribute_map_on_the_wire_holds_text_only(cloud: Any, sqs: Any) -> None:
    url = make_fifo(sqs, KmsMasterKeyId=KEY)
    answer = json_call(cloud, "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["All"]})
    assert {type(value) for value in json.loads(answer.body)["Attributes"].values()} == {str}
