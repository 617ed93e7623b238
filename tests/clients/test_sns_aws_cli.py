"""`aws sns ...`, as its users run it: an endpoint, a region and any keys in the environment, and no configuration.

Unlike for `aws sqs` (see test_aws_cli.py), version 1 honours AWS_ENDPOINT_URL here, and AWS_ENDPOINT_URL_SNS before it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.aws_cli import CLIENT_ERROR, Aws, run_aws
from tests.support.http_target import HttpTarget
from tests.support.server import Server
from tests.support.sns_publish_flow import envelope_of, listen, listen_raw, message_of
from tests.support.sns_topics import make_fifo_topic, make_topic, topic_arn, topic_attributes
from tests.support.sqs_flow import Box

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def aws(server: Server) -> Aws:
    """Run `aws` with arguments; `variables` change its environment."""
    return partial(run_aws, server)


@pytest.fixture
def sns(server: Server) -> Iterator[Any]:
    """A boto3 client, for what a test does not do with the CLI."""
    client = server.client("sns")
    yield client
    client.close()


@pytest.fixture
def topic(sns: Any) -> str:
    """A standard topic."""
    return make_topic(sns)


@pytest.fixture
def box(sqs: Any) -> Box:
    """A queue, not subscribed to anything."""
    return Box(sqs, "box")


def answer(done: subprocess.CompletedProcess[str]) -> Any:
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout) if done.stdout else None


# Where the CLI finds the server.


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SNS", "--endpoint-url"])
def test_the_server_is_found_by_variable_and_by_flag(server: Server, sns: Any, aws: Aws, name: str) -> None:
    make_topic(sns)
    flags = ("--endpoint-url", server.url) if name == "--endpoint-url" else ()
    variables = {"AWS_ENDPOINT_URL": NOWHERE} | ({} if flags else {name: server.url})
    assert answer(aws(*flags, "sns", "list-topics", **variables)) == {"Topics": [{"TopicArn": topic_arn()}]}


def test_the_account_of_a_12_digit_key_and_the_region_of_the_caller(sns: Any, aws: Aws) -> None:
    variables = {"AWS_ACCESS_KEY_ID": "111122223333", "AWS_DEFAULT_REGION": "eu-west-1"}
    done = aws("sns", "create-topic", "--name", "orders", **variables)
    assert answer(done) == {"TopicArn": "arn:aws:sns:eu-west-1:111122223333:orders"}
    assert sns.list_topics()["Topics"] == []


# Topics.


def test_create_topic_takes_attributes_and_tags(sns: Any, aws: Aws) -> None:
    attributes = ("--attributes", "FifoTopic=true,ContentBasedDeduplication=true")
    done = aws("sns", "create-topic", "--name", "orders.fifo", *attributes, "--tags", "Key=team,Value=a")
    assert answer(done) == {"TopicArn": topic_arn("orders.fifo")}
    assert topic_attributes(sns, topic_arn("orders.fifo"))["ContentBasedDeduplication"] == "true"
    listed = answer(aws("sns", "list-tags-for-resource", "--resource-arn", topic_arn("orders.fifo")))
    assert listed == {"Tags": [{"Key": "team", "Value": "a"}]}


def test_attributes_of_a_topic_are_set_silently_and_shown(aws: Aws, topic: str) -> None:
    name = ("--attribute-name", "DisplayName", "--attribute-value", "Our orders")
    assert answer(aws("sns", "set-topic-attributes", "--topic-arn", topic, *name)) is None
    shown = answer(aws("sns", "get-topic-attributes", "--topic-arn", topic))["Attributes"]
    assert (shown["DisplayName"], shown["TopicArn"], shown["Owner"]) == ("Our orders", topic, "000000000000")


def test_list_topics_pages_by_itself(sns: Any, aws: Aws) -> None:
    made = [make_topic(sns, f"t{n:03}") for n in range(101)]
    assert answer(aws("sns", "list-topics")) == {"Topics": [{"TopicArn": arn} for arn in made]}


def test_delete_topic_is_silent_also_for_a_topic_that_is_not_there(sns: Any, aws: Aws, topic: str) -> None:
    for _ in range(2):
        assert answer(aws("sns", "delete-topic", "--topic-arn", topic)) is None
    assert sns.list_topics()["Topics"] == []


# Subscriptions.


def test_subscribe_a_queue_with_a_filter_policy(sns: Any, aws: Aws, topic: str, box: Box) -> None:
    attributes = '{"FilterPolicy": "{\\"kind\\": [\\"mail\\"]}", "RawMessageDelivery": "true"}'
    queue = ("--protocol", "sqs", "--notification-endpoint", box.arn, "--attributes", attributes)
    arn = answer(aws("sns", "subscribe", "--topic-arn", topic, *queue))["SubscriptionArn"]
    assert arn.startswith(f"{topic}:")
    for kind in ("order", "mail"):
        attributes = json.dumps({"kind": {"DataType": "String", "StringValue": kind}})
        done = aws("sns", "publish", "--topic-arn", topic, "--message", kind, "--message-attributes", attributes)
        assert list(answer(done)) == ["MessageId"]
    assert box.bodies() == ["mail"]


def test_a_web_server_is_confirmed_by_its_token_and_unsubscribed(aws: Aws, topic: str) -> None:
    with HttpTarget() as target:
        web = ("--protocol", "http", "--notification-endpoint", target.url())
        done = aws("sns", "subscribe", "--topic-arn", topic, *web)
        assert answer(done) == {"SubscriptionArn": "pending confirmation"}
        token = target.wait()[0].json["Token"]
        arn = answer(aws("sns", "confirm-subscription", "--topic-arn", topic, "--token", token))["SubscriptionArn"]
        listed = answer(aws("sns", "list-subscriptions-by-topic", "--topic-arn", topic))
        assert listed == {
            "Subscriptions": [
                {
                    "SubscriptionArn": arn,
                    "Owner": "000000000000",
                    "Protocol": "http",
                    "Endpoint": target.url(),
                    "TopicArn": topic,
                }
            ]
        }
        assert answer(aws("sns", "unsubscribe", "--subscription-arn", arn)) is None
    assert answer(aws("sns", "list-subscriptions")) == {"Subscriptions": []}


def test_attributes_of_a_subscription_are_set_and_shown(sns: Any, aws: Aws, topic: str, box: Box) -> None:
    arn = listen(sns, topic, box)
    change = ("--attribute-name", "FilterPolicy", "--attribute-value", '{"kind": [{"prefix": "m"}]}')
    assert answer(aws("sns", "set-subscription-attributes", "--subscription-arn", arn, *change)) is None
    shown = answer(aws("sns", "get-subscription-attributes", "--subscription-arn", arn))["Attributes"]
    assert (shown["FilterPolicy"], shown["FilterPolicyScope"]) == ('{"kind": [{"prefix": "m"}]}', "MessageAttributes")


# Publishing.


def test_publish_takes_a_subject_and_a_message_from_a_file(
    sns: Any, aws: Aws, topic: str, box: Box, tmp_path: Path
) -> None:
    listen(sns, topic, box)
    file = tmp_path / "message.txt"
    file.write_text("hällo\n🎉", encoding="utf-8")
    message = ("--message", f"file://{file}", "--subject", "greeting")
    variables = {"AWS_CLI_FILE_ENCODING": "UTF-8"}
    sent = answer(aws("sns", "publish", "--topic-arn", topic, *message, **variables))
    envelope = envelope_of(box)
    assert (envelope["Message"], envelope["Subject"]) == ("hällo\n🎉", "greeting")
    assert sent == {"MessageId": envelope["MessageId"]}


def test_publish_takes_attributes_of_all_types(sns: Any, aws: Aws, topic: str, box: Box) -> None:
    listen_raw(sns, topic, box)
    attributes: dict[str, dict[str, Any]] = {
        "tags": {"DataType": "String.Array", "StringValue": '["a"]'},
        "n": {"DataType": "Number", "StringValue": "7"},
        # Version 1 sends the text as it stands, version 2 takes it for base64.
        "raw": {"DataType": "Binary", "BinaryValue": "AP8="},
    }
    given = ("--message-attributes", json.dumps(attributes))
    answer(aws("sns", "publish", "--topic-arn", topic, "--message", "x", *given))
    attributes["raw"]["BinaryValue"] = b"AP8="
    assert message_of(box)["MessageAttributes"] == attributes


def test_publish_to_a_fifo_topic_prints_the_sequence_number(sns: Any, aws: Aws) -> None:
    topic = make_fifo_topic(sns)
    ids = ("--message-group-id", "g", "--message-deduplication-id", "1")
    first = answer(aws("sns", "publish", "--topic-arn", topic, "--message", "one", *ids))
    again = answer(aws("sns", "publish", "--topic-arn", topic, "--message", "one", *ids))
    assert list(first) == ["MessageId", "SequenceNumber"]
    assert first["SequenceNumber"] == again["SequenceNumber"]


def test_publish_batch_takes_the_short_form(sns: Any, aws: Aws, topic: str, box: Box) -> None:
    listen_raw(sns, topic, box)
    entries = ("Id=a,Message=one", "Id=b,Message=two,Subject=second")
    done = aws("sns", "publish-batch", "--topic-arn", topic, "--publish-batch-request-entries", *entries)
    shown = answer(done)
    assert ([entry["Id"] for entry in shown["Successful"]], shown["Failed"]) == (["a", "b"], [])
    assert sorted(box.bodies()) == ["one", "two"]


def test_a_text_message_is_captured(server: Server, aws: Aws) -> None:
    sent = answer(aws("sns", "publish", "--phone-number", "+15550100", "--message", "ding"))
    shown = json.loads(server.request("GET", "/_aws/sns/sms-messages").body)
    [message] = shown["sms_messages"]["+15550100"]
    assert (message["Message"], message["MessageId"]) == ("ding", sent["MessageId"])


# Refusals.


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("publish", "--topic-arn", topic_arn("none"), "--message", "x"),
            "An error occurred (NotFound) when calling the Publish operation: Topic does not exist",
        ),
        (
            ("create-topic", "--name", "no spaces"),
            "An error occurred (InvalidParameter) when calling the CreateTopic operation: Invalid parameter: Topic Name",
        ),
    ],
    ids=["no topic", "bad name"],
)
def test_an_error_prints_the_code_and_the_text_of_aws(aws: Aws, arguments: tuple[str, ...], says: str) -> None:
    done = aws("sns", *arguments)
    assert (done.returncode, done.stdout) == (CLIENT_ERROR, "")
    assert done.stderr.strip().endswith(says)
