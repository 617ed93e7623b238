"""What goes to people and devices is captured and never sent: the whole of each captured message, from topics and published directly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.router.router import HOPS_MAX
from tests.support.errors import error_of
from tests.support.harness import Harness
from tests.support.sns_publish_flow import MESSAGE_MAX_BYTES, deliveries, failures, listen, texts_of
from tests.support.sns_subscriptions import MAIL, PHONE, mails, subscribe, token_of
from tests.support.sns_topics import invalid, make_topic
from tests.support.sqs_flow import Box
from tests.support.sqs_messages import binary, text

ATTRIBUTES = {"AWS.SNS.SMS.SenderID": text("shop"), "n": text("7", "Number"), "raw": binary(b"\x00\xff")}
SHOWN = {
    "AWS.SNS.SMS.SenderID": {"DataType": "String", "StringValue": "shop"},
    "n": {"DataType": "Number", "StringValue": "7"},
    "raw": {"DataType": "Binary", "BinaryValue": "AP8="},
}
POLICY = json.dumps({"colour": ["blue"]})
ADDRESS = "arn:aws:dataprotection::aws:data-identifier/EmailAddress"


@pytest.fixture
def topic(sns: Any) -> str:
    """A standard topic."""
    return make_topic(sns)


@pytest.fixture
def app(sns: Any) -> str:
    """A platform application."""
    made = sns.create_platform_application(Name="shop", Platform="GCM", Attributes={"PlatformCredential": "key"})
    arn: str = made["PlatformApplicationArn"]
    return arn


@pytest.fixture
def device(sns: Any, app: str) -> str:
    """A platform endpoint of the application."""
    return make_device(sns, app)


def make_device(sns: Any, app: str, token: str = "token") -> str:
    arn: str = sns.create_platform_endpoint(PlatformApplicationArn=app, Token=token)["EndpointArn"]
    return arn


def captured(cloud: Harness, kind: str, owner: str) -> list[dict[str, Any]]:
    """Look up what was captured for one phone number or endpoint, the oldest first."""
    answer = json.loads(cloud.request("GET", f"/_aws/sns/{kind}").body)
    found: list[dict[str, Any]] = answer[kind.replace("-", "_")].get(owner, [])
    return found


def on_phone(cloud: Harness, number: str = PHONE) -> list[dict[str, Any]]:
    return captured(cloud, "sms-messages", number)


def on_device(cloud: Harness, device: str) -> list[dict[str, Any]]:
    return captured(cloud, "platform-endpoint-messages", device)


def disable(sns: Any, device: str) -> None:
    sns.set_endpoint_attributes(EndpointArn=device, Attributes={"Enabled": "false"})


def subscribe_mail(cloud: Harness, sns: Any, topic: str, address: str = MAIL, /, **attributes: str) -> str:
    """Subscribe an address and confirm it, and forget the letter that asked."""
    arn = subscribe(sns, topic, "email", address, **attributes)
    sns.confirm_subscription(TopicArn=topic, Token=token_of(cloud, arn))
    cloud.request("DELETE", "/_aws/sns/email-messages")
    return arn


# Text messages.


def test_a_text_message_to_a_phone_is_captured_whole(cloud: Harness, sns: Any) -> None:
    answer = sns.publish(PhoneNumber=PHONE, Message="Grüße 🎉", Subject="greeting", MessageAttributes=ATTRIBUTES)
    assert on_phone(cloud) == [
        {
            "PhoneNumber": PHONE,
            "TopicArn": None,
            "SubscriptionArn": None,
            "MessageId": answer["MessageId"],
            "Message": "Grüße 🎉",
            "MessageAttributes": SHOWN,
            "MessageStructure": None,
            "Subject": "greeting",
        }
    ]


def test_a_text_message_of_a_topic_is_captured_whole(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe(sns, topic, "sms", PHONE)
    answer = sns.publish(TopicArn=topic, Message="hello", Subject="greeting", MessageAttributes=ATTRIBUTES)
    assert on_phone(cloud) == [
        {
            "PhoneNumber": PHONE,
            "TopicArn": topic,
            "SubscriptionArn": arn,
            "MessageId": answer["MessageId"],
            "Message": "hello",
            "MessageAttributes": SHOWN,
            "MessageStructure": None,
            "Subject": "greeting",
        }
    ]


def test_the_structure_of_a_text_message_is_shown_with_the_text_for_phones(
    cloud: Harness, sns: Any, topic: str
) -> None:
    subscribe(sns, topic, "sms", PHONE)
    document = json.dumps({"default": "all", "sms": "phones"})
    sns.publish(TopicArn=topic, Message=document, MessageStructure="json")
    sns.publish(PhoneNumber=PHONE, Message=document, MessageStructure="json")
    assert [(one["Message"], one["MessageStructure"]) for one in on_phone(cloud)] == [("phones", "json")] * 2


def test_each_phone_of_a_topic_gets_a_message(cloud: Harness, sns: Any, topic: str) -> None:
    numbers = ["+15550100", "+15550101", "+4915112345678"]
    for number in numbers:
        subscribe(sns, topic, "sms", number)
    message_id = sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    assert [on_phone(cloud, number)[0]["MessageId"] for number in numbers] == [message_id] * 3


def test_a_phone_gets_what_its_filter_wants(cloud: Harness, sns: Any, topic: str) -> None:
    subscribe(sns, topic, "sms", PHONE, FilterPolicy=POLICY)
    for colour in ("blue", "red"):
        sns.publish(TopicArn=topic, Message=colour, MessageAttributes={"colour": text(colour)})
    assert [message["Message"] for message in on_phone(cloud)] == ["blue"]


def test_a_phone_that_opted_out_gets_nothing_of_a_topic_and_the_publisher_does_not_hear_of_it(
    cloud: Harness, sns: Any, sqs: Any, topic: str
) -> None:
    subscribe(sns, topic, "sms", PHONE)
    box = Box(sqs)
    listen(sns, topic, box)
    cloud.request("POST", "/_aws/sns/opted-out-numbers", query=f"phoneNumber=%2B{PHONE[1:]}")
    sns.publish(TopicArn=topic, Message="hello")
    assert on_phone(cloud) == []
    assert [(target, code) for target, code, _ in failures(cloud)] == [(PHONE, "OptedOut")]
    assert texts_of(box) == ["hello"]


def test_a_refused_text_message_is_not_captured(cloud: Harness, sns: Any) -> None:
    assert error_of(sns.publish, PhoneNumber=PHONE, Message="") == invalid("Empty message")
    assert error_of(sns.publish, PhoneNumber=PHONE, Message="hello", Subject="a\nb") == invalid("Subject")
    assert on_phone(cloud) == []


def test_a_text_message_to_a_phone_is_answered_with_a_message_id_alone(sns: Any) -> None:
    answer = sns.publish(PhoneNumber=PHONE, Message="hello")
    assert answer.keys() - {"ResponseMetadata"} == {"MessageId"}


# Push messages.


def test_a_push_message_to_a_device_is_captured_whole(cloud: Harness, sns: Any, device: str) -> None:
    attributes = {"AWS.SNS.MOBILE.GCM.TTL": text("60")}
    answer = sns.publish(TargetArn=device, Message="hello", Subject="greeting", MessageAttributes=attributes)
    assert on_device(cloud, device) == [
        {
            "TargetArn": device,
            "TopicArn": None,
            "Message": "hello",
            "MessageAttributes": attributes,
            "MessageStructure": None,
            "Subject": "greeting",
            "MessageId": answer["MessageId"],
        }
    ]


def test_a_push_message_of_a_topic_is_captured_whole(cloud: Harness, sns: Any, topic: str, device: str) -> None:
    subscribe(sns, topic, "application", device)
    payload = json.dumps({"notification": {"title": "hello"}})
    document = json.dumps({"default": "all", "GCM": payload})
    answer = sns.publish(TopicArn=topic, Message=document, MessageStructure="json", MessageAttributes=ATTRIBUTES)
    assert on_device(cloud, device) == [
        {
            "TargetArn": device,
            "TopicArn": topic,
            "Message": payload,
            "MessageAttributes": SHOWN,
            "MessageStructure": "json",
            "Subject": None,
            "MessageId": answer["MessageId"],
        }
    ]


def test_without_attributes_there_are_none_to_show(cloud: Harness, sns: Any, device: str) -> None:
    sns.publish(TargetArn=device, Message="hello")
    assert on_device(cloud, device)[0]["MessageAttributes"] is None


def test_a_push_message_has_up_to_256_kib(cloud: Harness, sns: Any, device: str) -> None:
    sns.publish(TargetArn=device, Message="x" * MESSAGE_MAX_BYTES)
    seen = error_of(sns.publish, TargetArn=device, Message="x" * (MESSAGE_MAX_BYTES + 1))
    assert seen == invalid("Message too long")
    assert len(on_device(cloud, device)) == 1


def test_each_device_of_a_topic_gets_a_message(cloud: Harness, sns: Any, topic: str, app: str) -> None:
    devices = [make_device(sns, app, f"token{n}") for n in range(3)]
    for device in devices:
        subscribe(sns, topic, "application", device)
    message_id = sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    assert [on_device(cloud, device)[0]["MessageId"] for device in devices] == [message_id] * 3


def test_a_disabled_device_gets_nothing_of_a_topic_and_the_publisher_does_not_hear_of_it(
    cloud: Harness, sns: Any, topic: str, app: str, device: str
) -> None:
    other = make_device(sns, app, "other")
    for each in (device, other):
        subscribe(sns, topic, "application", each)
    disable(sns, device)
    assert sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    assert failures(cloud) == [(device, "EndpointDisabled", "Endpoint is disabled")]
    assert on_device(cloud, device) == []
    assert len(on_device(cloud, other)) == 1


def test_a_device_that_is_enabled_again_gets_the_next_message(
    cloud: Harness, sns: Any, topic: str, device: str
) -> None:
    subscribe(sns, topic, "application", device)
    disable(sns, device)
    sns.publish(TopicArn=topic, Message="lost")
    sns.set_endpoint_attributes(EndpointArn=device, Attributes={"Enabled": "true"})
    sns.publish(TopicArn=topic, Message="good")
    assert [message["Message"] for message in on_device(cloud, device)] == ["good"]


def test_a_deleted_device_fails_for_its_topic(cloud: Harness, sns: Any, topic: str, device: str) -> None:
    subscribe(sns, topic, "application", device)
    sns.delete_endpoint(EndpointArn=device)
    sns.publish(TopicArn=topic, Message="hello")
    assert [(target, code) for target, code, _ in failures(cloud)] == [(device, "InvalidParameter")]


def test_a_push_message_that_fails_goes_to_the_dead_letter_queue_at_once(
    sns: Any, sqs: Any, topic: str, device: str
) -> None:
    dead = Box(sqs, "dead")
    subscribe(sns, topic, "application", device, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead.arn}))
    disable(sns, device)
    sns.publish(TopicArn=topic, Message="hello")
    (letter,) = dead.receive(MessageAttributeNames=["All"])
    assert letter["Body"] == "hello"
    assert letter["MessageAttributes"]["ErrorCode"] == text("EndpointDisabled")


def test_a_failed_push_message_of_the_very_topic_that_hears_of_failures_comes_to_an_end(
    cloud: Harness, sns: Any, topic: str, app: str, device: str
) -> None:
    sns.set_platform_application_attributes(PlatformApplicationArn=app, Attributes={"EventDeliveryFailure": topic})
    subscribe(sns, topic, "application", device)
    disable(sns, device)
    assert sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    assert 1 <= len(failures(cloud)) <= HOPS_MAX + 1


def test_an_outbound_policy_masks_the_text_for_a_platform_too(
    cloud: Harness, sns: Any, topic: str, device: str
) -> None:
    subscribe(sns, topic, "application", device)
    statement = {
        "DataDirection": "Outbound",
        "Principal": ["*"],
        "DataIdentifier": [ADDRESS],
        "Operation": {"Deidentify": {"MaskConfig": {"MaskWithCharacter": "#"}}},
    }
    policy = {"Name": "pii", "Version": "2021-06-01", "Statement": [statement]}
    sns.put_data_protection_policy(ResourceArn=topic, DataProtectionPolicy=json.dumps(policy))
    document = json.dumps({"default": "write to a@b.io", "GCM": "mail a@b.io now"})
    sns.publish(TopicArn=topic, Message=document, MessageStructure="json")
    assert [message["Message"] for message in on_device(cloud, device)] == ["mail ###### now"]


def test_an_outbound_policy_keeps_the_text_for_a_platform_back(
    cloud: Harness, sns: Any, topic: str, device: str
) -> None:
    subscribe(sns, topic, "application", device)
    statement = {
        "DataDirection": "Outbound",
        "Principal": ["*"],
        "DataIdentifier": [ADDRESS],
        "Operation": {"Deny": {}},
    }
    policy = {"Name": "pii", "Version": "2021-06-01", "Statement": [statement]}
    sns.put_data_protection_policy(ResourceArn=topic, DataProtectionPolicy=json.dumps(policy))
    document = json.dumps({"default": "harmless", "GCM": "mail a@b.io"})
    sns.publish(TopicArn=topic, Message=document, MessageStructure="json")
    assert on_device(cloud, device) == []


# E-mail.


def test_an_e_mail_of_a_topic_is_captured_whole(cloud: Harness, sns: Any, topic: str) -> None:
    arn = subscribe_mail(cloud, sns, topic)
    answer = sns.publish(TopicArn=topic, Message="hello", Subject="greeting", MessageAttributes=ATTRIBUTES)
    assert mails(cloud) == [
        {
            "Endpoint": MAIL,
            "Protocol": "email",
            "TopicArn": topic,
            "SubscriptionArn": arn,
            "MessageId": answer["MessageId"],
            "Type": "Notification",
            "Subject": "greeting",
            "Message": "hello",
            "Timestamp": "2026-01-01T00:00:00.000Z",
            "UnsubscribeURL": f"http://localhost:4566/?Action=Unsubscribe&SubscriptionArn={arn}",
        }
    ]


def test_an_address_that_has_not_confirmed_gets_the_question_and_nothing_else(
    cloud: Harness, sns: Any, topic: str
) -> None:
    arn = subscribe(sns, topic, "email", MAIL)
    sns.publish(TopicArn=topic, Message="too early")
    (asking,) = mails(cloud)
    url = f"http://localhost:4566/?Action=ConfirmSubscription&TopicArn={topic}&Token={token_of(cloud, arn)}"
    assert (asking["Type"], asking["SubscribeURL"]) == ("SubscriptionConfirmation", url)
    assert asking["Subject"] == "AWS Notification - Subscription Confirmation"
    assert asking["Message"] == (
        f"You have chosen to subscribe to the topic {topic}.\n"
        f"To confirm the subscription, visit the SubscribeURL included in this message.\n{url}"
    )


def test_an_address_that_has_visited_the_link_gets_messages(cloud: Harness, sns: Any, topic: str) -> None:
    subscribe(sns, topic, "email", MAIL)
    link = mails(cloud)[0]["SubscribeURL"]
    assert cloud.request("GET", "/", query=link.partition("?")[2]).status == 200
    sns.publish(TopicArn=topic, Message="hello")
    assert [mail["Type"] for mail in mails(cloud)] == ["SubscriptionConfirmation", "Notification"]


def test_the_link_in_an_e_mail_ends_the_subscription_and_the_address_is_told(
    cloud: Harness, sns: Any, topic: str
) -> None:
    subscribe_mail(cloud, sns, topic)
    sns.publish(TopicArn=topic, Message="last")
    link = mails(cloud)[0]["UnsubscribeURL"]
    assert cloud.request("GET", "/", query=link.partition("?")[2]).status == 200
    sns.publish(TopicArn=topic, Message="nobody hears")
    assert [mail["Type"] for mail in mails(cloud)] == ["Notification", "UnsubscribeConfirmation"]
    assert mails(cloud)[1]["Subject"] == "AWS Notification - Unsubscribe Confirmation"


def test_the_text_for_e_mail_is_its_own(cloud: Harness, sns: Any, topic: str) -> None:
    subscribe_mail(cloud, sns, topic)
    arn = subscribe(sns, topic, "email-json", MAIL)
    sns.confirm_subscription(TopicArn=topic, Token=token_of(cloud, arn))
    cloud.request("DELETE", "/_aws/sns/email-messages")
    document = json.dumps({"default": "all", "email": "people", "email-json": "programs"})
    sns.publish(TopicArn=topic, Message=document, MessageStructure="json")
    seen = {mail["Protocol"]: mail["Message"] for mail in mails(cloud)}
    assert seen["email"] == "people"
    assert json.loads(seen["email-json"])["Message"] == "programs"


def test_an_address_gets_what_its_filter_wants(cloud: Harness, sns: Any, topic: str) -> None:
    subscribe_mail(cloud, sns, topic, MAIL, FilterPolicy=POLICY)
    for colour in ("red", "blue"):
        sns.publish(TopicArn=topic, Message=colour, MessageAttributes={"colour": text(colour)})
    assert [mail["Message"] for mail in mails(cloud)] == ["blue"]


def test_what_is_captured_waits_for_nothing(cloud: Harness, sns: Any, topic: str, device: str) -> None:
    subscribe_mail(cloud, sns, topic)
    subscribe(sns, topic, "sms", PHONE)
    subscribe(sns, topic, "application", device)
    sns.publish(TopicArn=topic, Message="hello")
    shown = deliveries(cloud)
    assert (shown["pending"], shown["failed"]) == ([], [])
