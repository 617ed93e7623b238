"""Queues themselves: CreateQueue, DeleteQueue, PurgeQueue, GetQueueUrl, and the 60 second rules."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.errors import Seen, error_of
from tests.support.sqs_messages import counts, make_fifo, make_queue, receive
from tests.support.sqs_queues import (
    NO_FOREIGN_QUEUE,
    NO_QUEUE,
    arn_of,
    attributes_of,
    bad_attribute,
    invalid_value,
    name_taken,
    set_attributes,
    unknown_attribute,
)
from tests.support.sqs_wire import json_call

BAD_NAME = invalid_value("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
BAD_FIFO_NAME = invalid_value(
    "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, "
    "must end with .fifo suffix and be 1 to 80 in length."
)
DELETED_RECENTLY = Seen(
    "AWS.SimpleQueueService.QueueDeletedRecently",
    "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
    400,
)
BASE = "http://localhost:4566/000000000000"


def purge_in_progress(name: str) -> Seen:
    return Seen(
        "AWS.SimpleQueueService.PurgeQueueInProgress",
        f"Only one PurgeQueue operation on {name} is allowed every 60 seconds.",
        403,
    )


# Names.


@pytest.mark.parametrize("name", ["a", "0", "Orders-2026_eu", "x" * 80])
def test_a_standard_queue_s_name_has_letters_digits_hyphens_and_underscores(sqs: Any, name: str) -> None:
    assert sqs.create_queue(QueueName=name)["QueueUrl"] == f"{BASE}/{name}"


@pytest.mark.parametrize(
    "name", ["", "x" * 81, "or ders", "or.ders", "or/ders", "orders\n", "ördërs", "٣", "orders.fifo", "orders:1"]
)
def test_any_other_name_of_a_standard_queue_is_refused(sqs: Any, name: str) -> None:
    assert error_of(sqs.create_queue, QueueName=name) == BAD_NAME


@pytest.mark.parametrize("name", ["a.fifo", "Orders-2026_eu.fifo", "x" * 75 + ".fifo"])
def test_a_fifo_queue_s_name_ends_in_fifo_which_counts_among_its_80_characters(sqs: Any, name: str) -> None:
    answer = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})
    assert answer["QueueUrl"] == f"{BASE}/{name}"


@pytest.mark.parametrize(
    "name", ["", "orders", ".fifo", "x" * 76 + ".fifo", "or ders.fifo", "orders.FIFO", "a.fifo.fifo", "orders.fifo\n"]
)
def test_any_other_name_of_a_fifo_queue_is_refused(sqs: Any, name: str) -> None:
    assert error_of(sqs.create_queue, QueueName=name, Attributes={"FifoQueue": "true"}) == BAD_FIFO_NAME


@pytest.mark.parametrize("word", ["true", "True", "TRUE"])
def test_fifoqueue_is_true_in_any_case_and_shown_in_lower_case(sqs: Any, word: str) -> None:
    url = make_queue(sqs, "orders.fifo", FifoQueue=word)
    assert attributes_of(sqs, url, "FifoQueue") == {"FifoQueue": "true"}


@pytest.mark.parametrize("word", ["false", "False", "maybe"])
def test_fifoqueue_on_a_standard_name_is_unknown_even_when_it_is_false(sqs: Any, word: str) -> None:
    error = error_of(sqs.create_queue, QueueName="orders", Attributes={"FifoQueue": word})
    assert error == unknown_attribute("FifoQueue")


@pytest.mark.parametrize("word", ["false", "False", "maybe"])
def test_a_name_that_ends_in_fifo_needs_fifoqueue_true(sqs: Any, word: str) -> None:
    assert error_of(sqs.create_queue, QueueName="orders.fifo", Attributes={"FifoQueue": word}) == BAD_NAME


def test_names_that_differ_in_case_are_two_queues(sqs: Any) -> None:
    make_queue(sqs, "Orders")
    make_queue(sqs, "orders")
    assert sqs.list_queues()["QueueUrls"] == [f"{BASE}/Orders", f"{BASE}/orders"]


def test_a_standard_and_a_fifo_queue_of_one_stem_are_two_queues(sqs: Any) -> None:
    assert make_queue(sqs, "orders") != make_fifo(sqs, "orders.fifo")


def test_createqueue_without_a_name_names_what_is_missing(cloud: Any) -> None:
    answer = json_call(cloud, "CreateQueue", {"Attributes": {}})
    assert answer.status == 400
    assert json.loads(answer.body) == {
        "__type": "com.amazon.coral.service#MissingRequiredParameterException",
        "message": "The request must contain the parameter QueueName.",
    }


# Creating again.


def test_creating_again_without_attributes_gives_the_url_whatever_the_queue_s_values(sqs: Any) -> None:
    url = make_queue(sqs, VisibilityTimeout="5", DelaySeconds="1", KmsMasterKeyId="alias/mine")
    assert sqs.create_queue(QueueName="orders")["QueueUrl"] == url
    assert sqs.create_queue(QueueName="orders", Attributes={})["QueueUrl"] == url


def test_creating_a_fifo_queue_again_without_attributes_gives_the_url(sqs: Any) -> None:
    url = make_fifo(sqs, ContentBasedDeduplication="true")
    assert sqs.create_queue(QueueName="orders.fifo")["QueueUrl"] == url


def test_creating_again_leaves_the_queue_its_messages_and_its_values(sqs: Any) -> None:
    url = make_queue(sqs, VisibilityTimeout="5")
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    before = attributes_of(sqs, url)
    sqs.create_queue(QueueName="orders")
    assert attributes_of(sqs, url) == before
    assert [message["Body"] for message in receive(sqs, url)] == ["kept"]


@pytest.mark.parametrize(
    "given",
    [
        {"VisibilityTimeout": "5"},
        {"DelaySeconds": "0"},
        {"SqsManagedSseEnabled": "TRUE"},
        {"MessageRetentionPeriod": "345600", "VisibilityTimeout": "5"},
        {"Policy": ""},
        {"RedrivePolicy": ""},
        {"KmsMasterKeyId": ""},
    ],
    ids=str,
)
def test_creating_again_with_some_equal_values_defaults_included_gives_the_url(sqs: Any, given: dict[str, str]) -> None:
    url = make_queue(sqs, VisibilityTimeout="5")
    assert make_queue(sqs, **given) == url


@pytest.mark.parametrize(
    "given",
    [
        {"FifoQueue": "true"},
        {"FifoQueue": "true", "FifoThroughputLimit": "perMessageGroupId"},
        {"FifoQueue": "true", "DeduplicationScope": "messageGroup"},
        {"FifoQueue": "true", "ContentBasedDeduplication": "false"},
    ],
    ids=str,
)
def test_creating_a_fifo_queue_again_with_some_equal_values_gives_the_url(sqs: Any, given: dict[str, str]) -> None:
    url = make_fifo(sqs, DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
    assert make_queue(sqs, "orders.fifo", **given) == url


@pytest.mark.parametrize("key", [{}, {"KmsMasterKeyId": "alias/mine"}], ids=["without a key", "with a key"])
def test_creating_again_with_the_default_key_reuse_period_gives_the_url(sqs: Any, key: dict[str, str]) -> None:
    url = make_queue(sqs, **key)
    assert make_queue(sqs, **key, KmsDataKeyReusePeriodSeconds="300") == url


def test_creating_again_compares_a_redrive_policy_by_its_meaning(sqs: Any) -> None:
    target = arn_of(sqs, make_queue(sqs, "dead"))
    url = make_queue(sqs, RedrivePolicy=json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": 5}))
    same = json.dumps({"maxReceiveCount": "5", "deadLetterTargetArn": target})
    assert make_queue(sqs, RedrivePolicy=same) == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VisibilityTimeout", "31"),
        ("DelaySeconds", "1"),
        ("MaximumMessageSize", "1024"),
        ("MessageRetentionPeriod", "60"),
        ("ReceiveMessageWaitTimeSeconds", "20"),
        ("SqsManagedSseEnabled", "false"),
        ("KmsMasterKeyId", "alias/aws/sqs"),
        ("KmsDataKeyReusePeriodSeconds", "60"),
        ("RedriveAllowPolicy", '{"redrivePermission":"denyAll"}'),
        (
            "Policy",
            '{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}]}',
        ),
    ],
)
def test_creating_again_with_another_value_names_the_attribute(sqs: Any, name: str, value: str) -> None:
    make_queue(sqs)
    assert error_of(sqs.create_queue, QueueName="orders", Attributes={name: value}) == name_taken(name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ContentBasedDeduplication", "true"),
        ("DeduplicationScope", "messageGroup"),
    ],
)
def test_creating_a_fifo_queue_again_with_another_value_names_the_attribute(sqs: Any, name: str, value: str) -> None:
    make_fifo(sqs)
    given = {"FifoQueue": "true", name: value}
    assert error_of(sqs.create_queue, QueueName="orders.fifo", Attributes=given) == name_taken(name)


def test_creating_again_with_another_redrive_policy_names_it(sqs: Any) -> None:
    target = arn_of(sqs, make_queue(sqs, "dead"))
    make_queue(sqs, RedrivePolicy=json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": 5}))
    other = json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": 6})
    assert error_of(make_queue, sqs=sqs, RedrivePolicy=other) == name_taken("RedrivePolicy")


def test_creating_again_names_the_first_of_several_differing_attributes(sqs: Any) -> None:
    make_queue(sqs)
    given = {"DelaySeconds": "0", "VisibilityTimeout": "1", "MaximumMessageSize": "2048"}
    assert error_of(sqs.create_queue, QueueName="orders", Attributes=given) == name_taken("VisibilityTimeout")


def test_creating_again_compares_with_the_values_of_now_not_with_those_of_the_creation(sqs: Any) -> None:
    url = make_queue(sqs, VisibilityTimeout="5")
    set_attributes(sqs, url, VisibilityTimeout="6")
    assert make_queue(sqs, VisibilityTimeout="6") == url
    error = error_of(sqs.create_queue, QueueName="orders", Attributes={"VisibilityTimeout": "5"})
    assert error == name_taken("VisibilityTimeout")


def test_creating_again_does_not_compare_tags_nor_apply_them(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="orders", tags={"team": "blue"})["QueueUrl"]
    assert sqs.create_queue(QueueName="orders", tags={"team": "red", "stage": "test"})["QueueUrl"] == url
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "blue"}


def test_creating_again_with_a_bad_value_says_that_it_is_bad(sqs: Any) -> None:
    make_queue(sqs)
    error = error_of(sqs.create_queue, QueueName="orders", Attributes={"VisibilityTimeout": "43201"})
    assert error == bad_attribute("VisibilityTimeout")


def test_a_refused_creation_leaves_no_queue(sqs: Any) -> None:
    error_of(sqs.create_queue, QueueName="orders", Attributes={"VisibilityTimeout": "-1"})
    assert error_of(sqs.get_queue_url, QueueName="orders") == NO_QUEUE


# Deleting.


def calls_of_a_queue(sqs: Any, url: str) -> dict[str, tuple[Any, dict[str, Any]]]:
    permission = {"Label": "l", "AWSAccountIds": ["111122223333"], "Actions": ["SendMessage"]}
    entry = {"Id": "1", "ReceiptHandle": "h"}
    calls = {
        "add_permission": permission,
        "change_message_visibility": {"ReceiptHandle": "h", "VisibilityTimeout": 1},
        "change_message_visibility_batch": {"Entries": [{**entry, "VisibilityTimeout": 1}]},
        "delete_message": {"ReceiptHandle": "h"},
        "delete_message_batch": {"Entries": [entry]},
        "delete_queue": {},
        "get_queue_attributes": {"AttributeNames": ["All"]},
        "list_dead_letter_source_queues": {},
        "list_queue_tags": {},
        "purge_queue": {},
        "receive_message": {},
        "remove_permission": {"Label": "l"},
        "send_message": {"MessageBody": "m"},
        "send_message_batch": {"Entries": [{"Id": "1", "MessageBody": "m"}]},
        "set_queue_attributes": {"Attributes": {"DelaySeconds": "1"}},
        "tag_queue": {"Tags": {"a": "b"}},
        "untag_queue": {"TagKeys": ["a"]},
    }
    return {name: (getattr(sqs, name), {"QueueUrl": url, **arguments}) for name, arguments in calls.items()}


def test_nothing_can_be_done_with_a_deleted_queue(sqs: Any) -> None:
    url = make_queue(sqs)
    sqs.delete_queue(QueueUrl=url)
    errors = {name: error_of(call, **arguments) for name, (call, arguments) in calls_of_a_queue(sqs, url).items()}
    assert errors == dict.fromkeys(errors, NO_QUEUE)


def test_a_deleted_queue_is_neither_found_nor_listed(sqs: Any) -> None:
    sqs.delete_queue(QueueUrl=make_queue(sqs))
    assert error_of(sqs.get_queue_url, QueueName="orders") == NO_QUEUE
    assert "QueueUrls" not in sqs.list_queues()


def test_deleting_a_queue_that_never_was_is_an_error_of_boto3_s_own_class(sqs: Any) -> None:
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.delete_queue(QueueUrl=f"{BASE}/nobody")


def test_deleting_one_queue_leaves_the_others(sqs: Any) -> None:
    kept = make_queue(sqs, "kept")
    sqs.delete_queue(QueueUrl=make_queue(sqs, "gone"))
    assert sqs.list_queues()["QueueUrls"] == [kept]


@pytest.mark.parametrize("waited_s", [0, 1, 59.999])
def test_a_deleted_queue_s_name_is_blocked_for_60_seconds(cloud: Any, sqs: Any, waited_s: float) -> None:
    sqs.delete_queue(QueueUrl=make_queue(sqs))
    cloud.advance(waited_s)
    assert error_of(sqs.create_queue, QueueName="orders") == DELETED_RECENTLY


def test_a_deleted_queue_s_name_is_free_again_after_60_seconds(cloud: Any, sqs: Any) -> None:
    url = make_queue(sqs)
    sqs.delete_queue(QueueUrl=url)
    cloud.advance(60)
    assert make_queue(sqs) == url


def test_a_refused_creation_does_not_block_the_name_for_longer(cloud: Any, sqs: Any) -> None:
    sqs.delete_queue(QueueUrl=make_queue(sqs))
    cloud.advance(59)
    error_of(sqs.create_queue, QueueName="orders")
    cloud.advance(1)
    make_queue(sqs)


def test_each_deletion_blocks_the_name_anew(cloud: Any, sqs: Any) -> None:
    sqs.delete_queue(QueueUrl=make_queue(sqs))
    cloud.advance(60)
    sqs.delete_queue(QueueUrl=make_queue(sqs))
    cloud.advance(59.999)
    assert error_of(sqs.create_queue, QueueName="orders") == DELETED_RECENTLY


def test_names_deleted_one_after_the_other_become_free_one_after_the_other(cloud: Any, sqs: Any) -> None:
    first, second = make_queue(sqs, "first"), make_queue(sqs, "second")
    sqs.delete_queue(QueueUrl=first)
    cloud.advance(30)
    sqs.delete_queue(QueueUrl=second)
    cloud.advance(30)
    assert make_queue(sqs, "first") == first
    assert error_of(sqs.create_queue, QueueName="second") == DELETED_RECENTLY


@pytest.mark.parametrize("other", [{"region": "eu-west-1"}, {"account": "111122223333"}], ids=["region", "account"])
def test_a_deleted_name_is_blocked_only_where_it_was_deleted(cloud: Any, sqs: Any, other: dict[str, str]) -> None:
    sqs.delete_queue(QueueUrl=make_queue(sqs))
    assert make_queue(cloud.client(**other)).endswith("/orders")


def test_a_queue_created_anew_has_nothing_of_the_old_one(cloud: Any, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="orders", Attributes={"DelaySeconds": "9"}, tags={"a": "b"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="old", DelaySeconds=0)
    sqs.delete_queue(QueueUrl=url)
    cloud.advance(60)
    make_queue(sqs)
    assert receive(sqs, url) == []
    assert attributes_of(sqs, url, "DelaySeconds") == {"DelaySeconds": "0"}
    assert "Tags" not in sqs.list_queue_tags(QueueUrl=url)


def test_without_cooldowns_a_deleted_queue_s_name_is_free_at_once(cloud_with: Any) -> None:
    sqs = cloud_with(cooldowns=False).client()
    url = make_queue(sqs)
    sqs.delete_queue(QueueUrl=url)
    assert make_queue(sqs) == url


# Purging.


def test_purging_drops_visible_delayed_and_in_flight_messages(cloud: Any, sqs: Any) -> None:
    url = make_queue(sqs, DelaySeconds="0", VisibilityTimeout="30")
    sqs.send_message(QueueUrl=url, MessageBody="in flight")
    receive(sqs, url)
    sqs.send_message(QueueUrl=url, MessageBody="visible")
    sqs.send_message(QueueUrl=url, MessageBody="delayed", DelaySeconds=20)
    assert counts(sqs, url) == (1, 1, 1)
    sqs.purge_queue(QueueUrl=url)
    assert counts(sqs, url) == (0, 0, 0)
    cloud.advance(31)
    assert receive(sqs, url) == []


def test_a_message_sent_after_a_purge_stays(sqs: Any) -> None:
    url = make_queue(sqs)
    sqs.purge_queue(QueueUrl=url)
    sqs.send_message(QueueUrl=url, MessageBody="new")
    assert [message["Body"] for message in receive(sqs, url)] == ["new"]


def test_purging_a_fifo_queue_drops_its_messages_and_frees_its_groups(sqs: Any) -> None:
    url = make_fifo(sqs, ContentBasedDeduplication="true")
    for body in ("first", "second"):
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g")
    receive(sqs, url, MaxNumberOfMessages=1)
    sqs.purge_queue(QueueUrl=url)
    assert counts(sqs, url) == (0, 0, 0)
    sqs.send_message(QueueUrl=url, MessageBody="third", MessageGroupId="g")
    assert [message["Body"] for message in receive(sqs, url)] == ["third"]


def test_purging_a_fifo_queue_keeps_its_deduplication_history(cloud: Any, sqs: Any) -> None:
    url = make_fifo(sqs)
    message = {"QueueUrl": url, "MessageBody": "m", "MessageGroupId": "g", "MessageDeduplicationId": "d"}
    first = sqs.send_message(**message)["MessageId"]
    sqs.purge_queue(QueueUrl=url)
    cloud.advance(299.999)
    assert sqs.send_message(**message)["MessageId"] == first
    assert receive(sqs, url) == []
    cloud.advance(0.001)
    assert sqs.send_message(**message)["MessageId"] != first
    assert len(receive(sqs, url)) == 1


@pytest.mark.parametrize("waited_s", [0, 1, 59.999])
def test_a_second_purge_within_60_seconds_is_refused_and_drops_nothing(cloud: Any, sqs: Any, waited_s: float) -> None:
    url = make_queue(sqs)
    sqs.purge_queue(QueueUrl=url)
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    cloud.advance(waited_s)
    assert error_of(sqs.purge_queue, QueueUrl=url) == purge_in_progress("orders")
    assert counts(sqs, url) == (1, 0, 0)


def test_a_purge_is_allowed_again_after_60_seconds(cloud: Any, sqs: Any) -> None:
    url = make_queue(sqs)
    sqs.purge_queue(QueueUrl=url)
    cloud.advance(60)
    sqs.send_message(QueueUrl=url, MessageBody="dropped")
    sqs.purge_queue(QueueUrl=url)
    assert counts(sqs, url) == (0, 0, 0)


def test_a_refused_purge_does_not_put_off_the_next_one(cloud: Any, sqs: Any) -> None:
    url = make_queue(sqs)
    sqs.purge_queue(QueueUrl=url)
    cloud.advance(59)
    error_of(sqs.purge_queue, QueueUrl=url)
    cloud.advance(1)
    sqs.purge_queue(QueueUrl=url)


def test_a_purge_of_one_queue_does_not_block_another(sqs: Any) -> None:
    sqs.purge_queue(QueueUrl=make_queue(sqs, "first"))
    sqs.purge_queue(QueueUrl=make_queue(sqs, "second"))


def test_without_cooldowns_a_queue_can_be_purged_time_and_again(cloud_with: Any) -> None:
    sqs = cloud_with(cooldowns=False).client()
    url = make_queue(sqs)
    for _ in range(2):
        sqs.send_message(QueueUrl=url, MessageBody="dropped")
        sqs.purge_queue(QueueUrl=url)
        assert counts(sqs, url) == (0, 0, 0)


# Finding.


def test_getqueueurl_gives_the_url_and_nothing_else(sqs: Any) -> None:
    url = make_queue(sqs)
    answer = sqs.get_queue_url(QueueName="orders")
    del answer["ResponseMetadata"]
    assert answer == {"QueueUrl": url}


def test_getqueueurl_of_a_missing_queue_is_an_error(sqs: Any) -> None:
    assert error_of(sqs.get_queue_url, QueueName="nobody") == NO_QUEUE


def test_getqueueurl_heeds_the_case_of_the_name(sqs: Any) -> None:
    make_queue(sqs, "orders")
    assert error_of(sqs.get_queue_url, QueueName="Orders") == NO_QUEUE


def test_getqueueurl_finds_a_queue_of_another_account_by_its_owner(cloud: Any, sqs: Any) -> None:
    url = make_queue(cloud.client(account="111122223333"))
    answer = sqs.get_queue_url(QueueName="orders", QueueOwnerAWSAccountId="111122223333")
    assert answer["QueueUrl"] == url == "http://localhost:4566/111122223333/orders"


def test_getqueueurl_takes_the_caller_s_own_account_as_owner(sqs: Any) -> None:
    url = make_queue(sqs)
    assert sqs.get_queue_url(QueueName="orders", QueueOwnerAWSAccountId="000000000000")["QueueUrl"] == url


def test_getqueueurl_does_not_tell_whether_another_account_has_a_queue(sqs: Any) -> None:
    make_queue(sqs)
    error = error_of(sqs.get_queue_url, QueueName="orders", QueueOwnerAWSAccountId="111122223333")
    assert error == NO_FOREIGN_QUEUE
