"""Topics and their receivers in different accounts and regions: who has to confirm, what arrives, whose the captured messages are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sns_publish_flow import envelope_of, envelopes, failures, listen, listen_raw, message_of, texts_of
from tests.support.sns_subscriptions import (
    PHONE,
    answer_to_subscribe,
    attributes_of,
    pending,
    queue_arn,
    subscribe,
    token_of,
)
from tests.support.sns_topics import NO_TOPIC, invalid, make_fifo_topic, make_topic, topic_arn
from tests.support.sqs_flow import Box

ALICE, BOB = "111122223333", "444455556666"
HERE, THERE = "us-east-1", "eu-west-1"
IDS = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}


class Place:
    """One account in one region."""

    def __init__(self, cloud: Harness, account: str, region: str = HERE) -> None:
        self.cloud, self.account, self.region = cloud, account, region
        self.sns = cloud.client("sns", account=account, region=region)
        self.sqs = cloud.client("sqs", account=account, region=region)

    def box(self, name: str = "inbox", **attributes: Any) -> Box:
        return Box(self.sqs, name, **attributes)

    def captured(self, kind: str) -> dict[str, list[dict[str, Any]]]:
        """Look up what was captured in this account and region: `sms-messages`, `platform-endpoint-messages`."""
        query = f"accountId={self.account}&region={self.region}"
        answer = json.loads(self.cloud.request("GET", f"/_aws/sns/{kind}", query=query).body)
        found: dict[str, list[dict[str, Any]]] = answer[kind.replace("-", "_")]
        return found


@pytest.fixture
def alice(cloud: Harness) -> Place:
    """Who has the topics."""
    return Place(cloud, ALICE)


@pytest.fixture
def bob(cloud: Harness) -> Place:
    """Who has the queues."""
    return Place(cloud, BOB)


# Topics of one name.


@pytest.mark.parametrize("other", [(BOB, HERE), (ALICE, THERE), (BOB, THERE)], ids=["account", "region", "both"])
def test_topics_of_one_name_in_two_places_are_two_topics(cloud: Harness, alice: Place, other: tuple[str, str]) -> None:
    elsewhere = Place(cloud, *other)
    topics = [make_topic(place.sns) for place in (alice, elsewhere)]
    assert topics == [topic_arn(account=ALICE), topic_arn("orders", *other)]
    boxes = [place.box() for place in (alice, elsewhere)]
    for place, topic, box in zip((alice, elsewhere), topics, boxes, strict=True):
        listen(place.sns, topic, box)
    alice.sns.publish(TopicArn=topics[0], Message="for Alice")
    assert texts_of(boxes[0]) == ["for Alice"]
    assert boxes[1].bodies() == []


# Publishing from elsewhere.


@pytest.mark.parametrize("name", ["TopicArn", "TargetArn"])
def test_another_account_can_publish(alice: Place, bob: Place, name: str) -> None:
    topic, box = make_topic(alice.sns), alice.box()
    listen(alice.sns, topic, box)
    bob.sns.publish(Message="from Bob", **{name: topic})
    envelope = envelope_of(box)
    assert (envelope["Message"], envelope["TopicArn"]) == ("from Bob", topic)


def test_another_account_can_publish_a_batch(alice: Place, bob: Place) -> None:
    topic, box = make_topic(alice.sns), alice.box()
    listen(alice.sns, topic, box)
    bob.sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[{"Id": "1", "Message": "from Bob"}])
    assert texts_of(box) == ["from Bob"]


@pytest.mark.parametrize("account", [ALICE, BOB])
def test_nobody_can_publish_from_another_region(cloud: Harness, alice: Place, account: str) -> None:
    topic = make_topic(alice.sns)
    sns = Place(cloud, account, THERE).sns
    assert error_of(sns.publish, TopicArn=topic, Message="hello") == invalid("TopicArn")
    assert error_of(sns.publish, TargetArn=topic, Message="hello") == invalid("TargetArn")
    entries = [{"Id": "1", "Message": "hello"}]
    seen = error_of(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries)
    assert seen == invalid("TopicArn")


def test_publishing_to_an_unknown_account_finds_nothing_and_leaves_nothing(cloud: Harness, alice: Place) -> None:
    make_topic(alice.sns)
    before = cloud.run(lambda emulator: len(list(emulator.storage.states("sns"))))
    assert error_of(alice.sns.publish, TopicArn=topic_arn(account="999999999999"), Message="hello") == NO_TOPIC
    assert cloud.run(lambda emulator: len(list(emulator.storage.states("sns")))) == before


def test_duplicates_of_two_publishers_in_two_accounts_are_duplicates(alice: Place, bob: Place) -> None:
    topic, box = make_fifo_topic(alice.sns), alice.box("inbox.fifo")
    listen(alice.sns, topic, box)
    first = alice.sns.publish(TopicArn=topic, Message="from Alice", **IDS)
    second = bob.sns.publish(TopicArn=topic, Message="from Bob", **IDS)
    assert second["SequenceNumber"] == first["SequenceNumber"]
    assert texts_of(box) == ["from Alice"]


# A queue in another region.


@pytest.mark.parametrize("raw", [True, False], ids=["raw", "envelope"])
def test_a_queue_in_another_region_of_the_account_needs_no_confirmation(
    cloud: Harness, alice: Place, raw: bool
) -> None:
    topic, box = make_topic(alice.sns), Place(cloud, ALICE, THERE).box()
    arn = (listen_raw if raw else listen)(alice.sns, topic, box)
    assert not pending(alice.sns, arn)
    alice.sns.publish(TopicArn=topic, Message="hello")
    body = message_of(box)["Body"]
    assert (body if raw else json.loads(body)["Message"]) == "hello"


def test_a_fifo_queue_in_another_region_gets_group_and_deduplication_id(cloud: Harness, alice: Place) -> None:
    topic, box = make_fifo_topic(alice.sns), Place(cloud, ALICE, THERE).box("inbox.fifo")
    listen(alice.sns, topic, box)
    alice.sns.publish(TopicArn=topic, Message="hello", **IDS)
    shown = message_of(box)["Attributes"]
    assert {name: shown[name] for name in IDS} == IDS


def test_queues_of_one_name_in_two_regions_are_two_subscribers(cloud: Harness, alice: Place) -> None:
    topic = make_topic(alice.sns)
    boxes = [Place(cloud, ALICE, region).box() for region in (HERE, THERE)]
    assert len({listen(alice.sns, topic, box) for box in boxes}) == 2
    alice.sns.publish(TopicArn=topic, Message="hello")
    assert [texts_of(box) for box in boxes] == [["hello"], ["hello"]]


def test_a_queue_of_the_same_name_in_the_wrong_region_is_not_taken_for_it(cloud: Harness, alice: Place) -> None:
    topic, box = make_topic(alice.sns), alice.box()
    elsewhere = queue_arn("inbox", ALICE, THERE)
    subscribe(alice.sns, topic, "sqs", elsewhere)
    alice.sns.publish(TopicArn=topic, Message="hello")
    assert box.bodies() == []
    assert [(target, code) for target, code, _ in failures(cloud)] == [
        (elsewhere, "AWS.SimpleQueueService.NonExistentQueue")
    ]


def test_a_region_of_another_partition_has_its_own_arns(cloud: Harness) -> None:
    china = Place(cloud, ALICE, "cn-north-1")
    topic, box = make_topic(china.sns), china.box()
    assert topic == f"arn:aws-cn:sns:cn-north-1:{ALICE}:orders"
    arn = listen(china.sns, topic, box)
    china.sns.publish(TopicArn=topic, Message="hello")
    envelope = envelope_of(box)
    assert envelope["TopicArn"] == topic
    assert envelope["UnsubscribeURL"].endswith(f"SubscriptionArn={arn}")


# A queue of another account, subscribed by the owner of the topic.


@pytest.mark.parametrize("region", [HERE, THERE])
def test_the_owner_of_a_foreign_queue_is_asked_first(cloud: Harness, alice: Place, region: str) -> None:
    topic, box = make_topic(alice.sns), Place(cloud, BOB, region).box()
    assert answer_to_subscribe(alice.sns, topic, "sqs", box.arn) == "pending confirmation"
    asking = envelope_of(box)
    assert (asking["Type"], asking["TopicArn"]) == ("SubscriptionConfirmation", topic)
    alice.sns.publish(TopicArn=topic, Message="too early")
    assert box.bodies() == []
    assert failures(cloud) == []


def test_what_asks_a_foreign_queue_is_no_notification_and_comes_in_a_letter_even_when_raw(
    alice: Place, bob: Place
) -> None:
    topic, box = make_topic(alice.sns), bob.box()
    listen_raw(alice.sns, topic, box)
    asking = envelope_of(box)
    assert list(asking) == [
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


def test_a_foreign_queue_gets_messages_once_its_owner_has_visited_the_url(
    cloud: Harness, alice: Place, bob: Place
) -> None:
    topic, box = make_topic(alice.sns), bob.box()
    arn = listen(alice.sns, topic, box)
    url = envelope_of(box)["SubscribeURL"]
    assert url == f"http://localhost:4566/?Action=ConfirmSubscription&TopicArn={topic}&Token={token_of(cloud, arn)}"
    answer = cloud.request("GET", "/", query=url.partition("?")[2])
    assert answer.status == 200
    assert f"<SubscriptionArn>{arn}</SubscriptionArn>" in answer.text
    alice.sns.publish(TopicArn=topic, Message="hello")
    assert texts_of(box) == ["hello"]


def test_a_foreign_queue_gets_messages_once_its_owner_has_confirmed(alice: Place, bob: Place) -> None:
    topic, box = make_topic(alice.sns), bob.box()
    arn = listen_raw(alice.sns, topic, box)
    token = envelope_of(box)["Token"]
    assert bob.sns.confirm_subscription(TopicArn=topic, Token=token)["SubscriptionArn"] == arn
    assert not pending(alice.sns, arn)
    alice.sns.publish(TopicArn=topic, Message="hello")
    assert box.bodies() == ["hello"]


def test_a_foreign_fifo_queue_is_asked_too(alice: Place, bob: Place) -> None:
    topic, box = make_fifo_topic(alice.sns), bob.box("inbox.fifo")
    listen(alice.sns, topic, box)
    (asking,) = box.receive()
    box.delete(asking)
    bob.sns.confirm_subscription(TopicArn=topic, Token=json.loads(asking["Body"])["Token"])
    alice.sns.publish(TopicArn=topic, Message="hello", **IDS)
    message = message_of(box)
    assert json.loads(message["Body"])["Message"] == "hello"
    assert {name: message["Attributes"][name] for name in IDS} == IDS


def test_subscribing_a_foreign_queue_again_asks_again_with_the_same_token(alice: Place, bob: Place) -> None:
    topic, box = make_topic(alice.sns), bob.box()
    for _ in range(2):
        listen(alice.sns, topic, box)
    first, second = envelopes(box)
    assert first["Token"] == second["Token"]
    assert first["MessageId"] != second["MessageId"]


# A queue that its own account subscribes to another account's topic.


@pytest.mark.parametrize("region", [HERE, THERE])
def test_the_owner_of_a_queue_subscribes_it_to_a_foreign_topic_without_confirmation(
    cloud: Harness, alice: Place, bob: Place, region: str
) -> None:
    topic, box = make_topic(alice.sns), Place(cloud, BOB, region).box()
    arn = answer_to_subscribe(bob.sns, topic, "sqs", box.arn)
    assert arn.startswith(f"{topic}:")
    assert attributes_of(bob.sns, arn)["Owner"] == BOB
    alice.sns.publish(TopicArn=topic, Message="hello")
    assert texts_of(box) == ["hello"]


def test_subscribers_of_many_accounts_get_each_a_copy(cloud: Harness, alice: Place) -> None:
    topic = make_topic(alice.sns)
    places = [Place(cloud, f"{n:012}", region) for n in range(1, 4) for region in (HERE, THERE)]
    boxes = [place.box() for place in places]
    for place, box in zip(places, boxes, strict=True):
        listen(Place(cloud, place.account).sns, topic, box)
    alice.sns.publish(TopicArn=topic, Message="hello")
    assert [texts_of(box) for box in boxes] == [["hello"]] * 6


def test_a_topic_s_region_must_be_the_subscriber_s(cloud: Harness, alice: Place) -> None:
    topic, bob = make_topic(alice.sns), Place(cloud, BOB, THERE)
    seen = error_of(bob.sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=bob.box().arn)
    assert seen == invalid("TopicArn")


# Phones and devices.


def test_text_messages_of_a_topic_are_captured_where_the_topic_is(cloud: Harness, alice: Place, bob: Place) -> None:
    topic = make_topic(alice.sns)
    arn = subscribe(bob.sns, topic, "sms", PHONE)
    bob.sns.publish(TopicArn=topic, Message="hello")
    (message,) = alice.captured("sms-messages")[PHONE]
    assert (message["Message"], message["TopicArn"], message["SubscriptionArn"]) == ("hello", topic, arn)
    assert bob.captured("sms-messages") == {}
    assert Place(cloud, ALICE, THERE).captured("sms-messages") == {}


def test_a_text_message_to_a_phone_is_captured_where_the_publisher_is(cloud: Harness, alice: Place) -> None:
    there = Place(cloud, ALICE, THERE)
    there.sns.publish(PhoneNumber=PHONE, Message="hello")
    assert [message["Message"] for message in there.captured("sms-messages")[PHONE]] == ["hello"]
    assert alice.captured("sms-messages") == {}


def make_device(place: Place) -> str:
    """Make a platform endpoint and give its ARN."""
    app = place.sns.create_platform_application(Name="shop", Platform="GCM", Attributes={"PlatformCredential": "key"})
    made = place.sns.create_platform_endpoint(PlatformApplicationArn=app["PlatformApplicationArn"], Token="token")
    arn: str = made["EndpointArn"]
    return arn


def test_a_push_message_of_a_foreign_topic_is_found_by_the_endpoint_s_arn(
    cloud: Harness, alice: Place, bob: Place
) -> None:
    topic, device = make_topic(alice.sns), make_device(bob)
    assert answer_to_subscribe(bob.sns, topic, "application", device).startswith(f"{topic}:")
    alice.sns.publish(TopicArn=topic, Message="hello")
    answer = cloud.request("GET", "/_aws/sns/platform-endpoint-messages", query=f"endpointArn={device}")
    (message,) = json.loads(answer.body)["platform_endpoint_messages"][device]
    assert (message["Message"], message["TopicArn"]) == ("hello", topic)


def test_a_push_message_is_captured_where_the_endpoint_is(cloud: Harness, alice: Place) -> None:
    there = Place(cloud, ALICE, THERE)
    topic, device = make_topic(alice.sns), make_device(there)
    subscribe(alice.sns, topic, "application", device)
    alice.sns.publish(TopicArn=topic, Message="hello")
    assert [message["Message"] for message in there.captured("platform-endpoint-messages")[device]] == ["hello"]
    assert alice.captured("platform-endpoint-messages") == {}


def test_a_device_of_another_account_cannot_be_published_to(alice: Place, bob: Place) -> None:
    device = make_device(bob)
    seen = error_of(alice.sns.publish, TargetArn=device, Message="hello")
    assert (seen.code, seen.status) == ("AuthorizationError", 403)
    assert seen.message == (
        f"User: arn:aws:iam::{ALICE}:root is not authorized to perform: SNS:Publish on resource: {device} "
        "because no resource-based policy allows the SNS:Publish action"
    )
    assert bob.captured("platform-endpoint-messages") == {}
