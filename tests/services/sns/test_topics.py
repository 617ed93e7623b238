"""Topics as they come and go: names, CreateTopic said twice, DeleteTopic, ListTopics in pages, accounts and regions, quotas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.sns import limits
from tests.support.errors import Seen, error_of
from tests.support.harness import Harness
from tests.support.sns_subscriptions import subscribe, subscriptions_of
from tests.support.sns_topics import (
    NO_TOPIC,
    invalid,
    make_fifo_topic,
    make_topic,
    pages_of,
    set_topic,
    topic_arn,
    topic_attributes,
    topics_of,
)

OTHER_ATTRIBUTES = invalid("Attributes Reason: Topic already exists with different attributes")
OTHER_TAGS = invalid("Tags Reason: Topic already exists with different tags")
BAD_NAME = invalid("Topic Name")
ARCHIVE = '{"MessageRetentionPeriod":"30"}'


def refusal(sns: Any, name: str = "orders", **attributes: str) -> Seen:
    """Create a topic in vain."""
    return error_of(sns.create_topic, Name=name, Attributes=attributes)


def tagged(*pairs: str) -> list[dict[str, str]]:
    """Make tags: `a=1`."""
    return [{"Key": key, "Value": value} for key, _, value in (pair.partition("=") for pair in pairs)]


# Names.


@pytest.mark.parametrize(
    ("account", "region", "arn"),
    [
        ("test", "us-east-1", "arn:aws:sns:us-east-1:000000000000:orders"),
        ("111122223333", "eu-west-1", "arn:aws:sns:eu-west-1:111122223333:orders"),
        ("111122223333", "cn-north-1", "arn:aws-cn:sns:cn-north-1:111122223333:orders"),
        ("111122223333", "us-gov-west-1", "arn:aws-us-gov:sns:us-gov-west-1:111122223333:orders"),
    ],
)
def test_a_topics_arn_names_its_region_and_its_account(cloud: Harness, account: str, region: str, arn: str) -> None:
    assert make_topic(cloud.client("sns", account=account, region=region)) == arn


@pytest.mark.parametrize("name", ["a", "0", "-", "_", "Orders_2026-EU", "a" * 256])
def test_a_name_has_up_to_256_letters_digits_hyphens_and_underscores(sns: Any, name: str) -> None:
    assert make_topic(sns, name) == topic_arn(name)


@pytest.mark.parametrize("name", ["", "a" * 257, "a.b", "a b", "a/b", "a:b", "größe", "a\n", "orders!"])
def test_no_other_name_will_do(sns: Any, name: str) -> None:
    assert refusal(sns, name) == BAD_NAME
    assert topics_of(sns) == []


@pytest.mark.parametrize("name", ["a.fifo", "a" * 251 + ".fifo"])
def test_a_fifo_topics_name_has_256_characters_with_its_suffix(sns: Any, name: str) -> None:
    assert make_fifo_topic(sns, name) == topic_arn(name)


@pytest.mark.parametrize("name", ["orders", ".fifo", "a.b.fifo", "a" * 252 + ".fifo", "orders.FIFO", "orders.fifo.x"])
def test_a_fifo_topic_needs_the_suffix(sns: Any, name: str) -> None:
    assert refusal(sns, name, FifoTopic="true") == BAD_NAME


@pytest.mark.parametrize("attributes", [{}, {"FifoTopic": "false"}])
def test_a_topic_with_the_suffix_has_to_be_fifo(sns: Any, attributes: dict[str, str]) -> None:
    assert refusal(sns, "orders.fifo", **attributes) == BAD_NAME


def test_saying_that_a_topic_is_not_fifo_says_nothing(sns: Any) -> None:
    arn = make_topic(sns, FifoTopic="false")
    assert "FifoTopic" not in topic_attributes(sns, arn)
    assert make_topic(sns) == arn
    assert make_topic(sns, FifoTopic="false") == arn


# Attributes and tags at creation, and CreateTopic said twice.


@pytest.mark.parametrize("name", ["Displayname", "Owner", "TopicArn", "SubscriptionsPending", "QueueArn", ""])
def test_create_topic_names_the_attribute_that_there_is_not(sns: Any, name: str) -> None:
    assert refusal(sns, **{name: "x"}) == invalid(f"Attributes Reason: Unknown attribute {name}")
    assert topics_of(sns) == []


@pytest.mark.parametrize(
    "again",
    [
        {"DisplayName": "Orders", "TracingConfig": "Active"},
        {"DisplayName": "Orders"},
        {},
    ],
)
def test_the_same_topic_again_is_found_by_all_or_some_of_its_attributes(sns: Any, again: dict[str, str]) -> None:
    arn = make_topic(sns, DisplayName="Orders", TracingConfig="Active")
    assert make_topic(sns, **again) == arn
    assert topics_of(sns) == [arn]


@pytest.mark.parametrize(
    ("name", "value"),
    [("DisplayName", "Other"), ("DisplayName", ""), ("TracingConfig", "Active"), ("SignatureVersion", "1")],
    ids=["differs", "is empty", "was never set", "was never set, though it is the default"],
)
def test_the_same_topic_with_another_attribute_is_refused(sns: Any, name: str, value: str) -> None:
    arn = make_topic(sns, DisplayName="Orders")
    before = topic_attributes(sns, arn)
    assert refusal(sns, **{name: value}) == OTHER_ATTRIBUTES
    assert topic_attributes(sns, arn) == before


def test_what_was_set_later_counts_when_a_topic_is_created_again(sns: Any) -> None:
    arn = make_topic(sns, DisplayName="Orders")
    set_topic(sns, arn, "DisplayName", "Sales")
    assert make_topic(sns, DisplayName="Sales") == arn
    assert refusal(sns, DisplayName="Orders") == OTHER_ATTRIBUTES


def test_a_delivery_policy_that_is_only_written_differently_is_the_same(sns: Any) -> None:
    arn = make_topic(sns, DeliveryPolicy='{"http": {"defaultThrottlePolicy": {"maxReceivesPerSecond": 5}}}')
    assert make_topic(sns, DeliveryPolicy='{"http":{"defaultThrottlePolicy":{"maxReceivesPerSecond":5}}}') == arn
    other = '{"http":{"defaultThrottlePolicy":{"maxReceivesPerSecond":6}}}'
    assert refusal(sns, DeliveryPolicy=other) == OTHER_ATTRIBUTES


def test_a_fifo_topic_again_is_found(sns: Any) -> None:
    arn = make_fifo_topic(sns)
    assert make_fifo_topic(sns) == arn
    assert make_fifo_topic(sns, ContentBasedDeduplication="false") == arn
    assert refusal(sns, "orders.fifo", FifoTopic="true", ContentBasedDeduplication="true") == OTHER_ATTRIBUTES


def test_a_bad_value_is_told_before_a_different_one(sns: Any) -> None:
    make_topic(sns)
    assert refusal(sns, Nonsense="x") == invalid("Attributes Reason: Unknown attribute Nonsense")


@pytest.mark.parametrize("again", [tagged("a=1", "b=2"), tagged("b=2", "a=1"), None])
def test_the_same_topic_again_is_found_by_its_tags_or_without_them(
    sns: Any, again: list[dict[str, str]] | None
) -> None:
    arn = sns.create_topic(Name="orders", Tags=tagged("a=1", "b=2"))["TopicArn"]
    more = {} if again is None else {"Tags": again}
    assert sns.create_topic(Name="orders", **more)["TopicArn"] == arn


@pytest.mark.parametrize("again", [tagged("a=2"), tagged("a=1", "b=2"), tagged("b=1")])
def test_the_same_topic_with_other_tags_is_refused(sns: Any, again: list[dict[str, str]]) -> None:
    arn = sns.create_topic(Name="orders", Tags=tagged("a=1"))["TopicArn"]
    assert error_of(sns.create_topic, Name="orders", Tags=again) == OTHER_TAGS
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == tagged("a=1")


def test_an_empty_list_of_tags_asks_for_none_in_particular(sns: Any) -> None:
    arn = sns.create_topic(Name="orders", Tags=tagged("a=1"))["TopicArn"]
    assert sns.create_topic(Name="orders", Tags=[])["TopicArn"] == arn


# DeleteTopic.


def test_a_deleted_topic_is_gone(sns: Any) -> None:
    kept, arn = make_topic(sns, "kept"), make_topic(sns)
    sns.delete_topic(TopicArn=arn)
    assert topics_of(sns) == [kept]


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("get_topic_attributes", {}),
        ("set_topic_attributes", {"AttributeName": "DisplayName", "AttributeValue": "x"}),
        ("subscribe", {"Protocol": "email", "Endpoint": "a@example.com"}),
        ("confirm_subscription", {"Token": "x"}),
        ("list_subscriptions_by_topic", {}),
        ("publish", {"Message": "m"}),
    ],
)
def test_nothing_can_be_asked_of_a_deleted_topic(sns: Any, operation: str, arguments: dict[str, str]) -> None:
    arn = make_topic(sns)
    sns.delete_topic(TopicArn=arn)
    assert error_of(getattr(sns, operation), TopicArn=arn, **arguments) == NO_TOPIC


@pytest.mark.parametrize("arn", [topic_arn(), topic_arn(account="111122223333"), topic_arn("orders.fifo")])
def test_deleting_a_topic_that_is_not_there_succeeds(sns: Any, arn: str) -> None:
    sns.delete_topic(TopicArn=arn)
    sns.delete_topic(TopicArn=arn)
    assert topics_of(sns) == []


def test_a_deleted_topics_name_is_free_at_once(sns: Any) -> None:
    old = sns.create_topic(Name="orders", Attributes={"DisplayName": "Old"}, Tags=tagged("a=1"))["TopicArn"]
    sns.delete_topic(TopicArn=old)
    new = sns.create_topic(Name="orders", Attributes={"DisplayName": "New"}, Tags=tagged("b=2"))["TopicArn"]
    assert new == old
    assert topic_attributes(sns, new)["DisplayName"] == "New"
    assert sns.list_tags_for_resource(ResourceArn=new)["Tags"] == tagged("b=2")


def test_a_topics_subscriptions_go_with_it(sns: Any) -> None:
    arn = make_topic(sns)
    subscription = subscribe(sns, arn)
    subscribe(sns, arn, "http", "http://127.0.0.1:1/")
    sns.delete_topic(TopicArn=arn)
    assert subscriptions_of(sns) == []
    found = error_of(sns.get_subscription_attributes, SubscriptionArn=subscription)
    assert found == ("NotFound", "Subscription does not exist", 404)


def test_a_topic_that_is_made_again_has_none_of_the_old_subscriptions(sns: Any) -> None:
    subscribe(sns, make_topic(sns))
    sns.delete_topic(TopicArn=topic_arn())
    assert subscriptions_of(sns, make_topic(sns)) == []


def test_a_topic_with_an_archive_cannot_be_deleted_before_the_archive(sns: Any) -> None:
    arn = make_fifo_topic(sns, ArchivePolicy=ARCHIVE)
    code, message, status = error_of(sns.delete_topic, TopicArn=arn)
    assert (code, status) == ("InvalidState", 400)
    assert "archive policy must be deactivated" in message
    assert topics_of(sns) == [arn]
    set_topic(sns, arn, "ArchivePolicy", "{}")
    sns.delete_topic(TopicArn=arn)
    assert topics_of(sns) == []


# ARNs.

OPERATIONS_ON_A_TOPIC = [
    ("get_topic_attributes", {}),
    ("set_topic_attributes", {"AttributeName": "DisplayName", "AttributeValue": "x"}),
    ("delete_topic", {}),
    ("subscribe", {"Protocol": "email", "Endpoint": "a@example.com"}),
    ("confirm_subscription", {"Token": "x"}),
    ("list_subscriptions_by_topic", {}),
]


@pytest.mark.parametrize(("operation", "arguments"), OPERATIONS_ON_A_TOPIC)
@pytest.mark.parametrize(
    ("arn", "reason"),
    [
        ("orders", "TopicArn Reason: An ARN must have at least 6 elements, not 1"),
        ("", "TopicArn Reason: An ARN must have at least 6 elements, not 1"),
        ("arn:aws:sns:us-east-1:000000000000", "TopicArn Reason: An ARN must have at least 6 elements, not 5"),
        ("nra:aws:sns:us-east-1:000000000000:orders", "TopicArn"),
        ("arn:aws:sqs:us-east-1:000000000000:orders", "TopicArn"),
        ("arn:aws:sns:eu-west-1:000000000000:orders", "TopicArn"),
        ("arn:aws:sns::000000000000:orders", "TopicArn"),
        ("arn:aws:sns:us-east-1::orders", "TopicArn"),
        ("arn:aws:sns:us-east-1:000000000000:", "TopicArn"),
        ("arn:aws:sns:us-east-1:000000000000:orders:6f2b1c3d-0000-4000-8000-0123456789ab", "TopicArn"),
    ],
)
def test_an_arn_that_can_be_no_topic_of_this_region_is_refused(
    sns: Any, arn: str, reason: str, operation: str, arguments: dict[str, str]
) -> None:
    assert error_of(getattr(sns, operation), TopicArn=arn, **arguments) == invalid(reason)


# Accounts and regions.


def test_topics_of_one_name_in_two_accounts_and_regions_are_apart(cloud: Harness) -> None:
    places = [("111122223333", "us-east-1"), ("444455556666", "us-east-1"), ("111122223333", "eu-west-1")]
    clients = [cloud.client("sns", account=account, region=region) for account, region in places]
    arns = [make_topic(client, DisplayName=str(number)) for number, client in enumerate(clients)]
    assert arns == [topic_arn(account=account, region=region) for account, region in places]
    for number, client in enumerate(clients):
        assert topics_of(client) == [arns[number]]
        assert topic_attributes(client, arns[number])["DisplayName"] == str(number)


def test_a_topic_of_another_account_is_reached_by_its_arn(cloud: Harness) -> None:
    arn = make_topic(cloud.client("sns", account="111122223333"), DisplayName="Theirs")
    shown = topic_attributes(cloud.client("sns", account="444455556666"), arn)
    assert (shown["DisplayName"], shown["Owner"]) == ("Theirs", "111122223333")


def test_a_topic_is_not_seen_from_another_region(cloud: Harness) -> None:
    arn = make_topic(cloud.client("sns", region="eu-west-1"))
    assert error_of(cloud.client("sns").get_topic_attributes, TopicArn=arn) == invalid("TopicArn")


# ListTopics.


def test_without_topics_the_list_is_empty(sns: Any) -> None:
    answer = sns.list_topics()
    assert answer["Topics"] == []
    assert "NextToken" not in answer


@pytest.mark.parametrize(("count", "sizes"), [(100, [100]), (101, [100, 1]), (250, [100, 100, 50])])
def test_a_page_has_100_topics(sns: Any, count: int, sizes: list[int]) -> None:
    arns = [make_topic(sns, f"t{number:03}") for number in range(count)]
    pages = pages_of(sns, "list_topics", "Topics")
    assert [len(page) for page in pages] == sizes
    assert [topic["TopicArn"] for page in pages for topic in page] == arns


def test_a_page_goes_on_where_the_last_one_ended_whatever_is_deleted_meanwhile(sns: Any) -> None:
    arns = [make_topic(sns, f"t{number:03}") for number in range(103)]
    token = sns.list_topics()["NextToken"]
    for arn in (arns[0], arns[99], arns[100]):
        sns.delete_topic(TopicArn=arn)
    assert [topic["TopicArn"] for topic in sns.list_topics(NextToken=token)["Topics"]] == arns[101:]


@pytest.mark.parametrize("token", ["x", "AAAA", "not base64!", "0"])
def test_a_token_that_sns_never_gave_is_refused(sns: Any, token: str) -> None:
    assert error_of(sns.list_topics, NextToken=token) == invalid("NextToken")


# Quotas.


def test_the_quotas_are_those_of_aws() -> None:
    assert (limits.TOPICS_MAX, limits.FIFO_TOPICS_MAX) == (100_000, 1_000)


TOO_MANY = ("TopicLimitExceeded", 403)


@pytest.mark.parametrize(
    ("quota", "name", "make"),
    [("TOPICS_MAX", "more", make_topic), ("FIFO_TOPICS_MAX", "more.fifo", make_fifo_topic)],
)
def test_a_topic_beyond_the_quota_is_refused_until_one_is_deleted(
    sns: Any, monkeypatch: pytest.MonkeyPatch, quota: str, name: str, make: Callable[..., str]
) -> None:
    monkeypatch.setattr(limits, quota, 2)
    first, second = (make(sns, number + name) for number in "12")
    fifo = {"FifoTopic": "true"} if name.endswith(".fifo") else {}
    code, _, status = refusal(sns, name, **fifo)
    assert (code, status) == TOO_MANY
    assert make(sns, "1" + name) == first  # it is there already
    sns.delete_topic(TopicArn=second)
    assert make(sns, name) == topic_arn(name)


def test_fifo_topics_have_a_quota_of_their_own(sns: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FIFO_TOPICS_MAX", 1)
    make_fifo_topic(sns)
    assert make_topic(sns) == topic_arn()


def test_the_quota_is_each_accounts_own(cloud: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TOPICS_MAX", 1)
    make_topic(cloud.client("sns", account="111122223333"))
    assert make_topic(cloud.client("sns", account="444455556666")) == topic_arn(account="444455556666")


def test_quotas_can_be_lifted(cloud_with: Callable[..., Harness], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TOPICS_MAX", 1)
    monkeypatch.setattr(limits, "FIFO_TOPICS_MAX", 1)
    sns = cloud_with(quotas=False).client("sns")
    arns = [make_topic(sns, "a"), make_topic(sns, "b"), make_fifo_topic(sns, "c.fifo"), make_fifo_topic(sns, "d.fifo")]
    assert topics_of(sns) == arns
