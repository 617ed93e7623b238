"""Confirmation: how endpoints are asked, tokens and their two days on the moved clock, links without a signature, who is notified before
and after, and AuthenticateOnUnsubscribe as far as it is said here (what it prevents is in test_unsubscribe.py).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from services.sns import limits
from tests.support.errors import Seen, error_of
from tests.support.harness import Answer, Harness
from tests.support.sns_subscriptions import (
    DAY_S,
    MAIL,
    NO_SUBSCRIPTION,
    QUEUE,
    URL,
    answer_to_subscribe,
    attributes_of,
    letters,
    mails,
    make_owned_queue,
    pending,
    queue_arn,
    subscribe,
    subscriptions_of,
    token_of,
)
from tests.support.sns_topics import NO_TOPIC, counts, invalid, make_topic, topic_arn
from tests.support.sqs_wire import document, query_error

OWNER, SUBSCRIBER, THIRD = "111122223333", "444455556666", "777788889999"
NO_TOKEN = invalid("Token")
CONFIRM = (
    "You have chosen to subscribe to the topic {}.\n"
    "To confirm the subscription, visit the SubscribeURL included in this message."
)


@pytest.fixture
def topic(sns: Any) -> str:
    """The ARN of a standard topic."""
    return make_topic(sns)


def confirm(sns: Any, topic: str, token: str, **more: str) -> str:
    """Confirm a subscription and give its ARN."""
    arn: str = sns.confirm_subscription(TopicArn=topic, Token=token, **more)["SubscriptionArn"]
    return arn


def refusal(sns: Any, topic: str, token: str, **more: str) -> Seen:
    """Confirm in vain."""
    return error_of(sns.confirm_subscription, TopicArn=topic, Token=token, **more)


def visit(cloud: Harness, url: str) -> Answer:
    """Follow a link, as a browser does: no signature, no form."""
    parts = urlsplit(url)
    return cloud.request("GET", parts.path, query=parts.query)


def link(topic: str, token: str, **more: str) -> str:
    """Write a SubscribeURL; the ARN is not escaped in it."""
    return f"http://localhost:4566/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}" + "".join(
        f"&{name}={value}" for name, value in more.items()
    )


# How endpoints are asked.


def test_a_token_has_288_hexadecimal_digits(cloud: Harness, sns: Any, topic: str) -> None:
    arns = [subscribe(sns, topic, "http", URL), subscribe(sns, topic, "email", MAIL)]
    tokens = [token_of(cloud, arn) for arn in arns]
    assert all(re.fullmatch("[0-9a-f]{288}", token) for token in tokens)
    assert tokens[0] != tokens[1]


def test_a_mail_asks_for_confirmation_with_a_link(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "email", MAIL)
    (mail,) = mails(cloud)
    assert (mail["Type"], mail["Token"]) == ("SubscriptionConfirmation", token_of(cloud, arn))
    assert mail["SubscribeURL"] == link(topic, token_of(cloud, arn))
    assert mail["SubscribeURL"] in mail["Message"]


def test_a_queue_of_another_account_is_asked_by_a_message(cloud: Harness) -> None:
    owner = cloud.client("sns", account=OWNER)
    topic = make_topic(owner)
    arn = subscribe(owner, topic, "sqs", make_owned_queue(cloud, THIRD))
    (letter,) = letters(cloud, THIRD)
    assert list(letter) == [
        "Type",
        "MessageId",
        "Token",
        "TopicArn",
        "Message",
        "SubscribeURL",
        "Timestamp",
        "SignatureVersion",
        "Signature",
        "SigningCertURL",
    ]
    assert (letter["Type"], letter["TopicArn"]) == ("SubscriptionConfirmation", topic)
    assert letter["Token"] == token_of(cloud, arn)
    assert letter["Message"] == CONFIRM.format(topic)
    assert letter["SubscribeURL"] == link(topic, letter["Token"])


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_a_queue_in_any_region_is_asked(cloud: Harness, region: str) -> None:
    owner = cloud.client("sns", account=OWNER, region="ap-south-1")
    third = cloud.client("sqs", account=THIRD, region=region)
    url = third.create_queue(QueueName="orders")["QueueUrl"]
    subscribe(owner, make_topic(owner), "sqs", queue_arn("orders", THIRD, region))
    assert len(third.receive_message(QueueUrl=url)["Messages"]) == 1


def test_ones_own_queue_is_not_asked(cloud: Harness) -> None:
    sns = cloud.client("sns", account=OWNER)
    subscribe(sns, make_topic(sns), "sqs", make_owned_queue(cloud, OWNER))
    assert letters(cloud, OWNER) == []


def test_a_pending_endpoint_is_asked_again_with_the_same_token(cloud: Harness, sns: Any, topic: str) -> None:
    for _ in range(3):
        answer_to_subscribe(sns, topic, "email", MAIL)
    asked = mails(cloud)
    assert [mail["Type"] for mail in asked] == ["SubscriptionConfirmation"] * 3
    assert len({mail["Token"] for mail in asked}) == 1
    assert len({mail["MessageId"] for mail in asked}) == 3


def test_a_pending_queue_is_asked_again(cloud: Harness) -> None:
    owner = cloud.client("sns", account=OWNER)
    topic, queue = make_topic(owner), make_owned_queue(cloud, THIRD)
    for _ in range(2):
        answer_to_subscribe(owner, topic, "sqs", queue)
    assert [letter["Type"] for letter in letters(cloud, THIRD)] == ["SubscriptionConfirmation"] * 2


def test_a_confirmed_endpoint_is_not_asked_again(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "email", MAIL)
    confirm(sns, topic, token_of(cloud, arn))
    assert answer_to_subscribe(sns, topic, "email", MAIL) == arn
    assert len(mails(cloud)) == 1


# ConfirmSubscription.


@pytest.mark.parametrize(("protocol", "endpoint"), [("http", URL), ("https", "https://127.0.0.1:1/"), ("email", MAIL)])
def test_the_token_confirms_the_subscription(
    cloud: Harness, sns: Any, topic: str, protocol: str, endpoint: str
) -> None:
    arn = subscribe(sns, topic, protocol, endpoint)
    assert confirm(sns, topic, token_of(cloud, arn)) == arn
    shown = attributes_of(sns, arn)
    assert (shown["PendingConfirmation"], shown["ConfirmationWasAuthenticated"]) == ("false", "true")
    assert counts(sns, topic)[:2] == (1, 0)


def test_confirming_again_answers_the_same_arn_and_changes_nothing(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "email", MAIL)
    token = token_of(cloud, arn)
    confirm(sns, topic, token)
    before = attributes_of(sns, arn)
    assert confirm(sns, topic, token) == arn
    assert visit(cloud, link(topic, token)).status == 200
    assert attributes_of(sns, arn) == before


def test_nobody_is_notified_before_he_has_confirmed(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "email", MAIL)
    sns.publish(TopicArn=topic, Message="too early")
    confirm(sns, topic, token_of(cloud, arn))
    sns.publish(TopicArn=topic, Message="in time")
    assert [mail["Message"] for mail in mails(cloud) if mail["Type"] == "Notification"] == ["in time"]


def test_what_was_set_while_it_was_pending_holds_once_it_is_confirmed(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "email", MAIL)
    sns.set_subscription_attributes(
        SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue='{"kind": ["good"]}'
    )
    confirm(sns, topic, token_of(cloud, arn))
    for kind in ("bad", "good"):
        attributes = {"kind": {"DataType": "String", "StringValue": kind}}
        sns.publish(TopicArn=topic, Message=kind, MessageAttributes=attributes)
    assert [mail["Message"] for mail in mails(cloud) if mail["Type"] == "Notification"] == ["good"]


@pytest.mark.parametrize("token", ["0" * 288, "x", "", "' or 1"])
def test_a_token_that_nobody_was_sent_is_refused(sns: Any, topic: str, token: str) -> None:
    arn = subscribe(sns, topic, "email", MAIL)
    assert refusal(sns, topic, token) == NO_TOKEN
    assert pending(sns, arn)


def test_a_token_is_good_at_its_own_topic_only(cloud: Harness, sns: Any, topic: str) -> None:
    token = token_of(cloud, subscribe(sns, topic, "email", MAIL))
    assert refusal(sns, make_topic(sns, "other"), token) == NO_TOKEN


@pytest.mark.parametrize("arn", [topic_arn("nothing"), topic_arn(account=OWNER)])
def test_a_token_is_no_good_at_a_topic_that_is_not_there(cloud: Harness, sns: Any, topic: str, arn: str) -> None:
    assert refusal(sns, arn, token_of(cloud, subscribe(sns, topic, "email", MAIL))) == NO_TOPIC


def test_a_token_does_not_outlive_its_topic(cloud: Harness, sns: Any, topic: str) -> None:
    token = token_of(cloud, subscribe(sns, topic, "email", MAIL))
    sns.delete_topic(TopicArn=topic)
    assert refusal(sns, topic, token) == NO_TOPIC
    make_topic(sns)
    assert refusal(sns, topic, token) == NO_TOKEN


def test_a_topic_may_belong_to_one_the_subscription_to_another_and_the_queue_to_a_third(cloud: Harness) -> None:
    owner, subscriber, third = (cloud.client("sns", account=account) for account in (OWNER, SUBSCRIBER, THIRD))
    topic = make_topic(owner)
    arn = subscribe(subscriber, topic, "sqs", make_owned_queue(cloud, THIRD))
    (letter,) = letters(cloud, THIRD)
    assert confirm(third, topic, letter["Token"]) == arn
    shown = attributes_of(subscriber, arn)
    assert (shown["Owner"], shown["ConfirmationWasAuthenticated"]) == (SUBSCRIBER, "true")
    owner.publish(TopicArn=topic, Message="hello")
    assert [letter["Message"] for letter in letters(cloud, THIRD)] == ["hello"]


# Two days.


def test_the_time_to_confirm_is_that_of_aws() -> None:
    assert (limits.TOKEN_VALID_MS, limits.TOKEN_CHARS) == (2 * 24 * 3600 * 1000, 288)


def test_a_token_is_good_to_the_last_millisecond_of_two_days(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "email", MAIL)
    cloud.advance(2 * DAY_S - 0.001)
    assert confirm(sns, topic, token_of(cloud, arn)) == arn


def test_after_two_days_the_token_is_worth_nothing(cloud: Harness, sns: Any, topic: str) -> None:
    token = token_of(cloud, subscribe(sns, topic, "email", MAIL))
    cloud.advance(2 * DAY_S)
    assert refusal(sns, topic, token) == NO_TOKEN
    answer = visit(cloud, link(topic, token))
    assert query_error(answer) == NO_TOKEN


def test_after_two_days_the_subscription_has_vanished(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "http", URL)
    cloud.advance(2 * DAY_S)
    assert subscriptions_of(sns) == subscriptions_of(sns, topic) == []
    assert counts(sns, topic)[:2] == (0, 0)
    assert error_of(sns.get_subscription_attributes, SubscriptionArn=arn) == NO_SUBSCRIPTION
    assert cloud.request("GET", f"/_aws/sns/subscription-tokens/{arn}").status == 404


def test_after_two_days_subscribing_begins_anew(cloud: Harness, sns: Any, topic: str) -> None:
    old = subscribe(sns, topic, "email", MAIL, FilterPolicy='{"kind": ["a"]}')
    token = token_of(cloud, old)
    cloud.advance(2 * DAY_S)
    new = subscribe(sns, topic, "email", MAIL)
    assert new != old
    assert token_of(cloud, new) != token
    assert "FilterPolicy" not in attributes_of(sns, new)


def test_asked_again_the_endpoint_has_two_days_again(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "email", MAIL)
    cloud.advance(DAY_S)
    assert subscribe(sns, topic, "email", MAIL) == arn
    cloud.advance(2 * DAY_S - 0.001)
    assert confirm(sns, topic, token_of(cloud, arn)) == arn


def test_each_subscription_has_its_own_two_days(cloud: Harness, sns: Any, topic: str) -> None:
    first = subscribe(sns, topic, "email", "first@example.com")
    cloud.advance(DAY_S)
    second = subscribe(sns, topic, "email", "second@example.com")
    cloud.advance(DAY_S)
    assert [found["Endpoint"] for found in subscriptions_of(sns, topic)] == ["second@example.com"]
    assert counts(sns, topic)[:2] == (0, 1)
    assert error_of(sns.get_subscription_attributes, SubscriptionArn=first) == NO_SUBSCRIPTION
    assert confirm(sns, topic, token_of(cloud, second)) == second


def test_a_confirmed_subscription_does_not_end_with_its_token(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "email", MAIL)
    confirm(sns, topic, token_of(cloud, arn))
    queue = subscribe(sns, topic, "sqs", QUEUE)
    cloud.advance(30 * DAY_S)
    assert counts(sns, topic)[:2] == (2, 0)
    assert not pending(sns, arn)
    assert not pending(sns, queue)


def test_an_endpoint_that_is_asked_late_does_not_lose_what_others_have(cloud: Harness, sns: Any, topic: str) -> None:
    asked_again = subscribe(sns, topic, "email", "first@example.com")
    cloud.advance(3600)
    waiting = subscribe(sns, topic, "email", "second@example.com")
    cloud.advance(DAY_S)
    subscribe(sns, topic, "email", "first@example.com")
    cloud.advance(DAY_S)
    assert [found["Endpoint"] for found in subscriptions_of(sns, topic)] == ["first@example.com"]
    assert counts(sns, topic)[:2] == (0, 1)
    assert error_of(sns.get_subscription_attributes, SubscriptionArn=waiting) == NO_SUBSCRIPTION
    assert confirm(sns, topic, token_of(cloud, asked_again)) == asked_again


# Links without a signature.


def test_visiting_the_link_confirms(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "email", MAIL)
    (mail,) = mails(cloud)
    answer = visit(cloud, mail["SubscribeURL"])
    assert answer.status == 200
    assert document(answer).findtext("ConfirmSubscriptionResult/SubscriptionArn") == arn
    assert attributes_of(sns, arn)["PendingConfirmation"] == "false"


def test_a_confirmation_by_link_was_not_authenticated(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "email", MAIL)
    visit(cloud, link(topic, token_of(cloud, arn)))
    assert attributes_of(sns, arn)["ConfirmationWasAuthenticated"] == "false"


def test_a_link_works_whatever_the_topics_account_and_region(cloud: Harness) -> None:
    sns = cloud.client("sns", account=OWNER, region="eu-west-1")
    topic = make_topic(sns)
    arn = subscribe(sns, topic, "email", MAIL)
    token = token_of(cloud, arn)
    assert visit(cloud, link(topic, token)).status == 200
    assert not pending(sns, arn)


def test_a_signed_confirmation_has_to_go_to_the_topics_region(cloud: Harness) -> None:
    sns = cloud.client("sns", region="eu-west-1")
    topic = make_topic(sns)
    token = token_of(cloud, subscribe(sns, topic, "email", MAIL))
    assert refusal(cloud.client("sns", region="us-east-1"), topic, token) == invalid("TopicArn")


def test_a_link_leads_to_where_the_subscriber_reached_us(cloud: Harness) -> None:
    sns = cloud.client("sns", endpoint="http://events.test:9999")
    subscribe(sns, make_topic(sns), "email", MAIL)
    (mail,) = mails(cloud)
    parts = urlsplit(mail["SubscribeURL"])
    assert (parts.scheme, parts.netloc, parts.path) == ("http", "events.test:9999", "/")
    assert list(parse_qs(parts.query)) == ["Action", "TopicArn", "Token"]


def test_only_a_signed_call_can_ask_that_ending_needs_a_signature(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "email", MAIL)
    answer = visit(cloud, link(topic, token_of(cloud, arn), AuthenticateOnUnsubscribe="true"))
    code, _, status = query_error(answer)
    assert (code, status) == ("AuthorizationError", 403)
    assert pending(sns, arn)


def test_an_unsigned_call_may_say_that_ending_needs_no_signature(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "email", MAIL)
    assert visit(cloud, link(topic, token_of(cloud, arn), AuthenticateOnUnsubscribe="false")).status == 200
    assert not pending(sns, arn)


# Confirmations that do not arrive.


def waiting(cloud: Harness) -> int:
    """Count the deliveries that are tried again and again."""
    return cloud.run(lambda emulator: emulator.router.deliveries.count)


def test_an_endpoint_that_cannot_be_reached_is_asked_until_there_is_nothing_to_ask(cloud: Harness) -> None:
    owner = cloud.client("sns", account=OWNER)
    topic = make_topic(owner)
    subscribe(owner, topic, "lambda", f"arn:aws:lambda:us-east-1:{THIRD}:function:handle")
    assert waiting(cloud) == 1
    owner.delete_topic(TopicArn=topic)
    assert waiting(cloud) == 0
