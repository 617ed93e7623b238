"""Tags of topics: TagResource, UntagResource, ListTagsForResource, and tags given to CreateTopic."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.errors import Seen, error_of

ARN = "arn:aws:sns:us-east-1:000000000000:orders"
FRIEND = "111122223333"
NO_TOPIC = Seen("ResourceNotFound", "Resource does not exist", 404)
TOO_MANY = Seen("TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded", 400)
LETTERS = "can have letters, digits, spaces and _ . : / = + - @ only"


def invalid(reason: str) -> Seen:
    return Seen("InvalidParameter", f"Invalid parameter: {reason}", 400)


RESERVED = invalid("Tags Reason: aws: prefixed tag key names are not allowed for external use.")
DUPLICATE = invalid("Duplicated keys are not allowed.")


def wrong_length(value: str, member: str, constraint: str) -> Seen:
    message = f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
    return Seen("ValidationError", message, 400)


@pytest.fixture
def sns(cloud: Any) -> Any:
    client = cloud.client("sns")
    client.create_topic(Name="orders")
    return client


def as_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag(sns: Any, tags: dict[str, str], arn: str = ARN) -> None:
    sns.tag_resource(ResourceArn=arn, Tags=as_list(tags))


def tag_error(sns: Any, tags: dict[str, str], arn: str = ARN) -> Seen:
    return error_of(tag, sns=sns, tags=tags, arn=arn)


def tags_of(sns: Any, arn: str = ARN) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in sns.list_tags_for_resource(ResourceArn=arn)["Tags"]}


def raw(cloud: Any, action: str, fields: str) -> Any:
    """Send what boto3 would not."""
    form = f"Action={action}&Version=2010-03-31&ResourceArn={ARN}&{fields}"
    return cloud.request(body=form.encode(), headers={"content-type": "application/x-www-form-urlencoded"})


def numbered(count: int, start: int = 0) -> dict[str, str]:
    return {f"key-{number}": f"value-{number}" for number in range(start, start + count)}


def test_an_untagged_topic_lists_an_empty_list(sns: Any) -> None:
    assert sns.list_tags_for_resource(ResourceArn=ARN)["Tags"] == []


@pytest.mark.parametrize(("name", "attributes"), [("bills", {}), ("bills.fifo", {"FifoTopic": "true"})])
def test_tags_are_listed_in_the_order_in_which_they_were_given(sns: Any, name: str, attributes: dict[str, str]) -> None:
    arn = sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]
    tag(sns, {"team": "blue", "Stage": "", "area": "x"}, arn)
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == as_list({"team": "blue", "Stage": "", "area": "x"})


def test_createtopic_takes_tags(sns: Any) -> None:
    arn = sns.create_topic(Name="bills", Tags=as_list({"team": "blue"}))["TopicArn"]
    assert tags_of(sns, arn) == {"team": "blue"}


def test_a_new_tag_joins_the_others_and_a_known_key_gets_the_new_value(sns: Any) -> None:
    tag(sns, {"team": "blue", "stage": "test"})
    tag(sns, {"team": "red", "cost": "1"})
    assert tags_of(sns) == {"team": "red", "stage": "test", "cost": "1"}


def test_keys_that_differ_in_case_are_two_tags(sns: Any) -> None:
    tag(sns, {"team": "blue", "Team": "red"})
    assert tags_of(sns) == {"team": "blue", "Team": "red"}


def test_untagging_takes_the_named_tags_and_passes_over_unknown_ones(sns: Any) -> None:
    tag(sns, {"a": "1", "b": "2", "c": "3"})
    sns.untag_resource(ResourceArn=ARN, TagKeys=["a", "c", "unknown", "B"])
    assert tags_of(sns) == {"b": "2"}


def test_tagging_and_untagging_with_nothing_changes_nothing(sns: Any) -> None:
    tag(sns, {"a": "1"})
    tag(sns, {})
    sns.untag_resource(ResourceArn=ARN, TagKeys=[])
    assert tags_of(sns) == {"a": "1"}


def test_answers_have_a_result_element_even_where_it_is_empty(cloud: Any, sns: Any) -> None:
    tag(sns, {"a": "b"})
    for action in ("TagResource", "UntagResource"):
        text = raw(cloud, action, "Tags.member.1.Key=c&Tags.member.1.Value=d&TagKeys.member.1=e").text
        assert f"<{action}Result></{action}Result>" in text or f"<{action}Result/>" in text
    assert tags_of(sns) == {"a": "b", "c": "d"}


def test_a_tag_without_a_value_has_an_empty_one(cloud: Any, sns: Any) -> None:
    assert raw(cloud, "TagResource", "Tags.member.1.Key=a").status == 200
    assert tags_of(sns) == {"a": ""}


@pytest.mark.parametrize(
    ("action", "fields", "member"),
    [
        ("TagResource", "", "tags"),
        ("TagResource", "Tags.member.1.Key=a&Tags.member.2.Value=b", "tags.2.member.key"),
        ("UntagResource", "", "tagKeys"),
    ],
)
def test_what_a_request_lacks_is_named(cloud: Any, sns: Any, action: str, fields: str, member: str) -> None:
    answer = raw(cloud, action, fields)
    assert answer.status == 400
    assert "<Code>ValidationError</Code>" in answer.text
    assert f"Value null at '{member}' failed to satisfy constraint: Member must not be null<" in answer.text
    assert tags_of(sns) == {}


# Keys and values.


@pytest.mark.parametrize(
    "text", ["a", "x" * 128, "with space", "a.b:c/d=e+f-g@h_i", "0", "größe", "数量", "Ж" * 128], ids=str
)
def test_a_key_has_1_to_128_letters_digits_spaces_and_some_signs(sns: Any, text: str) -> None:
    tag(sns, {text: "v"})
    assert tags_of(sns) == {text: "v"}


@pytest.mark.parametrize("text", ["a,b", "a;b", "a#b", "a*b", "a\\b", "{a}", "a&b", "a\tb"], ids=repr)
def test_any_other_character_in_a_key_is_refused(sns: Any, text: str) -> None:
    assert tag_error(sns, {text: "v"}) == invalid(f"Tags Reason: a tag's key {LETTERS}")


def test_a_key_that_is_too_long_is_shown_with_its_place(sns: Any) -> None:
    error = tag_error(sns, {"good": "v", "x" * 129: "v"})
    assert error == wrong_length("x" * 129, "tags.2.member.key", "Member must have length less than or equal to 128")


def test_an_empty_key_is_too_short(cloud: Any, sns: Any) -> None:
    answer = raw(cloud, "TagResource", "Tags.member.1.Key=&Tags.member.1.Value=v")
    assert answer.status == 400
    assert "Value '' at 'tags.1.member.key' failed" in answer.text
    assert "Member must have length greater than or equal to 1<" in answer.text
    assert tags_of(sns) == {}


@pytest.mark.parametrize(
    "text",
    ["", "x" * 256, "with space", "a.b:c/d=e+f-g@h_i", "größe", "数量" * 128],
    ids=["empty", "256", "space", "signs", "umlaut", "Chinese"],
)
def test_a_value_has_0_to_256_letters_digits_spaces_and_some_signs(sns: Any, text: str) -> None:
    tag(sns, {"k": text})
    assert tags_of(sns) == {"k": text}


@pytest.mark.parametrize("text", ["a,b", "a#b", "a*b", "a\\b", "{a}", "a&b", "a\tb"], ids=repr)
def test_any_other_character_in_a_value_is_refused(sns: Any, text: str) -> None:
    assert tag_error(sns, {"k": text}) == invalid(f"Tags Reason: a tag's value {LETTERS}")


def test_a_value_that_is_too_long_is_shown_with_its_place(sns: Any) -> None:
    constraint = "Member must have length less than or equal to 256"
    assert tag_error(sns, {"k": "x" * 257}) == wrong_length("x" * 257, "tags.1.member.value", constraint)


@pytest.mark.parametrize("key", ["aws:", "aws:cloudformation:stack-name", "AWS:x"])
def test_the_prefix_aws_is_reserved(sns: Any, key: str) -> None:
    assert tag_error(sns, {key: "v"}) == RESERVED


@pytest.mark.parametrize("key", ["aws", "aws-", "my:aws:key"])
def test_only_the_whole_prefix_aws_is_reserved(sns: Any, key: str) -> None:
    tag(sns, {key: "v"})
    assert tags_of(sns) == {key: "v"}


def test_one_request_names_a_key_once(sns: Any) -> None:
    tags = [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "1"}]
    assert error_of(sns.tag_resource, ResourceArn=ARN, Tags=tags) == DUPLICATE
    assert error_of(sns.create_topic, Name="bills", Tags=tags) == DUPLICATE
    assert tags_of(sns) == {}


# How many.


def test_a_topic_has_up_to_50_tags(sns: Any) -> None:
    tag(sns, numbered(25))
    tag(sns, numbered(25, start=25))
    assert tags_of(sns) == numbered(50)


def test_a_51st_tag_is_refused_and_changes_nothing(sns: Any) -> None:
    tag(sns, numbered(50))
    assert tag_error(sns, {"key-0": "changed", "one-more": ""}) == TOO_MANY
    assert tags_of(sns) == numbered(50)


def test_a_topic_with_50_tags_can_change_their_values(sns: Any) -> None:
    tag(sns, numbered(50))
    tag(sns, {"key-7": "changed"})
    assert tags_of(sns) == {**numbered(50), "key-7": "changed"}


@pytest.mark.parametrize(
    ("tags", "error"),
    [
        (numbered(51), TOO_MANY),
        ({"a,b": "v"}, invalid(f"Tags Reason: a tag's key {LETTERS}")),
        ({"aws:k": "v"}, RESERVED),
    ],
    ids=["51 tags", "key", "reserved"],
)
def test_createtopic_refuses_the_same_tags_and_makes_no_topic(sns: Any, tags: dict[str, str], error: Seen) -> None:
    assert error_of(sns.create_topic, Name="bills", Tags=as_list(tags)) == error
    assert sns.list_topics()["Topics"] == [{"TopicArn": ARN}]


def test_one_bad_tag_keeps_the_others_out(sns: Any) -> None:
    tag_error(sns, {"good": "v", "bad,": "v"})
    assert tags_of(sns) == {}


# Whose.


def all_errors(sns: Any, arn: str) -> set[Seen]:
    return {
        tag_error(sns, {"a": "b"}, arn),
        error_of(sns.untag_resource, ResourceArn=arn, TagKeys=["a"]),
        error_of(sns.list_tags_for_resource, ResourceArn=arn),
    }


@pytest.mark.parametrize("account", ["000000000000", FRIEND])
def test_a_missing_topic_is_not_found_in_the_words_of_the_tag_operations(sns: Any, account: str) -> None:
    assert all_errors(sns, f"arn:aws:sns:us-east-1:{account}:nobody") == {NO_TOPIC}


@pytest.mark.parametrize(
    ("arn", "reason"),
    [
        ("orders", "ResourceArn Reason: An ARN must have at least 6 elements, not 1"),
        ("arn:aws:sns:eu-west-1:000000000000:orders", "ResourceArn"),
        ("arn:aws:sqs:us-east-1:000000000000:orders", "ResourceArn"),
        (f"{ARN}:9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d", "ResourceArn"),
        ("arn:aws:sns:us-east-1:000000000000:app/GCM/mine", "ResourceArn"),
    ],
    ids=["no arn", "other region", "queue", "subscription", "application"],
)
def test_only_topics_of_the_region_have_tags(sns: Any, arn: str, reason: str) -> None:
    assert all_errors(sns, arn) == {invalid(reason)}


def test_the_tags_of_a_topic_are_its_owner_s_business(cloud: Any, sns: Any) -> None:
    errors = all_errors(cloud.client("sns", account=FRIEND), ARN)
    assert errors == {
        Seen(
            "AuthorizationError",
            f"User: arn:aws:iam::{FRIEND}:root is not authorized to perform: SNS:{action} on resource: {ARN} "
            f"because no resource-based policy allows the SNS:{action} action",
            403,
        )
        for action in ("TagResource", "UntagResource", "ListTagsForResource")
    }
    assert tags_of(sns) == {}


def test_topics_of_one_name_in_two_regions_have_tags_of_their_own(cloud: Any, sns: Any) -> None:
    there = cloud.client("sns", account=FRIEND, region="ap-southeast-2")
    arn = there.create_topic(Name="orders")["TopicArn"]
    tag(there, {"place": "Sydney"}, arn)
    assert tags_of(sns) == {}
    assert tags_of(there, arn) == {"place": "Sydney"}


def test_a_topic_made_anew_has_no_tags_of_its_namesake(sns: Any) -> None:
    tag(sns, {"a": "b"})
    sns.delete_topic(TopicArn=ARN)
    assert all_errors(sns, ARN) == {NO_TOPIC}
    sns.create_topic(Name="orders")
    assert tags_of(sns) == {}
