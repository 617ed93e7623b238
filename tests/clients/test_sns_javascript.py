"""SNS and the AWS SDK for JavaScript v3 under Node.js, and sns-validator, AWS's verifier of signatures. javascript/sns.mjs plays,
this file judges.
"""

from __future__ import annotations

import re

import pytest

from tests.support.javascript import Seen, install, play, saw
from tests.support.server import Server
from tests.support.sns_topics import topic_arn

ACCOUNT, REGION = "111122223333", "eu-west-1"
CERTIFICATES = "sns.eu-west-1.amazonaws.com"
"""The host that the URLs of certificates name, since the verifier takes AWS's only."""


@pytest.fixture(scope="module")
def seen() -> Seen:
    """What each scenario saw."""
    install()
    with Server("--port", "0", "--sns-cert-url-host", CERTIFICATES) as server:
        scenarios = play("sns.mjs", server.url)
        assert server.stop() == 0
        assert "Traceback" not in server.output
    return scenarios


def test_a_queue_gets_the_envelope_of_a_publish(seen: Seen) -> None:
    one = saw(seen, "envelope")
    envelope = one["envelope"]
    assert one["count"] == 1
    assert (envelope["Type"], envelope["MessageId"]) == ("Notification", one["sent"]["MessageId"])
    assert (envelope["Message"], envelope["Subject"]) == ("hällo 🎉", "hello")
    assert envelope["UnsubscribeURL"].endswith(f"/?Action=Unsubscribe&SubscriptionArn={one['SubscriptionArn']}")
    assert envelope["MessageAttributes"] == {
        "kind": {"Type": "String", "Value": "grüße"},
        "raw": {"Type": "Binary", "Value": "AP8="},
    }


def test_account_and_region_are_the_caller_s(seen: Seen) -> None:
    one = saw(seen, "envelope")
    assert one["TopicArn"] == one["envelope"]["TopicArn"] == topic_arn("envelope", ACCOUNT, REGION)
    assert one["SubscriptionArn"].startswith(f"{one['TopicArn']}:")


def test_raw_delivery_brings_the_attributes_as_they_were_published(seen: Seen) -> None:
    assert saw(seen, "raw") == {
        "body": "hällo 🎉",
        "count": {"DataType": "Number", "StringValue": "7"},
        "tags": {"DataType": "String.Array", "StringValue": '["a"]'},
        "raw": [0, 255],
    }


def test_a_filter_policy_lets_through_what_it_names(seen: Seen) -> None:
    assert saw(seen, "filtered") == ["e-mail at 10.5", "mail at 11"]


def test_a_batch_answers_for_each_entry(seen: Seen) -> None:
    batch = saw(seen, "batch")
    assert (batch["successful"], batch["bodies"]) == (["a", "c"], ["one", "three"])
    [failed] = batch["failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("b", "InvalidParameter", True)
    assert failed["Message"] == "Invalid parameter: Empty message"


def test_a_fifo_topic_keeps_order_and_drops_duplicates(seen: Seen) -> None:
    fifo = saw(seen, "fifo")
    first, second, duplicate, third = map(int, fifo["numbers"])
    assert first < second == duplicate < third
    assert fifo["bodies"] == ["a", "b", "c"]


def test_a_web_server_in_node_confirms_and_is_notified(seen: Seen) -> None:
    web = saw(seen, "webServer")
    assert web["before"] == "pending confirmation"
    assert web["after"] == web["subscription"]
    assert web["after"].startswith(topic_arn("web", ACCOUNT, REGION) + ":")
    assert web["kinds"] == ["SubscriptionConfirmation", "Notification"]
    assert web["message"] == "hällo 🎉"


def test_sns_validator_accepts_what_a_web_server_gets(seen: Seen) -> None:
    assert saw(seen, "webServer")["valid"] == ["valid", "valid"]


@pytest.mark.parametrize(("scenario", "version"), [("signedOne", "1"), ("signedTwo", "2")])
def test_sns_validator_accepts_an_envelope_and_refuses_a_changed_one(seen: Seen, scenario: str, version: str) -> None:
    signed = saw(seen, scenario)
    assert (signed["version"], signed["envelope"]) == (version, "valid")
    assert signed["changed"] == "The message signature is invalid."
    assert re.fullmatch(
        rf"https://{re.escape(CERTIFICATES)}/_aws/sns/SimpleNotificationService-[0-9a-f]{{32}}\.pem", signed["url"]
    )
    assert signed["fetched"] is True


def test_topics_are_listed_in_pages(seen: Seen) -> None:
    assert saw(seen, "lists") == {"listed": 101, "distinct": True}


def test_attributes_are_set_and_read_and_a_subscription_is_ended(seen: Seen) -> None:
    assert saw(seen, "attributes") == {
        "policy": '{"kind": ["mail"]}',
        "confirmed": "1",
        "displayName": "Our topic",
        "left": [],
    }


@pytest.mark.parametrize(
    ("scenario", "name", "code", "status", "message"),
    [
        ("noTopic", "NotFoundException", "NotFound", 404, "Topic does not exist"),
        ("noTags", "ResourceNotFoundException", "ResourceNotFound", 404, "Resource does not exist"),
        ("badName", "InvalidParameterException", "InvalidParameter", 400, "Invalid parameter: Topic Name"),
        (
            "badAttribute",
            "InvalidParameterValueException",
            "ParameterValueInvalid",
            400,
            (
                "The message attribute 'a' has an invalid message attribute type, "
                "the set of supported type prefixes is Binary, Number, and String."
            ),
        ),
        (
            "sameIds",
            "BatchEntryIdsNotDistinctException",
            "BatchEntryIdsNotDistinct",
            400,
            "Two or more batch entries in the request have the same Id.",
        ),
    ],
)
def test_an_error_of_the_model_is_an_exception_class_whose_name_differs_from_the_code(
    seen: Seen, scenario: str, name: str, code: str, status: int, message: str
) -> None:
    error = saw(seen, scenario)
    assert (error["name"], error["isClass"], error["fault"]) == (name, True, "client")
    assert (error["code"], error["status"], error["message"]) == (code, status, message)
    assert len(error["requestId"]) == 36
