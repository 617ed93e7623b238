"""Unsubscribe: who may, by link and by signed call, what AuthenticateOnUnsubscribe prevents, what the endpoint is told, and how the link
that it is sent restores the subscription.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.errors import Seen, error_of
from tests.support.harness import Answer, Harness
from tests.support.sns_subscriptions import (
    DAY_S,
    FUNCTION,
    MAIL,
    NO_SUBSCRIPTION,
    PHONE,
    QUEUE,
    ROLE,
    STREAM,
    URL,
    answer_to_subscribe,
    attributes_of,
    letters,
    mails,
    make_owned_queue,
    pending,
    queue_arn,
    set_attribute,
    subscribe,
    subscriptions_of,
    token_of,
)
from tests.support.sns_topics import counts, invalid, make_fifo_topic, make_topic, set_topic
from tests.support.sqs_wire import document, query_error

OWNER, SUBSCRIBER, STRANGER = "111122223333", "444455556666", "777788889999"
UUID_TEXT = "6f2b1c3d-0000-4000-8000-0123456789ab"
POLICY = '{"kind": ["good"]}'


@pytest.fixture
def owner(cloud: Harness) -> Any:
    """A client of the account that has the topic."""
    return cloud.client("sns", account=OWNER)


@pytest.fixture
def subscriber(cloud: Harness) -> Any:
    """A client of the account that subscribes."""
    return cloud.client("sns", account=SUBSCRIBER)


@pytest.fixture
def stranger(cloud: Harness) -> Any:
    """A client of an account that has to do with nothing."""
    return cloud.client("sns", account=STRANGER)


@pytest.fixture
def topic(owner: Any) -> str:
    """The ARN of a standard topic."""
    return make_topic(owner)


def confirmed(
    cloud: Harness,
    sns: Any,
    topic: str,
    protocol: str = "email",
    endpoint: str = MAIL,
    /,
    *,
    seal: str = "",
    **more: str,
) -> str:
    """Subscribe and confirm; `seal` is AuthenticateOnUnsubscribe."""
    arn = subscribe(sns, topic, protocol, endpoint, **more)
    sealed = {"AuthenticateOnUnsubscribe": seal} if seal else {}
    sns.confirm_subscription(TopicArn=topic, Token=token_of(cloud, arn), **sealed)
    return arn


def visit(cloud: Harness, url: str) -> Answer:
    """Follow a link, as a browser does: no signature, no form."""
    parts = urlsplit(url)
    return cloud.request("GET", parts.path, query=parts.query)


def link(arn: str) -> str:
    """Write an UnsubscribeURL; the ARN is not escaped in it."""
    return f"http://localhost:4566/?Action=Unsubscribe&SubscriptionArn={arn}"


def refusal(sns: Any, arn: str) -> Seen:
    """Unsubscribe in vain."""
    return error_of(sns.unsubscribe, SubscriptionArn=arn)


def there(sns: Any, arn: str) -> bool:
    """Tell whether there is such a subscription."""
    return any(found["SubscriptionArn"] == arn for found in subscriptions_of(sns, arn.rpartition(":")[0]))


def ends(cloud: Harness) -> list[dict[str, Any]]:
    """List the mails that say that a subscription has ended."""
    return [mail for mail in mails(cloud, account=OWNER) if mail["Type"] == "UnsubscribeConfirmation"]


def news(cloud: Harness) -> list[str]:
    """List the messages that were mailed."""
    return [mail["Message"] for mail in mails(cloud, account=OWNER) if mail["Type"] == "Notification"]


# What ends, and what can be asked of an ARN.


@pytest.mark.parametrize(
    ("protocol", "endpoint"), [("sqs", QUEUE), ("sms", PHONE), ("lambda", FUNCTION), ("firehose", STREAM)]
)
def test_an_ended_subscription_is_gone_and_hears_nothing_more(sns: Any, protocol: str, endpoint: str) -> None:
    topic = make_topic(sns)
    more = {"SubscriptionRoleArn": ROLE} if protocol == "firehose" else {}
    arn = subscribe(sns, topic, protocol, endpoint, **more)
    sns.unsubscribe(SubscriptionArn=arn)
    assert subscriptions_of(sns) == subscriptions_of(sns, topic) == []
    assert error_of(sns.get_subscription_attributes, SubscriptionArn=arn) == NO_SUBSCRIPTION
    assert counts(sns, topic) == (0, 0, 1)


def test_messages_published_after_the_end_are_not_delivered(cloud: Harness, owner: Any, topic: str) -> None:
    arn = subscribe(owner, topic, "sqs", make_owned_queue(cloud, OWNER))
    owner.publish(TopicArn=topic, Message="before")
    owner.unsubscribe(SubscriptionArn=arn)
    owner.publish(TopicArn=topic, Message="after")
    assert [letter["Message"] for letter in letters(cloud, OWNER)] == ["before"]


def test_ending_a_subscription_again_or_one_that_never_was_succeeds(sns: Any) -> None:
    arn = subscribe(sns, make_topic(sns))
    for each in (arn, arn, f"arn:aws:sns:us-east-1:000000000000:nothing:{UUID_TEXT}"):
        sns.unsubscribe(SubscriptionArn=each)


@pytest.mark.parametrize(
    ("arn", "reason"),
    [
        ("pending confirmation", "SubscriptionArn Reason: An ARN must have at least 6 elements, not 1"),
        ("PendingConfirmation", "SubscriptionArn Reason: An ARN must have at least 6 elements, not 1"),
        ("arn:aws:sns:us-east-1:000000000000", "SubscriptionArn Reason: An ARN must have at least 6 elements, not 5"),
        ("arn:aws:sns:us-east-1:000000000000:orders:nonsense", "SubscriptionId"),
        ("arn:aws:sns:us-east-1:000000000000:orders:", "SubscriptionId"),
        (f"arn:aws:sqs:us-east-1:000000000000:orders:{UUID_TEXT}", "SubscriptionArn"),
        (f"arn:aws:sns:eu-west-1:000000000000:orders:{UUID_TEXT}", "SubscriptionArn"),
    ],
)
def test_an_arn_that_can_be_no_subscription_of_this_region_is_refused(sns: Any, arn: str, reason: str) -> None:
    make_topic(sns)
    assert refusal(sns, arn) == invalid(reason)


@pytest.mark.parametrize(("protocol", "endpoint"), [("http", URL), ("email", MAIL), ("sqs", queue_arn("q", STRANGER))])
def test_a_pending_subscription_cannot_be_ended_and_stays(owner: Any, topic: str, protocol: str, endpoint: str) -> None:
    arn = subscribe(owner, topic, protocol, endpoint)
    code, message, status = refusal(owner, arn)
    assert (code, status) == ("InvalidParameter", 400)
    assert message.startswith("Invalid parameter: SubscriptionArn Reason: ")
    assert pending(owner, arn)
    assert counts(owner, topic) == (0, 1, 0)


def test_a_subscription_that_nobody_confirmed_in_time_is_not_there_to_be_ended(
    cloud: Harness, owner: Any, topic: str
) -> None:
    arn = subscribe(owner, topic, "email", MAIL)
    cloud.advance(2 * DAY_S)
    owner.unsubscribe(SubscriptionArn=arn)
    assert subscriptions_of(owner, topic) == []


# Who may.


def test_the_subscriber_and_the_topics_owner_may_end_a_queues_subscription(
    owner: Any, subscriber: Any, topic: str
) -> None:
    for sns in (subscriber, owner):
        arn = subscribe(subscriber, topic, "sqs", queue_arn("orders", SUBSCRIBER))
        sns.unsubscribe(SubscriptionArn=arn)
        assert not there(owner, arn)


def test_a_stranger_may_not_end_a_queues_subscription(owner: Any, stranger: Any, topic: str) -> None:
    arn = subscribe(owner, topic, "sqs", queue_arn("orders", OWNER))
    code, _, status = refusal(stranger, arn)
    assert (code, status) == ("AuthorizationError", 403)
    assert there(owner, arn)


@pytest.mark.parametrize(
    ("protocol", "endpoint"),
    [("sqs", queue_arn("orders", OWNER)), ("lambda", FUNCTION.replace("000000000000", OWNER)), ("sms", PHONE)],
)
def test_a_link_ends_only_what_a_link_has_begun(
    cloud: Harness, owner: Any, topic: str, protocol: str, endpoint: str
) -> None:
    arn = subscribe(owner, topic, protocol, endpoint)
    code, _, status = query_error(visit(cloud, link(arn)))
    assert (code, status) == ("AuthorizationError", 403)
    assert there(owner, arn)


@pytest.mark.parametrize(
    ("protocol", "endpoint"), [("http", URL), ("https", "https://127.0.0.1:1/"), ("email", MAIL), ("email-json", MAIL)]
)
def test_a_link_ends_subscriptions_of_http_and_mail(
    cloud: Harness, owner: Any, topic: str, protocol: str, endpoint: str
) -> None:
    arn = confirmed(cloud, owner, topic, protocol, endpoint)
    answer = visit(cloud, link(arn))
    assert answer.status == 200
    assert [child.tag for child in document(answer)] == ["ResponseMetadata"]
    assert not there(owner, arn)


def test_the_link_of_a_message_ends_the_subscription(cloud: Harness, owner: Any, topic: str) -> None:
    arn = confirmed(cloud, owner, topic)
    owner.publish(TopicArn=topic, Message="hello")
    message = mails(cloud, account=OWNER)[-1]
    assert message["UnsubscribeURL"] == link(arn)
    visit(cloud, message["UnsubscribeURL"])
    owner.publish(TopicArn=topic, Message="anybody there?")
    assert news(cloud) == ["hello"]


def test_a_link_works_whatever_the_topics_account_and_region(cloud: Harness) -> None:
    sns = cloud.client("sns", account=OWNER, region="eu-west-1")
    arn = confirmed(cloud, sns, make_topic(sns))
    assert visit(cloud, link(arn)).status == 200
    assert not there(sns, arn)


def test_a_link_to_a_subscription_that_is_gone_succeeds(cloud: Harness, owner: Any, topic: str) -> None:
    arn = confirmed(cloud, owner, topic)
    assert [visit(cloud, link(arn)).status for _ in range(2)] == [200, 200]
    assert len(ends(cloud)) == 1


# AuthenticateOnUnsubscribe.


def test_a_sealed_subscription_is_not_ended_by_a_link(cloud: Harness, owner: Any, topic: str) -> None:
    arn = confirmed(cloud, owner, topic, seal="true")
    code, _, status = query_error(visit(cloud, link(arn)))
    assert (code, status) == ("AuthorizationError", 403)
    assert there(owner, arn)


def test_a_sealed_subscription_is_not_ended_by_a_stranger(
    cloud: Harness, owner: Any, stranger: Any, topic: str
) -> None:
    arn = confirmed(cloud, owner, topic, seal="true")
    code, _, status = refusal(stranger, arn)
    assert (code, status) == ("AuthorizationError", 403)
    assert there(owner, arn)


def test_a_sealed_subscription_is_ended_by_the_subscriber_and_by_the_topics_owner(
    cloud: Harness, owner: Any, subscriber: Any, topic: str
) -> None:
    for sns in (subscriber, owner):
        arn = confirmed(cloud, subscriber, topic, seal="true")
        sns.unsubscribe(SubscriptionArn=arn)
        assert not there(owner, arn)


def test_a_subscription_that_was_not_sealed_is_ended_by_a_link(cloud: Harness, owner: Any, topic: str) -> None:
    arn = confirmed(cloud, owner, topic, seal="false")
    assert visit(cloud, link(arn)).status == 200
    assert not there(owner, arn)


# What the endpoint is told.


def test_whoever_ends_his_own_subscription_is_told_nothing(cloud: Harness, owner: Any, topic: str) -> None:
    owner.unsubscribe(SubscriptionArn=confirmed(cloud, owner, topic))
    assert ends(cloud) == []


@pytest.mark.parametrize("by", ["link", "topic's owner", "stranger"])
def test_an_endpoint_whose_subscription_another_has_ended_is_told_how_to_restore_it(
    cloud: Harness, owner: Any, subscriber: Any, stranger: Any, topic: str, by: str
) -> None:
    arn = confirmed(cloud, subscriber, topic)
    end(cloud, {"link": None, "topic's owner": owner, "stranger": stranger}[by], arn)
    (mail,) = ends(cloud)
    assert mail["SubscribeURL"] == (
        f"http://localhost:4566/?Action=ConfirmSubscription&TopicArn={topic}&Token={mail['Token']}"
    )
    assert mail["Message"].startswith(
        f"You have chosen to deactivate subscription {arn}.\nTo cancel this operation and restore the subscription, "
        "visit the SubscribeURL included in this message."
    )


def end(cloud: Harness, sns: Any, arn: str) -> None:
    """End a subscription: by a client, or by its link where there is none."""
    if sns is None:
        assert visit(cloud, link(arn)).status == 200
    else:
        sns.unsubscribe(SubscriptionArn=arn)


def test_a_queue_is_told_nothing(cloud: Harness, owner: Any, subscriber: Any, topic: str) -> None:
    arn = subscribe(subscriber, topic, "sqs", make_owned_queue(cloud, SUBSCRIBER))
    owner.unsubscribe(SubscriptionArn=arn)
    assert letters(cloud, SUBSCRIBER) == []


# Restoring.


def ended_by_link(cloud: Harness, sns: Any, topic: str, **more: str) -> tuple[str, str]:
    """End a mail subscription by its link; its ARN and the token that restores it."""
    arn = confirmed(cloud, sns, topic, **more)
    visit(cloud, link(arn))
    return arn, ends(cloud)[-1]["Token"]


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "by link"])
def test_the_token_restores_the_subscription_as_it_was(cloud: Harness, owner: Any, topic: str, *, signed: bool) -> None:
    arn, token = ended_by_link(cloud, owner, topic, FilterPolicy=POLICY)
    if signed:
        assert owner.confirm_subscription(TopicArn=topic, Token=token)["SubscriptionArn"] == arn
    else:
        assert visit(cloud, ends(cloud)[-1]["SubscribeURL"]).status == 200
    shown = attributes_of(owner, arn)
    assert (shown["FilterPolicy"], shown["PendingConfirmation"]) == (POLICY, "false")
    assert (there(owner, arn), counts(owner, topic)[:2]) == (True, (1, 0))
    assert [found["SubscriptionArn"] for found in subscriptions_of(owner)] == [arn]


def test_a_restored_subscription_hears_what_its_filter_policy_wants(cloud: Harness, owner: Any, topic: str) -> None:
    _, token = ended_by_link(cloud, owner, topic, FilterPolicy=POLICY)
    publish_both(owner, topic)
    assert news(cloud) == []
    owner.confirm_subscription(TopicArn=topic, Token=token)
    publish_both(owner, topic)
    assert news(cloud) == ["good"]


def publish_both(sns: Any, topic: str) -> None:
    """Publish what the filter policy wants, and what it does not want."""
    for kind in ("good", "bad"):
        attributes = {"kind": {"DataType": "String", "StringValue": kind}}
        sns.publish(TopicArn=topic, Message=kind, MessageAttributes=attributes)


def test_a_subscription_is_restored_once_however_often_its_link_is_visited(
    cloud: Harness, owner: Any, topic: str
) -> None:
    arn, token = ended_by_link(cloud, owner, topic)
    answers = [owner.confirm_subscription(TopicArn=topic, Token=token)["SubscriptionArn"] for _ in range(3)]
    assert answers == [arn] * 3
    owner.publish(TopicArn=topic, Message="hello")
    assert news(cloud) == ["hello"]


def test_a_restored_subscription_can_be_ended_and_restored_again(cloud: Harness, owner: Any, topic: str) -> None:
    arn, token = ended_by_link(cloud, owner, topic)
    owner.confirm_subscription(TopicArn=topic, Token=token)
    visit(cloud, link(arn))
    assert not there(owner, arn)
    owner.confirm_subscription(TopicArn=topic, Token=ends(cloud)[-1]["Token"])
    assert there(owner, arn)


def test_nothing_is_restored_once_the_token_has_ended(cloud: Harness, owner: Any, topic: str) -> None:
    arn, token = ended_by_link(cloud, owner, topic)
    cloud.advance(3 * DAY_S)
    assert error_of(owner.confirm_subscription, TopicArn=topic, Token=token) == invalid("Token")
    assert not there(owner, arn)


def test_what_its_owner_has_ended_no_old_token_brings_back(cloud: Harness, owner: Any, topic: str) -> None:
    arn = subscribe(owner, topic, "email", MAIL)
    token = token_of(cloud, arn)
    owner.confirm_subscription(TopicArn=topic, Token=token)
    owner.unsubscribe(SubscriptionArn=arn)
    assert error_of(owner.confirm_subscription, TopicArn=topic, Token=token) == invalid("Token")
    assert not there(owner, arn)


@pytest.mark.parametrize("by_owner", [True, False], ids=["by its owner", "by a link"])
def test_an_endpoint_that_has_subscribed_anew_is_not_subscribed_twice_by_an_old_token(
    cloud: Harness, owner: Any, topic: str, *, by_owner: bool
) -> None:
    old = subscribe(owner, topic, "email", MAIL)
    token = token_of(cloud, old)
    owner.confirm_subscription(TopicArn=topic, Token=token)
    end(cloud, owner if by_owner else None, old)
    token = token if by_owner else ends(cloud)[-1]["Token"]
    new = confirmed(cloud, owner, topic)
    visit(cloud, f"http://localhost:4566/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}")
    owner.publish(TopicArn=topic, Message="hello")
    assert news(cloud) == ["hello"]
    assert [found["SubscriptionArn"] for found in subscriptions_of(owner, topic)] == [new]


def test_a_topic_that_has_large_messages_by_now_does_not_get_a_mail_subscription_back(
    cloud: Harness, owner: Any, topic: str
) -> None:
    arn, token = ended_by_link(cloud, owner, topic)
    set_topic(owner, topic, "MaximumMessageSize", "1048576")
    code, _, status = error_of(owner.confirm_subscription, TopicArn=topic, Token=token)
    assert (code, status) == ("InvalidParameter", 400)
    assert not there(owner, arn)


def test_a_subscription_that_is_restored_counts_against_the_quota_of_filter_policies(
    cloud: Harness, owner: Any, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.sns.limits.FILTER_POLICIES_PER_TOPIC_MAX", 1)
    arn, token = ended_by_link(cloud, owner, topic, FilterPolicy=POLICY)
    set_attribute(owner, subscribe(owner, topic, "sms", PHONE), "FilterPolicy", POLICY)
    code, _, status = error_of(owner.confirm_subscription, TopicArn=topic, Token=token)
    assert (code, status) == ("FilterPolicyLimitExceeded", 403)
    assert not there(owner, arn)


def test_a_subscription_ended_by_its_owner_begins_anew_and_pending(cloud: Harness, owner: Any, topic: str) -> None:
    arn = confirmed(cloud, owner, topic)
    owner.unsubscribe(SubscriptionArn=arn)
    assert answer_to_subscribe(owner, topic, "email", MAIL) == "pending confirmation"


def test_a_subscription_to_a_fifo_topic_ends_like_any_other(owner: Any) -> None:
    topic = make_fifo_topic(owner)
    arn = subscribe(owner, topic, "sqs", queue_arn("orders.fifo", OWNER))
    owner.unsubscribe(SubscriptionArn=arn)
    assert subscriptions_of(owner, topic) == []
