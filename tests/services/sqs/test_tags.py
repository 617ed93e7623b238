"""Tags of queues: TagQueue, UntagQueue, ListQueueTags, and tags given to CreateQueue."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.errors import Seen, error_of
from tests.support.sqs_messages import make_fifo, make_queue
from tests.support.sqs_queues import NO_QUEUE, invalid_value

BAD_KEY = invalid_value(
    "Tag keys must be between 1 and 128 characters in length, of letters, digits, spaces and _.:/=+-@."
)
BAD_VALUE = invalid_value(
    "Tag values must be between 0 and 256 characters in length, of letters, digits, spaces and _.:/=+-@."
)
RESERVED = invalid_value("Tag keys starting with 'aws:' are reserved for system use.")
TOO_MANY = invalid_value("Too many tags added for queue orders.")


def missing(parameter: str) -> Seen:
    return Seen("MissingParameter", f"The request must contain the parameter {parameter}.", 400)


def numbered(count: int, start: int = 0) -> dict[str, str]:
    return {f"key-{number}": f"value-{number}" for number in range(start, start + count)}


def tags_of(sqs: Any, url: str) -> dict[str, str]:
    tags: dict[str, str] = sqs.list_queue_tags(QueueUrl=url)["Tags"]
    return tags


def test_an_untagged_queue_lists_no_tags_key(sqs: Any) -> None:
    assert "Tags" not in sqs.list_queue_tags(QueueUrl=make_queue(sqs))


@pytest.mark.parametrize("make", [make_queue, make_fifo])
def test_tags_are_listed_as_they_were_given(sqs: Any, make: Any) -> None:
    url = make(sqs)
    sqs.tag_queue(QueueUrl=url, Tags={"team": "blue", "Stage": ""})
    assert tags_of(sqs, url) == {"team": "blue", "Stage": ""}


def test_createqueue_takes_tags(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="orders", tags={"team": "blue"})["QueueUrl"]
    assert tags_of(sqs, url) == {"team": "blue"}


def test_a_new_tag_joins_the_others_and_a_known_key_gets_the_new_value(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="orders", tags={"team": "blue", "stage": "test"})["QueueUrl"]
    sqs.tag_queue(QueueUrl=url, Tags={"team": "red", "cost": "1"})
    assert tags_of(sqs, url) == {"team": "red", "stage": "test", "cost": "1"}


def test_keys_that_differ_in_case_are_two_tags(sqs: Any) -> None:
    url = make_queue(sqs)
    sqs.tag_queue(QueueUrl=url, Tags={"team": "blue", "Team": "red"})
    assert tags_of(sqs, url) == {"team": "blue", "Team": "red"}


def test_untagging_takes_the_named_tags_and_passes_over_unknown_ones(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="orders", tags={"a": "1", "b": "2", "c": "3"})["QueueUrl"]
    sqs.untag_queue(QueueUrl=url, TagKeys=["a", "c", "unknown", "B"])
    assert tags_of(sqs, url) == {"b": "2"}


def test_untagging_the_last_tag_leaves_no_tags_key(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="orders", tags={"a": "1"})["QueueUrl"]
    sqs.untag_queue(QueueUrl=url, TagKeys=["a"])
    assert "Tags" not in sqs.list_queue_tags(QueueUrl=url)


@pytest.mark.parametrize(
    "text", ["a", "x" * 128, "with space", "a.b:c/d=e+f-g@h_i", "0", "größe", "数量", "Ж" * 128], ids=str
)
def test_a_key_has_1_to_128_letters_digits_spaces_and_some_signs(sqs: Any, text: str) -> None:
    url = make_queue(sqs)
    sqs.tag_queue(QueueUrl=url, Tags={text: "v"})
    assert tags_of(sqs, url) == {text: "v"}


@pytest.mark.parametrize("text", ["", "x" * 129, "a,b", "a;b", "a#b", "a*b", "a\\b", "{a}", "a&b", "a\x00"], ids=repr)
def test_any_other_key_is_refused(sqs: Any, text: str) -> None:
    assert error_of(sqs.tag_queue, QueueUrl=make_queue(sqs), Tags={text: "v"}) == BAD_KEY


@pytest.mark.parametrize(
    "text",
    ["", "x" * 256, "with space", "a.b:c/d=e+f-g@h_i", "größe", "数量" * 128],
    ids=["empty", "256", "space", "signs", "umlaut", "Chinese"],
)
def test_a_value_has_0_to_256_letters_digits_spaces_and_some_signs(sqs: Any, text: str) -> None:
    url = make_queue(sqs)
    sqs.tag_queue(QueueUrl=url, Tags={"k": text})
    assert tags_of(sqs, url) == {"k": text}


@pytest.mark.parametrize("text", ["x" * 257, "a,b", "a#b", "a*b", "a\\b", "{a}", "a&b", "a\x00"], ids=repr)
def test_any_other_value_is_refused(sqs: Any, text: str) -> None:
    assert error_of(sqs.tag_queue, QueueUrl=make_queue(sqs), Tags={"k": text}) == BAD_VALUE


@pytest.mark.parametrize("key", ["aws:", "aws:cloudformation:stack-name"])
def test_the_prefix_aws_is_reserved(sqs: Any, key: str) -> None:
    assert error_of(sqs.tag_queue, QueueUrl=make_queue(sqs), Tags={key: "v"}) == RESERVED


@pytest.mark.parametrize("key", ["aws", "aws-", "my:aws:key"])
def test_only_the_whole_prefix_aws_is_reserved(sqs: Any, key: str) -> None:
    url = make_queue(sqs)
    sqs.tag_queue(QueueUrl=url, Tags={key: "v"})
    assert tags_of(sqs, url) == {key: "v"}


def test_a_queue_has_up_to_50_tags(sqs: Any) -> None:
    url = make_queue(sqs)
    sqs.tag_queue(QueueUrl=url, Tags=numbered(25))
    sqs.tag_queue(QueueUrl=url, Tags=numbered(25, start=25))
    assert tags_of(sqs, url) == numbered(50)


def test_a_51st_tag_is_refused_and_changes_nothing(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="orders", tags=numbered(50))["QueueUrl"]
    assert error_of(sqs.tag_queue, QueueUrl=url, Tags={"key-0": "changed", "one-more": ""}) == TOO_MANY
    assert tags_of(sqs, url) == numbered(50)


def test_a_queue_with_50_tags_can_change_their_values(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="orders", tags=numbered(50))["QueueUrl"]
    sqs.tag_queue(QueueUrl=url, Tags={"key-7": "changed"})
    assert tags_of(sqs, url) == {**numbered(50), "key-7": "changed"}


@pytest.mark.parametrize(
    ("tags", "error"),
    [(numbered(51), TOO_MANY), ({"": "v"}, BAD_KEY), ({"k": "a,b"}, BAD_VALUE), ({"aws:k": "v"}, RESERVED)],
    ids=["51 tags", "key", "value", "reserved"],
)
def test_createqueue_refuses_the_same_tags_and_makes_no_queue(sqs: Any, tags: dict[str, str], error: Seen) -> None:
    assert error_of(sqs.create_queue, QueueName="orders", tags=tags) == error
    assert error_of(sqs.get_queue_url, QueueName="orders") == NO_QUEUE


def test_one_bad_tag_keeps_the_others_out(sqs: Any) -> None:
    url = make_queue(sqs)
    error_of(sqs.tag_queue, QueueUrl=url, Tags={"good": "v", "bad,": "v"})
    assert "Tags" not in sqs.list_queue_tags(QueueUrl=url)


def test_tagqueue_without_a_tag_says_what_is_missing(sqs: Any) -> None:
    assert error_of(sqs.tag_queue, QueueUrl=make_queue(sqs), Tags={}) == missing("Tags")


def test_untagqueue_without_a_key_says_what_is_missing(sqs: Any) -> None:
    assert error_of(sqs.untag_queue, QueueUrl=make_queue(sqs), TagKeys=[]) == missing("TagKeys")


def test_tagging_does_not_touch_lastmodifiedtimestamp(cloud: Any, sqs: Any) -> None:
    url = make_queue(sqs)
    names = ["LastModifiedTimestamp"]
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    cloud.advance(10)
    sqs.tag_queue(QueueUrl=url, Tags={"a": "b"})
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"] == before


def test_queues_of_one_name_in_two_regions_have_tags_of_their_own(cloud: Any, sqs: Any) -> None:
    there = cloud.client(region="ap-southeast-2")
    url, there_url = make_queue(sqs), make_queue(there)
    there.tag_queue(QueueUrl=there_url, Tags={"place": "Sydney"})
    assert "Tags" not in sqs.list_queue_tags(QueueUrl=url)
    assert tags_of(there, there_url) == {"place": "Sydney"}
